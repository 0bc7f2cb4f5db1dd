"""DBSCAN of few features, exact, by cells so small that all points of one are neighbors.

Import it inside functions: numba takes a second to load.

Source: Gunawan, *A faster algorithm for DBSCAN*, Eindhoven 2013; Gan and Tao, SIGMOD 2015.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled_exactly
from latentcore.errors import RequestError
from latentcore.progress import Progress

_MOST_CELLS = 2.0**20


def dbscan_by_cells(
    values: NDArray[np.float64], eps: float, min_samples: int, progress: Progress
) -> NDArray[np.int32]:
    """Return the labels of DBSCAN; see `latentcore.analysis.clusterers.dbscan.dbscan_labels`.

    Parameters
    ----------
    values : ndarray of float64, shape (n, d)
        At most three features.

    Raises
    ------
    RequestError
        If eps is so small beside the range of a feature that cells can't be counted.
    """
    progress.step(0, 4, "sorting points into cells")
    d = values.shape[1]
    width = eps / np.sqrt(d) * (1 - 1e-9)  # a rounded diagonal is no longer than eps
    cells = np.floor((values - values.min(axis=0)) / width)
    spans = cells.max(axis=0) + 1
    if spans.max() >= _MOST_CELLS:
        message = (
            f"eps = {eps:g} is less than a millionth of the range of a feature: DBSCAN would find "
            "hardly a neighbor. Give a larger eps."
        )
        raise RequestError(message)
    reach = int(np.sqrt(d)) + 1
    # A margin on all sides, so that a neighboring cell's number is another cell's in no row.
    strides = np.cumprod([1.0, *(spans[:-1] + 2 * reach)]).astype(np.int64)
    number = cells.astype(np.int64) @ strides
    order = np.argsort(number, kind="stable")
    own, first, counts = np.unique(number[order], return_index=True, return_counts=True)
    ends = np.append(first, len(order))
    steps = [
        int(np.dot(step, strides))
        for step in itertools.product(range(-reach, reach + 1), repeat=d)
        if any(step)
    ]
    near = np.stack([_places(own, own + step) for step in steps], axis=1)
    points = np.ascontiguousarray(values[order])
    place = np.repeat(np.arange(len(own)), counts)
    progress.step(1, 4, "counting neighbors")
    core = _core(points, place, ends, near, eps * eps, min_samples)
    progress.step(2, 4, "joining cells")
    joined = _join(points, core, ends, near, eps * eps)
    progress.step(3, 4, "labeling")
    label = _numbered(joined, place, core, order)
    labels = np.empty(len(values), np.int32)
    labels[order] = _labels(points, place, core, ends, near, label, eps * eps)
    progress.step(4, 4, "labeling")
    return labels


def _places(own: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each number stands in a sorted array, -1 where it does not."""
    place = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
    return np.where(own[place] == wanted, place, -1)


def _numbered(
    joined: NDArray[np.int64],
    place: NDArray[np.int64],
    core: NDArray[np.bool_],
    order: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return each cell's cluster, numbered by first core points; -1 in cells without any."""
    root = joined[place[core]]
    earliest = np.full(len(joined), len(order), np.int64)
    np.minimum.at(earliest, root, order[core])
    roots = np.unique(root)
    number = np.full(len(joined), -1, np.int32)
    number[roots[np.argsort(earliest[roots])]] = np.arange(len(roots), dtype=np.int32)
    has_core = np.zeros(len(joined), np.bool_)
    has_core[place[core]] = True
    return np.where(has_core, number[joined], np.int32(-1))


@compiled_exactly
def _squared(points: NDArray[np.float64], i: int, j: int) -> float:
    total = 0.0
    for axis in range(points.shape[1]):
        difference = points[i, axis] - points[j, axis]
        total += difference * difference
    return total


@compiled_exactly
def _core(
    points: NDArray[np.float64],
    place: NDArray[np.int64],
    ends: NDArray[np.int64],
    near: NDArray[np.int64],
    limit: float,
    least: int,
) -> NDArray[np.bool_]:
    """Tell which points have at least `least` within reach, itself included."""
    core = np.zeros(len(points), np.bool_)
    for i in range(len(points)):
        cell = place[i]
        count = ends[cell + 1] - ends[cell]
        for other in near[cell]:
            if count >= least:
                break
            if other < 0:
                continue
            for j in range(ends[other], ends[other + 1]):
                if _squared(points, i, j) <= limit:
                    count += 1
                    if count >= least:
                        break
        core[i] = count >= least
    return core


@compiled_exactly
def _root(parents: NDArray[np.int64], cell: int) -> int:
    while parents[cell] != cell:
        parents[cell] = parents[parents[cell]]
        cell = parents[cell]
    return cell


@compiled_exactly
def _touch(points: NDArray[np.float64], core: Any, ends: Any, a: int, b: int, limit: float) -> bool:
    """Tell whether some core point of one cell is within reach of one of another."""
    for i in range(ends[a], ends[a + 1]):
        if not core[i]:
            continue
        for j in range(ends[b], ends[b + 1]):
            if core[j] and _squared(points, i, j) <= limit:
                return True
    return False


@compiled_exactly
def _join(
    points: NDArray[np.float64],
    core: NDArray[np.bool_],
    ends: NDArray[np.int64],
    near: NDArray[np.int64],
    limit: float,
) -> NDArray[np.int64]:
    """Return for each cell the first cell of those that its core points are connected with."""
    n = len(ends) - 1
    parents = np.arange(n)
    for cell in range(n):
        for other in near[cell]:
            if other <= cell:
                continue
            a, b = _root(parents, cell), _root(parents, other)
            if a != b and _touch(points, core, ends, cell, other, limit):
                parents[max(a, b)] = min(a, b)
    for cell in range(n):
        parents[cell] = _root(parents, cell)
    return parents


@compiled_exactly
def _labels(
    points: NDArray[np.float64],
    place: NDArray[np.int64],
    core: NDArray[np.bool_],
    ends: NDArray[np.int64],
    near: NDArray[np.int64],
    label: NDArray[np.int32],
    limit: float,
) -> NDArray[np.int32]:
    """Label core points as their cells, border points by the first cluster within reach."""
    labels = np.full(len(points), -1, np.int32)
    for i in range(len(points)):
        cell = place[i]
        best = label[cell]
        if not core[i]:
            for other in near[cell]:
                if other < 0 or label[other] < 0 or (0 <= best <= label[other]):
                    continue
                for j in range(ends[other], ends[other + 1]):
                    if core[j] and _squared(points, i, j) <= limit:
                        best = label[other]
                        break
        labels[i] = best
    return labels
