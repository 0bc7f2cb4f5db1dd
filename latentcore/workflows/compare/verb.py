"""``compare``: two or more sets of latents of the same samples, held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.alignment import Alignment, align, residuals
from latentcore.analysis.principal_components import principal_axes
from latentcore.analysis.shared_neighbors import (
    SharedNeighbors,
    asked_rows,
    nearest_others,
    shared_neighbors,
)
from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.requests.verbs import verb
from latentcore.workflows.compare.common import Common, Encoded, read_common
from latentcore.workflows.compare.judged import judged_row, read_common_labels
from latentcore.workflows.compare.request import CompareRequest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CompareRequest", "run"]

_MOST_DRAWN = 6
_SNIPPET = '''\
"""Compute shared neighbors and CKA of two sets of latents again."""

import numpy as np
import latentcore as lc
from latentcore.containers import sample_rows
from sklearn.neighbors import NearestNeighbors

first, other = (lc.open_latents(location) for location in ({a!r}, {b!r}))
rows = sample_rows(first, other)
common = np.flatnonzero((rows >= 0) & first.encoded & other.encoded[rows])
x, y = first.values[common], other.values[rows[common]]


def near(values):
    search = NearestNeighbors(n_neighbors={k} + 1).fit(values)
    found = search.kneighbors(values, return_distance=False)
    return [set(near) - {{row}} for row, near in enumerate(found)]


share = [len(a & b) / {k} for a, b in zip(near(x), near(y))]
print(np.mean(share))
x, y = (values - values.mean(axis=0) for values in (x.astype(float), y.astype(float)))
norm = np.linalg.norm
print(norm(x.T @ y) ** 2 / norm(x.T @ x) / norm(y.T @ y))
'''


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sets of latents, held against each other."""

    a: Encoded
    b: Encoded
    shared: SharedNeighbors
    alignment: Alignment
    residual: NDArray[np.float64]

    @property
    def name(self) -> str:
        """How tables and the report call it."""
        return f"{self.a.name}~{self.b.name}"


@verb("compare", "Hold several encoders' latents of the same samples side by side.", CompareRequest)
def run(request: CompareRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Hold two or more sets of latents of the same samples against each other.

    Writes ``comparison.csv`` (a row per set), ``shared_neighbors.csv`` (x and y, or sample_id; a
    column per pair), ``movers.csv`` (the samples whose neighbors changed most), ``aligned.csv``
    (all sets in the first one's two principal axes), ``report.json`` and figures.

    Returns
    -------
    dict
        What ``report.json`` holds.
    """
    _refuse_numbers(request)
    progress.step(0, 1, "reading latents")
    common = read_common(request, folder)
    notes: list[str] = []
    labels = (
        None
        if request.labels is None
        else read_common_labels(request.labels, common, request.seed, folder)
    )
    if labels is not None and len(labels.judged) < int((labels.codes >= 0).sum()):
        notes.append(
            f"Neighbors and clusters were held against {labels.name} at {len(labels.judged):,} of "
            f"{int((labels.codes >= 0).sum()):,} labeled samples, drawn by the seed."
        )
    rows = [
        judged_row(one, common, labels, request.seed, notes, progress) for one in common.latents
    ]
    asked = asked_rows(len(common), request.seed)
    pairs = _pairs(common, asked, min(request.k, len(common) - 1), progress)
    if len(asked) < len(common):
        notes.append(
            f"Neighbors were found for {len(asked):,} of {len(common):,} samples, drawn by the "
            "seed, among all of them."
        )
    progress.step(0, 1, "writing")
    report = _report(request, common, pairs, rows, asked, notes)
    _write(folder, request, common, pairs, rows, report)
    progress.step(1, 1, "writing")
    return report


def _refuse_numbers(request: CompareRequest) -> None:
    if request.k < 1:
        message = f"{request.k} nearest neighbors can't be compared. Give a ⟨k⟩ of at least 1."
        raise RequestError(message)
    if request.movers < 0:
        message = f"{request.movers} movers can't be listed. Give 0 or more."
        raise RequestError(message)


def _pairs(
    common: Common, asked: NDArray[np.int64], k: int, progress: Progress
) -> tuple[Pair, ...]:
    near = [nearest_others(_centered(one.values), asked, k, progress) for one in common.latents]
    found = []
    for i, j in combinations(range(len(common.latents)), 2):
        a, b = common.latents[i], common.latents[j]
        alignment = align(a.values, b.values)
        shared = shared_neighbors(near[i], near[j], asked, len(common))
        found.append(Pair(a, b, shared, alignment, residuals(a.values, b.values, alignment)))
    return tuple(found)


def _centered(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move latents to their mean: distances far from 0 lose digits in float32."""
    return np.asarray(values - values.mean(axis=0, dtype=np.float64), np.float32)


def _report(
    request: CompareRequest, common: Common, pairs: tuple[Pair, ...], rows: list[dict[str, Any]],
    asked: NDArray[np.int64], notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    k = min(request.k, len(common) - 1)
    report = {
        "latents": {one.name: one.location for one in common.latents},
        "n": len(common),
        "k": k,
        "shared_neighbors": {pair.name: pair.shared.mean for pair in pairs},
        "shared_neighbors_by_chance": k / (len(common) - 1),
        "cka": {pair.name: pair.alignment.cka for pair in pairs},
        "procrustes_disparity": {pair.name: pair.alignment.disparity for pair in pairs},
        "sample": {"n": len(asked), "of": len(common), "seed": request.seed},
        "labels": request.labels,
        "roi": request.roi,
        "encoders": rows,
        "snippet": _SNIPPET.format(a=pairs[0].a.location, b=pairs[0].b.location, k=k),
        "notes": notes,
    }
    # As it reads back from the file: the summary and the pages see the same.
    return dict(from_json(to_json(report)))


def _write(
    folder: RunFolder, request: CompareRequest, common: Common, pairs: tuple[Pair, ...],
    rows: list[dict[str, Any]], report: dict[str, Any],
) -> None:  # fmt: skip
    import pandas as pd

    from latentcore.figures.comparison import aligned_figure, shared_figure

    folder.write_csv("comparison.csv", pd.DataFrame(rows))
    places = _places(common)
    shares = {pair.name: pair.shared.share for pair in pairs}
    folder.write_csv("shared_neighbors.csv", pd.DataFrame({**places, **shares}))
    movers = [_movers(pair, common, places, request.movers) for pair in pairs]
    folder.write_csv("movers.csv", pd.concat(movers, ignore_index=True))
    aligned = _aligned(common, pairs)
    columns = {f"{name} {axis}": xy[:, axis] for name, xy in aligned.items() for axis in (0, 1)}
    folder.write_csv("aligned.csv", pd.DataFrame({**places, **columns}))
    folder.write_figure("aligned.png", aligned_figure(aligned))
    if common.grid is not None:
        shown = {pair.name: pair.shared.share for pair in pairs[:_MOST_DRAWN]}
        folder.write_figure("shared_neighbors.png", shared_figure(common.grid, shown))
    folder.write_json("report.json", report)


def _places(common: Common) -> dict[str, Any]:
    if common.grid is None:
        return {"sample_id": common.sample_ids}
    return dict(zip(("x", "y"), common.grid.plain_coordinates(), strict=True))


def _movers(pair: Pair, common: Common, places: dict[str, Any], n: int) -> pd.DataFrame:
    """List the samples that kept the fewest neighbors; of equal ones the farthest from home."""
    import pandas as pd

    share = pair.shared.share
    # NaN, which was not asked, is sorted last.
    order = np.lexsort((-pair.residual, share))[: min(n, int(np.isfinite(share).sum()))]
    return pd.DataFrame(
        {
            "pair": pair.name,
            "rank": np.arange(1, len(order) + 1),
            "row": common.rows[order],
            **{name: np.asarray(values)[order] for name, values in places.items()},
            "share": share[order],
            "residual": pair.residual[order],
        }
    )


def _aligned(common: Common, pairs: tuple[Pair, ...]) -> dict[str, NDArray[np.float64]]:
    """Return all latents in the first one's two principal axes, each (n, 2)."""
    first = common.latents[0]
    mean, axes, _ = principal_axes(first.values)
    wide = np.zeros((len(mean), 2))  # a single dimension has no second axis
    wide[:, : len(axes)] = axes[:2].T
    found = {first.name: (first.values - mean) @ wide}
    for pair in pairs[: len(common.latents) - 1]:  # those of the first come first
        found[pair.b.name] = (pair.alignment.aligned(pair.b.values) - mean) @ wide
    return found
