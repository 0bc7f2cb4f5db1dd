"""``search``: the samples most like one, and how far every sample is from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import comparable
from latentcore.analysis.pattern_sheets import sample_picture
from latentcore.analysis.similarity import distances_to, nearest_of, nearest_of_each, similarity_of
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Neighbors
from latentcore.encoders import Encoder, open_checkpoint
from latentcore.errors import RequestError
from latentcore.inputs.latent_samples import find_samples
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.requests.verbs import verb
from latentcore.workflows.search.queries import Query, query_of, row_at
from latentcore.workflows.search.sample import describe

if TYPE_CHECKING:
    import pandas as pd

from latentcore.workflows.search.request import SearchRequest

__all__ = ["SearchRequest", "neighbors_table", "row_at", "run", "table_by_partition"]

# A table of more rows takes minutes to write, and longer to open.
_MOST_ROWS = 2_000_000
_BLOCK = 500_000
_MOST_THUMBNAILS = 59  # and the query: ten lines of six
_LABELS = {"cosine": "cosine similarity", "euclidean": "1 / (1 + distance)"}


@verb("search", "Find the samples most like one.", SearchRequest, pool="thread")
def run(
    request: SearchRequest,
    folder: RunFolder,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> dict[str, Any]:
    """Find the samples most like one, exactly.

    Writes ``neighbours.csv`` (rank, row, sample_id, x, y, similarity, distance), ``similarity.csv``
    (the same of every sample, in the latents' row order; ``similarity.npy``, float32, in its place
    where there are more than 2,000,000), with ``across`` ``neighbours_by_partition.csv``
    (partition, and the columns of the first, of the nearest of each), ``neighbours.png`` where the
    samples are found, ``similarity_map.png`` where there is a scan grid, ``place.png`` where an
    embedding is named, and ``report.json``, with the novelty of an image and what is measured of a
    cutout.

    Parameters
    ----------
    open_model : callable
        As in `latentcore.workflows.extract.verb.extract`.

    Returns
    -------
    dict
        What the report holds.
    """
    _refuse_ambiguous(request)
    progress.step(0, 3, "reading latents")
    latents = read_latents(request.latents, folder, coords=request.coords, reader=request.reader)
    query = query_of(request, latents, folder, open_model)
    progress.step(1, 3, "searching")
    metric: Any = request.metric
    distances = distances_to(latents, query.latent, metric)
    found = nearest_of(distances, request.k, metric=metric, exclude=query.row)
    n_searched = int(np.isfinite(distances).sum())
    folder.write_csv("neighbours.csv", neighbors_table(latents, found))
    each = _nearest_of_each(request, latents, distances, query.row)
    if each:
        folder.write_csv("neighbours_by_partition.csv", table_by_partition(latents, each))
    notes = [*query.notes, *_write_every(request, latents, distances, folder)]
    progress.step(2, 3, "drawing")
    notes += _draw(request, latents, query, found, distances, folder)
    said, more = describe(query, latents, request.into, folder)
    notes += more
    report = {
        "query": query.record,
        "metric": request.metric,
        "k": request.k,
        "n": len(latents),
        "n_searched": n_searched - int(query.row is not None),
        "n_without_latent": len(latents) - n_searched,
        "neighbours": _plain(found),
        **({"by_partition": {name: _plain(own) for name, own in each.items()}} if each else {}),
        "similarity_is": _LABELS[request.metric],
        **said,
        "notes": notes,
    }
    folder.write_json("report.json", {**report, "query": {**query.record, "latent": query.latent}})
    progress.step(3, 3, "drawing")
    return report


def _plain(found: Neighbors) -> dict[str, list[float]]:
    return {
        "row": found.rows.tolist(),
        "similarity": found.similarity.tolist(),
        "distance": found.distance.tolist(),
    }


def _nearest_of_each(
    request: SearchRequest, latents: LatentSet, distances: NDArray[np.float64], row: int | None
) -> dict[str, Neighbors]:
    """Return the nearest of each partition; nothing where they aren't asked for."""
    if not request.across:
        return {}
    partitions = comparable(latents.partition)
    if partitions is None:
        message = (
            "⟨across⟩ finds the nearest of each scan of a collection, or other partition; these "
            "latents have not 2 to 50 of them. Make a collection by 'collect'."
        )
        raise RequestError(message)
    metric: Any = request.metric
    return nearest_of_each(distances, partitions, request.k, metric=metric, exclude=row)


def table_by_partition(latents: LatentSet, each: Mapping[str, Neighbors]) -> pd.DataFrame:
    """Return `neighbors_table` of each partition, with its name."""
    import pandas as pd

    tables = [neighbors_table(latents, found) for found in each.values()]
    names = np.repeat(list(each), [len(table) for table in tables])
    whole = pd.concat(tables, ignore_index=True)
    whole.insert(0, "partition", names)
    return whole


def neighbors_table(latents: LatentSet, found: Neighbors) -> pd.DataFrame:
    """Return rank (from 1), row, sample_id, x, y, similarity and distance of neighbors."""
    import pandas as pd

    return pd.DataFrame(
        {
            "rank": np.arange(1, len(found) + 1),
            **_row_columns(latents, found.rows, _places(latents)),
            "similarity": found.similarity,
            "distance": found.distance,
        }
    )


def _write_every(
    request: SearchRequest, latents: LatentSet, distances: NDArray[np.float64], folder: RunFolder
) -> list[str]:
    """Write how similar every sample is; return what is to be said of it."""
    metric: Any = request.metric
    if len(latents) > _MOST_ROWS and not request.all_rows:
        name = "similarity.npy"
        np.save(folder.path(name), similarity_of(distances, metric).astype(np.float32))
        said = f"The similarity of all {len(latents):,} samples is in {name}, in their order; "
        return [said + "--all-rows writes a table."]
    folder.write_csv_blocks("similarity.csv", _similarity_tables(latents, distances, metric))
    return []


def _similarity_tables(
    latents: LatentSet, distances: NDArray[np.float64], metric: Any
) -> Iterator[pd.DataFrame]:
    import pandas as pd

    places = _places(latents)
    for start in range(0, len(latents), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(latents)))
        columns = _row_columns(latents, rows, places)
        similarity = similarity_of(distances[rows], metric)
        yield pd.DataFrame({**columns, "similarity": similarity, "distance": distances[rows]})


def _places(latents: LatentSet) -> tuple[NDArray[np.generic], ...]:
    """Return x and y of all samples; nothing without a grid."""
    return () if latents.grid is None else latents.grid.plain_coordinates()


def _row_columns(
    latents: LatentSet, rows: NDArray[np.integer], places: tuple[NDArray[np.generic], ...]
) -> Mapping[str, Any]:
    """Return the columns that say which samples are meant; x and y are empty without a grid."""
    nowhere = np.full(len(rows), np.nan)
    x, y = (values[rows] for values in places) if places else (nowhere, nowhere)
    return {"row": rows, "sample_id": latents.ids_of(rows), "x": x, "y": y}


def _refuse_ambiguous(request: SearchRequest) -> None:
    given = [
        name
        for name, value in (
            ("⟨row⟩", request.row),
            ("⟨xy⟩", request.xy),
            ("⟨image⟩", request.image),
        )
        if value is not None
    ]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        message = f"One of ⟨row⟩, ⟨xy⟩ and ⟨image⟩ says what to search for; {found} was given."
        raise RequestError(message)
    if (request.image is None) != (request.checkpoint is None):
        message = (
            "⟨image⟩ and ⟨checkpoint⟩ belong together: the image is encoded by the model that "
            "made the latents. Give both, or search by ⟨row⟩ or ⟨xy⟩."
        )
        raise RequestError(message)
    if request.image is None and request.image_row is not None:
        message = "⟨image_row⟩ says which sample of ⟨image⟩ is meant; there is no ⟨image⟩."
        raise RequestError(message)


def _draw(
    request: SearchRequest,
    latents: LatentSet,
    query: Query,
    found: Neighbors,
    distances: NDArray[np.float64],
    folder: RunFolder,
) -> list[str]:
    """Draw what can be drawn; return why something can't."""
    from latentcore.figures.search import similarity_map_figure, thumbnails_figure

    if latents.grid is not None:
        figure = similarity_map_figure(
            latents.grid,
            similarity_of(distances, request.metric),  # type: ignore[arg-type]
            found.rows,
            query=query.row,
            label=_LABELS[request.metric],
        )
        folder.write_figure("similarity_map.png", figure)
    samples, why_not = find_samples(latents, request.samples, folder)
    if samples is None:
        return [why_not] if why_not else []
    shown = found.rows[:_MOST_THUMBNAILS]
    if query.row is not None:
        read = samples.read(np.array([query.row, *shown]))
    else:
        read = [query.sample, *samples.read(shown)]
    captions = ["query", *(f"{rank}: {found.similarity[rank - 1]:.4f}"
                           for rank in range(1, len(shown) + 1))]  # fmt: skip
    pictures = [None if sample is None else sample_picture(sample) for sample in read]
    folder.write_figure(
        "neighbours.png", thumbnails_figure(pictures, captions, first_is_query=True)
    )
    return []
