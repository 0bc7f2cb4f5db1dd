"""What a session reads besides its latents: strokes, maps, labels and embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import codes_of, label_panels, region_panels
from latentcore.analysis.principal_components import pca, pca_of_rows
from latentcore.analysis.selection import Shape
from latentcore.artifacts import RunFolder, from_json
from latentcore.artifacts.stored_embedding import (
    PCA_PANEL,
    StoredEmbedding,
    pca_panel,
    read_embedding,
)
from latentcore.containers import Embedding, LatentSet, RegionSet, ScanPoints
from latentcore.errors import RequestError
from latentcore.inputs.regions import read_regions
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.requests.map_specs import split_map_spec
from latentcore.workflows.session.request import SessionRequest

# The two selections.
SLOTS = ("A", "B")
_MOST_JSON = 4_000_000


def read_selections(text: str | None) -> dict[str, tuple[Shape, ...]]:
    """Read brush strokes from JSON text, or from a file that holds it."""
    if text is None:
        return dict.fromkeys(SLOTS, ())
    plain = read_json(text, "selection")
    try:
        return {
            slot: tuple(Shape.from_plain(entry) for entry in plain.get(slot, ())) for slot in SLOTS
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = (
            f"The selection can't be read ({type(error).__name__}: {error}). It must map 'A' and "
            "'B' to lists of strokes with panel, kind (box or lasso), points and mode."
        )
        raise RequestError(message) from error


def read_json(text: str, what: str) -> Any:
    """Read JSON text, or a file that holds it.

    Parameters
    ----------
    what : str
        What it is, for the message.
    """
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
    return {
        name: columns_at(read_columns(spec, latents), latents)[0][0] for name, spec in specs.items()
    }


def map_specs(
    request: SessionRequest,
    clustered: Sequence[tuple[str, str]],
    latents: LatentSet,
    folder: RunFolder,
) -> tuple[dict[str, str], list[str]]:
    """Return ``FILE:COLUMN`` of each map by its name, and the names of those that are clustered.

    Parameters
    ----------
    clustered : sequence of (str, str)
        File and column of each map that is clustered.
    """
    specs: dict[str, str] = {}
    for name, spec in named_specs(request.also):
        location, _ = split_map_spec(spec)
        for column in read_columns(spec, latents, folder, numbers=True).names:
            specs[name or column] = f"{location}:{column}"
    names: list[str] = []
    for location, column in reversed(clustered):
        wanted = f"{location}:{column}"
        name = next((name for name, spec in specs.items() if spec == wanted), None)
        if name is None:
            name = column if column not in specs else f"{column} ({Path(location).name})"
            specs = {name: wanted, **specs}
        names.insert(0, name)
    return specs, names


def named_specs(specs: Sequence[str] | None) -> list[tuple[str | None, str]]:
    """Return what each of some ``NAME=MAP`` is to be called, and the map."""
    return [_named(spec) for spec in specs or ()]


def _named(spec: str) -> tuple[str | None, str]:
    """Split ``NAME=MAP``; a plain ``MAP`` has no name of its own."""
    name, sign, rest = spec.partition("=")
    return (name, rest) if sign and name and not Path(spec).exists() else (None, spec)


def read_labels(
    request: SessionRequest, folder: RunFolder, latents: LatentSet
) -> dict[str, list[str]]:
    """Return the category of each point on each map of labels, by its name."""
    found = {}
    for given, spec in named_specs(request.labels):
        maps = read_columns(spec, latents, folder)
        values, _ = columns_at(maps, latents)
        for row, column in zip(values, maps.names, strict=True):
            found[given or column] = category_names(row, maps.categories.get(column, {}))
    return found


def label_panels_of(
    specs: Sequence[str],
    regions: RegionSet | None,
    selections: Mapping[str, Sequence[Shape]],
    latents: LatentSet,
) -> dict[str, NDArray[np.floating]]:
    """Return the axes of the labels, but those of clusters, that a selection names.

    Parameters
    ----------
    specs : sequence of str
        Maps of labels, as `SessionRequest.labels`.
    """
    return label_panels(selections, _labels(specs, regions, latents))


def _labels(
    specs: Sequence[str], regions: RegionSet | None, latents: LatentSet
) -> Iterator[NDArray[np.int32]]:
    for _, spec in named_specs(specs):
        yield from map(codes_of, columns_at(read_columns(spec, latents), latents)[0])
    if regions is not None:
        # As the screen numbers them: without those that are hidden.
        yield regions.visible.labels(regions.place(ScanPoints.of_latents(latents)))


def category_names(values: NDArray[np.float32], names: Mapping[int, str]) -> list[str]:
    """Return the name of each category, empty where a point has none.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers of categories, NaN where there is none.
    """
    return [names.get(int(value), f"{value:g}") if np.isfinite(value) else "" for value in values]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The embeddings that strokes may have been drawn in.

    Attributes
    ----------
    pca : Embedding or None
        Of the rows in view. None where there is only one dimension.
    stored : StoredEmbedding or None
        The one that the request names, of the rows in view, too.
    panels : Mapping of str to ndarray of float32, shape (n, 2)
        Coordinates by the id of their panel, NaN at rows that are not in view. The PCA of all
        rows is among them.
    """

    pca: Embedding | None
    stored: StoredEmbedding | None
    panels: Mapping[str, NDArray[np.float32]]


def read_embeddings(
    location: str | None, latents: LatentSet, rows: NDArray[np.bool_] | None = None
) -> Embeddings:
    """Compute the PCA of latents, and read the embedding that a request names.

    Parameters
    ----------
    rows : ndarray of bool, shape (n,), optional
        The rows in view, if not all.
    """
    panels: dict[str, NDArray[np.float32]] = {}
    own = stored = None
    if len(latents.dims) > 1:
        whole = pca(latents)
        own = whole if rows is None else pca_of_rows(latents, rows)
        panels = {PCA_PANEL: whole.coordinates, pca_panel(rows): own.coordinates}
    if location is not None:
        stored = read_embedding(location, latents, rows)
        panels[stored.panel] = stored.coordinates
    return Embeddings(own, stored, panels)


def region_panels_of(
    regions: RegionSet | None, selections: Mapping[str, Sequence[Shape]], latents: LatentSet
) -> dict[str, NDArray[np.float32]]:
    """Return the axes of the regions that a selection names, as `region_panels` does."""
    if regions is None:
        return {}
    return region_panels(selections, regions, regions.place(ScanPoints.of_latents(latents)))


def read_panels(
    location: str | None,
    latents: LatentSet,
    regions: str | None = None,
    selections: Mapping[str, Sequence[Shape]] | None = None,
    rows: NDArray[np.bool_] | None = None,
    labels: Sequence[str] = (),
) -> dict[str, NDArray[np.floating]]:
    """Return the coordinates of the embedding panels in which strokes may have been drawn.

    Parameters
    ----------
    location : str or None
        ``embedding.parquet`` of a run.
    regions : str, optional
        File of regions that `selections` name.
    rows : ndarray of bool, shape (n,), optional
        The rows in view, if not all.
    labels : sequence of str
        Maps of labels that `selections` name.

    Returns
    -------
    dict of str to ndarray, shape (n, 2)
    """
    read = None if regions is None else read_regions(regions)
    named = {
        **region_panels_of(read, selections or {}, latents),
        **label_panels_of(labels, read, selections or {}, latents),
    }
    return {**read_embeddings(location, latents, rows).panels, **named}
