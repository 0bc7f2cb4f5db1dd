"""The embedding of a session: which one is drawn, what colors it, and the files of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exploration import Exploration
from latentcore.analysis.orientation_colors import orientation_colors
from latentcore.analysis.similarity import distances_to
from latentcore.artifacts import RunFolder
from latentcore.artifacts.stored_embedding import PCA_PANEL, embedding_points, embedding_table
from latentcore.containers import (
    NO_VALUE,
    Embedding,
    LatentSet,
    RegionSet,
    SampleTable,
    ScanMaps,
    ScanPoints,
    cluster_name,
    match_rows,
)
from latentcore.errors import RequestError
from latentcore.figures.colors import NAN_COLORS, hex_to_rgb
from latentcore.figures.embedding import RegionColors
from latentcore.inputs.maps import read_map
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.storage import content_fingerprint
from latentcore.workflows.session.inputs import Embeddings
from latentcore.workflows.session.report import digest
from latentcore.workflows.session.request import COLORINGS, SessionRequest, shown_dimension


def drawn_embedding(
    request: SessionRequest, embeddings: Embeddings, latents: LatentSet, folder: RunFolder
) -> Embedding | None:
    """Return the embedding that is drawn; None where one dimension alone has no two components."""
    stored = embeddings.stored
    if stored is None or request.embedding is None:
        return embeddings.pca
    folder.add_input(request.embedding, "embedding", stored.fingerprint, "embedding")
    if request.draw_pca:
        return embeddings.pca
    report = stored.report
    return Embedding(
        coordinates=stored.coordinates,
        sample_ids=latents.sample_ids,
        method=str(report.get("method", "")),
        parameters=report.get("parameters", {}),  # type: ignore[arg-type]
        engine=f"{report.get('engine', '')} {report.get('version', '')}".strip(),
    )


def embedding_record(
    request: SessionRequest, embedding: Embedding | None, embeddings: Embeddings
) -> dict[str, Any] | None:
    """Return what the report says of the embedding that is drawn."""
    if embedding is None:
        return None
    stored = None if request.draw_pca else embeddings.stored
    return {
        "panel": PCA_PANEL if stored is None else stored.panel,
        "method": embedding.method,
        "parameters": dict(embedding.parameters),
        "engine": embedding.engine,
        "location": None if stored is None else request.embedding,
        "color": request.color,
        "coordinates_sha256": digest(embedding.coordinates),
    }


def write_embedding(
    request: SessionRequest,
    folder: RunFolder,
    latents: LatentSet,
    embedding: Embedding,
    found: Exploration,
    regions: RegionSet | None,
    under: NDArray[np.float32] | None = None,
) -> None:
    """Write ``embedding.csv``, and ``embedding.png`` as the page shows it.

    Points outside the ROI are faint, and where a selection is active the others are dimmed.
    """
    from latentcore.figures.embedding import embedding_figure

    folder.write_csv("embedding.csv", embedding_table(embedding, latents))
    active = found.masks[request.active]
    figure = embedding_figure(
        embedding,
        **_coloring(request, latents, found, regions, folder),
        regions=None if request.color == "region" else _region_colors(latents, regions),
        inside=found.inside,
        selected=active if active.any() else None,
        missing=request.missing_color,
        under=under,
    )
    folder.write_figure("embedding.png", figure)


def placed_among(
    request: SessionRequest, embeddings: Embeddings, folder: RunFolder
) -> NDArray[np.float32] | None:
    """Return the points among which a stored embedding placed its own; None for any other."""
    stored = None if request.draw_pca else embeddings.stored
    into = None if stored is None else stored.report.get("into")
    table = Path(into, "embedding.parquet") if isinstance(into, str) else None
    if table is None or not table.is_file():
        return None
    folder.add_input(str(table), "embedding", content_fingerprint(table), "embedding")
    return embedding_points(table)


def _coloring(
    request: SessionRequest,
    latents: LatentSet,
    found: Exploration,
    regions: RegionSet | None,
    folder: RunFolder,
) -> dict[str, Any]:
    """Return the arguments of `embedding_figure` that set the colors."""
    kind, _, spec = request.color.partition("=")
    spelled = spec.isdecimal() if kind == "latent" and spec else bool(spec) == (kind in _FILES)
    if kind not in (*_KINDS, "region") or not spelled:
        message = (
            f"An embedding can't be colored by {request.color!r}. There are: {COLORINGS}; "
            "MAP is FILE:COLUMN, or a vendor's file with orientations."
        )
        raise RequestError(message)
    if kind == "region":
        return _by_region(latents, regions)
    coloring = _KINDS[kind](request, latents, found)
    if kind in _FILES:
        if kind == "orientation":
            coloring = _orientation(read_map(spec, folder), latents)
        else:
            coloring = _map(read_columns(spec, latents, folder), latents, regions)
    if "values" in coloring:
        own = (request.cmap, request.limits)
        coloring["cmap"], coloring["limits"] = (
            own if request.color == "latent" else (request.color_cmap, request.color_limits)
        )
    return coloring


def _by_cluster(request: SessionRequest, latents: LatentSet, found: Exploration) -> dict[str, Any]:
    del request, latents
    labels = found.clustering.told_apart(found.inside)
    names = {int(one): cluster_name(int(one)) for one in np.unique(labels)}
    return {"labels": labels, "names": names, "label": "cluster"}


def _by_latent(request: SessionRequest, latents: LatentSet, found: Exploration) -> dict[str, Any]:
    del found
    _, _, own = request.color.partition("=")
    dim = int(own) if own else shown_dimension(request)
    return {"values": latents.dimension(dim), "label": f"latent {dim}"}


def _by_similarity(
    request: SessionRequest, latents: LatentSet, found: Exploration
) -> dict[str, Any]:
    del found
    row = request.pinned
    if row is None or not 0 <= row < len(latents) or not latents.encoded[row]:
        message = (
            f"Similarity to the sample in row {row} can't be shown: ⟨pinned⟩ must name a row from "
            f"0 to {len(latents) - 1} that has a latent."
        )
        raise RequestError(message)
    values = 1 - distances_to(latents, latents.rows(np.array([row]))[0])
    return {"values": values, "label": f"cosine similarity to point {row:,}"}


def _by_region(latents: LatentSet, regions: RegionSet | None) -> dict[str, Any]:
    if not regions:
        message = "An embedding can't be colored by regions: ⟨regions⟩ names none."
        raise RequestError(message)
    colors = _region_colors(latents, regions)
    if colors is None:
        message = "An embedding can't be colored by regions: all of them are hidden."
        raise RequestError(message)
    return {
        "labels": colors.labels,
        "names": {-1: "in no region", **dict(enumerate(colors.names))},
        "colors": colors.colors,
        "label": "region",
    }


def _region_colors(latents: LatentSet, regions: RegionSet | None) -> RegionColors | None:
    """Return the regions that are not hidden on the points of latents; None without any."""
    shown = None if regions is None else regions.visible
    if not shown:
        return None
    labels = shown.labels(shown.place(ScanPoints.of_latents(latents)))
    return RegionColors(labels, shown.names, tuple(region.color for region in shown.regions))


def _by_spec(request: SessionRequest, latents: LatentSet, found: Exploration) -> dict[str, Any]:
    del request, latents, found
    return {}


_FILES = ("map", "orientation")
_KINDS: Mapping[str, Callable[[SessionRequest, LatentSet, Exploration], dict[str, Any]]] = {
    "cluster": _by_cluster,
    "latent": _by_latent,
    "similarity": _by_similarity,
    "map": _by_spec,
    "orientation": _by_spec,
}


def _map(
    maps: ScanMaps | SampleTable, latents: LatentSet, regions: RegionSet | None
) -> dict[str, Any]:
    if len(maps.names) != 1:
        message = (
            f"An embedding is colored by one map, not by {len(maps.names)}. "
            f"Name a column: map=FILE:COLUMN with one of {', '.join(maps.names)}."
        )
        raise RequestError(message)
    (name,), (unit,) = maps.names, maps.units
    values = columns_at(maps, latents)[0][0]
    if name not in maps.categories:
        return {"values": values, "label": f"{name} ({unit})" if unit else name}
    present = np.isfinite(values)
    # A number that no category has stands for "no value".
    codes = np.where(present, values, np.iinfo(np.int32).min).astype(np.int32)
    used = np.unique(codes[present])
    names = {int(code): maps.categories[name].get(int(code), str(code)) for code in used}
    coloring = {"labels": codes, "names": names, "label": name}
    of_regions = {} if regions is None else {one.name: one.color for one in regions.regions}
    if not of_regions or not all(one in of_regions for one in names.values()):
        return coloring
    # A map of the regions, or of classes grown from them: their colors, as on the screen.
    return coloring | {
        "labels": np.where(present, np.searchsorted(used, codes), NO_VALUE),
        "names": dict(enumerate(names.values())),
        "colors": [of_regions[one] for one in names.values()],
    }


def _orientation(maps: ScanMaps, latents: LatentSet) -> dict[str, Any]:
    colors = orientation_colors(maps)
    if colors is None or latents.grid is None:
        message = (
            "An embedding can't be colored by orientation: this needs latents with x and y, and "
            "a vendor's file with Euler angles and the symmetry of a phase."
        )
        raise RequestError(message)
    rows = match_rows(latents.grid, maps.grid)
    placed = np.where((rows >= 0)[:, None], colors[rows], np.nan)
    rgb = np.full((len(latents), 3), hex_to_rgb(NAN_COLORS["light"]), np.uint8)
    known = np.isfinite(placed).all(axis=1)
    rgb[known] = _bytes(placed[known])
    return {"rgb": rgb, "label": "orientation (IPF-Z)"}


def _bytes(colors: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.round(colors * 255).astype(np.uint8)
