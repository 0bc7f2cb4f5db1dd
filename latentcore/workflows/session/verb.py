"""``session``: everything that an Explore page shows, as files, and a report that re-opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exploration import Exploration, explore
from latentcore.analysis.projection import pca
from latentcore.analysis.selection import Shape
from latentcore.analysis.session_snippet import session_snippet
from latentcore.analysis.snippet import given_parameters
from latentcore.artifacts import RunFolder, from_json
from latentcore.artifacts.stored_embedding import PCA_PANEL, read_embedding
from latentcore.containers import Embedding, LatentSet, Roi, software_versions
from latentcore.errors import RequestError
from latentcore.figures.colors import COLORMAPS
from latentcore.inputs.latents import read_latents
from latentcore.inputs.maps import maps_at, read_map, read_one_map
from latentcore.progress import Progress
from latentcore.requests.map_specs import split_map_spec
from latentcore.requests.verbs import option, verb
from latentcore.workflows.cluster import ClusterRequest, clusterer_of
from latentcore.workflows.cluster import run as cluster
from latentcore.workflows.map import MapRequest
from latentcore.workflows.map import run as draw_maps
from latentcore.workflows.session.embedding import COLORINGS, drawn_embedding, write_embedding

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "REPORT",
    "SessionRequest",
    "category_names",
    "digest",
    "read_maps",
    "read_panels",
    "read_selections",
    "run",
]

REPORT = "session_report.json"
_SLOTS = ("A", "B")
_MOST_JSON = 4_000_000


@dataclass(frozen=True)
class SessionRequest(ClusterRequest):  # type: ignore[misc] # its fields are those of the clusterers
    """What an Explore page shows: clusters, embedding, ROI, selections, maps."""

    also: tuple[str, ...] | None = option(
        None,
        help="maps to be described as well: MAP, or NAME=MAP to call it otherwise",
        nargs="+",
        kind="map",
    )
    labels: tuple[str, ...] | None = option(
        None,
        help="maps of labels (phases, grains) for selection.csv: MAP, or NAME=MAP",
        nargs="+",
        kind="map",
    )
    embedding: str | None = option(
        None, help="embedding.parquet of 'project'; 2-D PCA if not given", kind="file"
    )
    draw_pca: bool = option(
        False, help="draw the PCA although strokes were drawn in the embedding that is given"
    )
    color: str = option("cluster", help=f"what colors embedding.png: {COLORINGS}")
    color_cmap: str = option(
        "viridis", help="color map of embedding.png, where no latent colors it", metavar="NAME"
    )
    color_limits: tuple[float, ...] | None = option(
        None, help="color limits of embedding.png, where no latent colors it", nargs=2,
        convert=float, metavar=("LO", "HI"),
    )  # fmt: skip
    pinned: int | None = option(
        None, help="row of the sample that similarity is measured to", convert=int, metavar="ROW"
    )
    selection: str | None = option(
        None,
        help="brush strokes as JSON, or a file of it: "
        '{"A": [{"panel": "map", "kind": "box", "points": [[x, y], [x, y]], "mode": "replace"}]}',
        kind="state",
    )
    active: str = option(
        "A", help="the selection that stands out in embedding.png", choices=("A", "B")
    )
    cmap: str = option(
        "viridis", help=f"color map of the latent: {', '.join(COLORMAPS)}", metavar="NAME"
    )
    limits: tuple[float, ...] | None = option(
        None, help="color limits of the latent", nargs=2, convert=float, metavar=("LO", "HI")
    )
    view: str | None = option(
        None, help="what a page wants to find again in the report, as JSON", kind="state"
    )


@verb("session", "Write an Explore page's figures, tables and report.", SessionRequest)
def run(request: Any, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Write an Explore page's figures, tables and report.

    Writes what ``cluster`` and ``map`` write, ``embedding.csv`` and ``.png``, ``selection.csv``
    where something is selected, ``session_report.json`` and ``session_again.py``, which computes
    the report's numbers again.

    Returns
    -------
    dict
        What the report holds.

    Raises
    ------
    InputError
        If the inputs can't be read or joined, or the request makes no sense for them.
    """
    selections = read_selections(request.selection)
    view = None if request.view is None else _json(request.view, "view")
    clusterer = clusterer_of(request)
    progress.step(0, 4, "clustering")
    clusters = cluster(request, folder, Progress())
    progress.step(1, 4, "drawing")
    draw_maps(_map_request(request), folder, Progress())
    latents = read_latents(request.latents, folder, coords=request.coords, reader=request.reader)
    specs, reference = _map_specs(request, folder)
    maps = read_maps(specs, latents)
    panels = read_panels(request.embedding, latents)
    embedding = drawn_embedding(request, latents, folder)
    progress.step(2, 4, "describing")
    found = explore(
        latents,
        maps,
        dim=request.dim,
        reference=reference,
        clusterer=clusterer,
        scaling=request.scaling,
        roi=None if request.roi is None else Roi.from_bounds(request.roi),
        selections=selections,
        embeddings=panels,
    )
    progress.step(3, 4, "writing")
    if embedding is not None:
        write_embedding(request, folder, latents, embedding, found)
    if any(mask.any() for mask in found.masks.values()):
        labels = _labels(request, folder, latents)
        table = selection_table(latents, maps, labels, request.dim, found)
        folder.write_csv("selection.csv", table)
    report = {
        **_report(latents, found, clusters, selections),
        "inputs": folder.inputs,
        "seed": request.seed,
        "versions": software_versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "embedding": _embedding_record(request, embedding, panels),
        "maps": specs,
        "view": view,
    }
    folder.write_json(REPORT, report)
    text = session_snippet(
        request, report, maps=specs, reference=reference, parameters=given_parameters(clusterer)
    )
    folder.write_bytes("session_again.py", text.encode())
    progress.step(4, 4, "writing")
    return report


def read_selections(text: str | None) -> dict[str, tuple[Shape, ...]]:
    """Read brush strokes from JSON text, or from a file that holds it.

    Raises
    ------
    RequestError
        If they make no sense.
    """
    if text is None:
        return dict.fromkeys(_SLOTS, ())
    plain = _json(text, "selection")
    try:
        return {
            slot: tuple(Shape.from_plain(entry) for entry in plain.get(slot, ())) for slot in _SLOTS
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = (
            f"The selection can't be read ({type(error).__name__}: {error}). It must map 'A' and "
            "'B' to lists of strokes with panel, kind (box or lasso), points and mode."
        )
        raise RequestError(message) from error


def _json(text: str, what: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        path = Path(text)
        if not path.is_file() or path.stat().st_size > _MOST_JSON:
            message = f"The {what} {text[:80]!r} is neither JSON nor a file of it."
            raise RequestError(message)
        text = path.read_text(encoding="utf-8")
    try:
        return from_json(text)
    except ValueError as error:
        message = f"The {what} is no JSON: {error}."
        raise RequestError(message) from error


def _map_request(request: Any) -> MapRequest:
    return MapRequest(
        latents=request.latents,
        dim=(request.dim,),
        roi=request.roi,
        cmap=request.cmap,
        limits=request.limits,
        coords=request.coords,
        reader=request.reader,
    )


def read_maps(specs: Mapping[str, str], latents: LatentSet) -> dict[str, NDArray[np.float32]]:
    """Read maps at the points of latents.

    Parameters
    ----------
    specs : Mapping of str to str
        What each map is to be called → ``FILE:COLUMN``.

    Returns
    -------
    dict of str to ndarray of float32, shape (n,)
        NaN where a map has no point.
    """
    return {name: maps_at(read_map(spec), latents.grid)[0][0] for name, spec in specs.items()}


def read_panels(embedding: str | None, latents: LatentSet) -> dict[str, NDArray[np.float32]]:
    """Return the coordinates of the embedding panels in which strokes may have been drawn.

    Parameters
    ----------
    embedding : str or None
        ``embedding.parquet`` of a run.

    Returns
    -------
    dict of str to ndarray of float32, shape (n, 2)
    """
    panels: dict[str, NDArray[np.float32]] = {}
    if len(latents.dims) > 1:
        panels[PCA_PANEL] = pca(latents).coordinates
    if embedding is not None:
        stored = read_embedding(embedding, latents)
        panels[stored.panel] = stored.coordinates
    return panels


def _map_specs(request: Any, folder: RunFolder) -> tuple[dict[str, str], str]:
    """Return the name and the column of each map, and the name of the one that is clustered."""
    specs: dict[str, str] = {}
    for name, spec in map(_named, request.also or ()):
        location, _ = split_map_spec(spec)
        for column in read_map(spec, folder, numbers=True).names:
            specs[name or column] = f"{location}:{column}"
    location, _ = split_map_spec(request.map)
    reference = f"{location}:{read_one_map(request.map).names[0]}"
    for name, spec in specs.items():
        if spec == reference:
            return specs, name
    name = reference.rpartition(":")[2]
    return {name: reference, **specs}, name


def _named(spec: str) -> tuple[str | None, str]:
    """Split ``NAME=MAP``; a plain ``MAP`` has no name of its own."""
    name, sign, rest = spec.partition("=")
    return (name, rest) if sign and name and not Path(spec).exists() else (None, spec)


def _labels(request: Any, folder: RunFolder, latents: LatentSet) -> dict[str, list[str]]:
    """Return the category of each point on each map of labels, by its name."""
    found = {}
    for given, spec in map(_named, request.labels or ()):
        maps = read_map(spec, folder)
        values, _ = maps_at(maps, latents.grid)
        for row, column in zip(values, maps.names, strict=True):
            found[given or column] = category_names(row, maps.categories.get(column, {}))
    return found


def category_names(values: NDArray[np.float32], names: Mapping[int, str]) -> list[str]:
    """Return the name of each category, empty where a point has none.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers of categories, NaN where there is none.
    """
    return [names.get(int(value), f"{value:g}") if np.isfinite(value) else "" for value in values]


def selection_table(
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    labels: Mapping[str, list[str]],
    dim: int,
    found: Exploration,
) -> pd.DataFrame:
    """Return the selected points: row, sample, x, y, latent, maps, labels, cluster, in_A, in_B."""
    import pandas as pd

    rows = np.flatnonzero(found.masks["A"] | found.masks["B"])
    columns: dict[str, Any] = {"row": rows, "sample_id": latents.sample_ids[rows]}
    if latents.grid is not None:
        x, y = latents.grid.plain_coordinates()
        columns |= {"x": x[rows], "y": y[rows]}
    columns[f"latent_d{dim}"] = latents.dimension(dim)[rows]
    columns |= {name: values[rows] for name, values in maps.items()}
    columns |= {name: np.array(texts, object)[rows] for name, texts in labels.items()}
    columns["cluster"] = found.clustering.labels[rows]
    for slot in _SLOTS:
        columns[f"in_{slot}"] = found.masks[slot][rows].astype(np.int8)
    return pd.DataFrame(columns)


def _report(
    latents: LatentSet,
    found: Exploration,
    clusters: Mapping[str, Any],
    selections: Mapping[str, Sequence[Shape]],
) -> dict[str, Any]:
    return {
        "encoding-type": "latentcore-session",
        "encoding-version": "1",
        "points": {
            "n": len(latents),
            "n_encoded": int(latents.encoded.sum()),
            "n_roi": int(found.inside.sum()),
            "unit": "" if latents.grid is None else latents.grid.unit,
            "step": None if latents.grid is None else latents.grid.step,
        },
        "latents_fingerprint": latents.fingerprint,
        "made_by": latents.provenance,
        "dim": clusters["dim"],
        "roi": clusters["roi"],
        "clusters": {**clusters, "labels_sha256": digest(found.clustering.labels)},
        "selections": {
            slot: {
                "strokes": selections[slot],
                "n": int(found.masks[slot].sum()),
                "rows_sha256": digest(np.flatnonzero(found.masks[slot]).astype(np.int64)),
            }
            for slot in _SLOTS
        },
        "statistics": found.statistics,
        "A against B": found.comparison,
    }


def _embedding_record(
    request: Any, embedding: Embedding | None, panels: Mapping[str, NDArray[np.float32]]
) -> dict[str, Any] | None:
    if embedding is None:
        return None
    location = None if request.draw_pca else request.embedding
    return {
        "panel": PCA_PANEL if location is None else next(p for p in panels if p != PCA_PANEL),
        "method": embedding.method,
        "parameters": dict(embedding.parameters),
        "engine": embedding.engine,
        "location": location,
        "color": request.color,
        "coordinates_sha256": digest(embedding.coordinates),
    }


def digest(array: NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's bytes, little-endian and row by row."""
    plain = np.ascontiguousarray(array)
    return hashlib.sha256(plain.astype(plain.dtype.newbyteorder("<"), copy=False).data).hexdigest()
