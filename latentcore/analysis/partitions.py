"""Two partitions of a scan against each other: information, borders, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, NOISE, Overlaps, overlaps
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import neighbor_steps, side_lengths

# Beyond so many labels, pairs that overlap are matched from the largest overlap down.
_MOST_MATCHED = 10_000
SAME, DIFFERENT, NOT_COMPARED = 0, 1, -1
NO_BORDER, SHARED, ONLY_LABELS, ONLY_REFERENCE = range(4)


@dataclass(frozen=True, eq=False)
class Borders:
    """Which share of the borders of one partition the other one has, too.

    Attributes
    ----------
    recall : float
        Of the reference's border length, the share found within one step; NaN without borders.
    precision : float
        The same of the labels' border length, found in the reference.
    reference_length, labels_length : float
        In the scan's unit, where both partitions have labels on both sides.
    kinds : ndarray of uint8, shape (2R − 1, 2S − 1)
        Of the part of the grid that holds points, whose `lattice` is R × S: `SHARED`,
        `ONLY_LABELS` or `ONLY_REFERENCE` halfway between two neighbors with a border between
        them, `NO_BORDER` elsewhere.
    """

    recall: float
    precision: float
    reference_length: float
    labels_length: float
    kinds: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PartitionComparison:
    """Two partitions of a scan.

    Attributes
    ----------
    split, joined : float
        H(labels | reference) and H(reference | labels); see `conditional_entropies`.
    matched : Mapping of int to int
        See `match_labels`.
    differs : ndarray of int8, shape (n,)
        See `differences`.
    """

    split: float
    joined: float
    borders: Borders
    matched: Mapping[int, int]
    differs: NDArray[np.int8]

    @property
    def variation_of_information(self) -> float:
        """H(labels | reference) + H(reference | labels), in nats."""
        return self.split + self.joined

    @property
    def share_different(self) -> float:
        """Share of the compared points that differ; NaN without any."""
        compared = self.differs != NOT_COMPARED
        return float((self.differs[compared] == DIFFERENT).mean()) if compared.any() else np.nan


def compare_partitions(
    grid: ScanGrid, labels: NDArray[np.integer], reference: NDArray[np.integer]
) -> PartitionComparison:
    """Hold the labels of a scan's points against others.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        At the points of the grid. For the information −1 is a label like others, as it is for
        `compare_labels`; borders and differences leave it out. `MISSING` never takes part.
    """
    matched = match_labels(labels, reference)
    return PartitionComparison(
        *conditional_entropies(labels, reference),
        borders=compare_borders(grid, labels, reference),
        matched=matched,
        differs=differences(labels, reference, matched),
    )


def conditional_entropies(
    labels: NDArray[np.integer], reference: NDArray[np.integer]
) -> tuple[float, float]:
    """Return H(labels | reference) and H(reference | labels) in nats.

    Their sum is the variation of information: Meilă, *J. Multivariate Analysis* 98 (2007) 873,
    doi:10.1016/j.jmva.2006.11.013. The first grows where the labels split what the reference
    holds together, the second where they join what it splits.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        Points where one is `MISSING` take no part. NaN where none is left.
    """
    paired = (labels != MISSING) & (reference != MISSING)
    n = int(paired.sum())
    if n == 0:
        return np.nan, np.nan
    overlap = overlaps(labels[paired], reference[paired])
    joint = _entropy(overlap.counts, n)
    alone = [
        _entropy(np.bincount(codes, overlap.counts), n) for codes in (overlap.row, overlap.column)
    ]
    return max(joint - alone[1], 0.0), max(joint - alone[0], 0.0)


def _entropy(counts: NDArray[np.generic], n: int) -> float:
    shares = np.asarray(counts, np.float64) / n
    return float(-(shares * np.log(shares)).sum())


def match_labels(labels: NDArray[np.integer], reference: NDArray[np.integer]) -> Mapping[int, int]:
    """Give labels the reference label that they stand for, each at most one and once.

    The sum of the points in common is the largest possible (Kuhn, *Naval Research Logistics* 2
    (1955) 83). With more than 10,000 labels on both sides, where that takes minutes, pairs are
    taken from the largest overlap down, which keeps at least half of that sum.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        −1 and `MISSING` are no labels.
    """
    given = _given(labels) & _given(reference)
    if not given.any():
        return {}
    found = overlaps(labels[given], reference[given])
    if min(len(found.rows), len(found.columns)) > _MOST_MATCHED:
        pairs = _from_the_largest(found)
    else:
        pairs = _best(found)
    return {int(found.rows[row]): int(found.columns[column]) for row, column in pairs}


def _best(found: Overlaps) -> list[tuple[int, int]]:
    """Match by the largest sum: a sparse assignment in which a row may also stay alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    k, m = len(found.rows), len(found.columns)
    if k > m:
        turned = Overlaps(found.columns, found.rows, found.column, found.row, found.counts)
        return [(row, column) for column, row in _best(turned)]
    alone = np.arange(k)
    # Costs must not be 0, which would be no edge; who stays alone costs what no overlap costs.
    most = int(found.counts.max()) + 1
    costs = np.concatenate([most - found.counts, np.full(k, most)])
    places = np.concatenate([found.row, alone]), np.concatenate([found.column, m + alone])
    graph = coo_array((costs.astype(np.float64), places), shape=(k, m + k)).tocsr()
    rows, columns = min_weight_full_bipartite_matching(graph)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if c < m]


def _from_the_largest(found: Overlaps) -> list[tuple[int, int]]:
    rows = np.zeros(len(found.rows), np.bool_)
    columns = np.zeros(len(found.columns), np.bool_)
    pairs = []
    order = np.argsort(-found.counts, kind="stable")
    for row, column in zip(found.row[order].tolist(), found.column[order].tolist(), strict=True):
        if not rows[row] and not columns[column]:
            rows[row] = columns[column] = True
            pairs.append((row, column))
    return pairs


def differences(
    labels: NDArray[np.integer], reference: NDArray[np.integer], matched: Mapping[int, int]
) -> NDArray[np.int8]:
    """Tell where two partitions differ, once labels are matched.

    Returns
    -------
    ndarray of int8, shape (n,)
        `SAME`, `DIFFERENT`, or `NOT_COMPARED` where one of them has no label (−1, `MISSING`).
    """
    known, places = np.unique(labels, return_inverse=True)
    # No reference label is MISSING where points are compared.
    stands_for = np.array([matched.get(int(label), MISSING) for label in known], np.int64)
    found = np.where(stands_for[places] == reference, SAME, DIFFERENT).astype(np.int8)
    found[~(_given(labels) & _given(reference))] = NOT_COMPARED
    return found


def compare_borders(
    grid: ScanGrid, labels: NDArray[np.integer], reference: NDArray[np.integer]
) -> Borders:
    """Compare the borders of two partitions of a scan.

    A border runs between two neighbors (four, or six on a hexagonal grid) of different labels, and
    is as long as the side that their cells share. It is found where the other partition has a
    border whose middle is not further than one step from its own. Counted are the borders on whose
    sides both partitions have labels; −1 and `MISSING` are none.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        At the points of the grid.
    """
    maps = [_as_map(grid, values) for values in (labels, reference)]
    known = (maps[0] != MISSING) & (maps[1] != MISSING)
    own, other = (_borders(grid, one) for one in maps)
    judged = _between(grid, known, np.logical_and)
    lengths = np.zeros(own.shape)
    for (_, _, middle), length in zip(_ways(grid), side_lengths(grid), strict=False):
        lengths[middle] = length

    near_own, near_other = _widened(grid, own), _widened(grid, other)
    kinds = np.zeros(own.shape, np.uint8)
    for kind, where in (
        (SHARED, (own & near_other) | (other & near_own)),
        (ONLY_LABELS, own & ~near_other),
        (ONLY_REFERENCE, other & ~near_own),
    ):
        kinds[where & judged] = kind

    def share(of: NDArray[np.bool_], near: NDArray[np.bool_]) -> tuple[float, float]:
        counted = of & judged
        found, missed = (float(lengths[counted & part].sum()) for part in (near, ~near))
        total = found + missed
        return found / total if total else np.nan, total

    (precision, labels_length), (recall, reference_length) = (
        share(own, near_other),
        share(other, near_own),
    )
    return Borders(recall, precision, reference_length, labels_length, kinds)


def border_lines(kinds: NDArray[np.uint8], *, hexagonal: bool = False) -> NDArray[np.uint8]:
    """Return kinds of borders with the corners filled at which two or more meet: lines, to draw.

    Parameters
    ----------
    kinds : ndarray of uint8
        As of `Borders`.
    hexagonal : bool
        Whether the grid is.
    """
    start = 0 if hexagonal else 1
    corners = kinds[1::2, start::2]
    beside = np.pad(kinds, ((0, 0), (1, 1)))[1::2]
    around = np.stack(
        [
            kinds[0:-1:2, start::2],
            kinds[2::2, start::2],
            *(beside[:, first::2][:, : corners.shape[1]] for first in (start, start + 2)),
        ]
    )
    lines = kinds.copy()
    lines[1::2, start::2] = np.where((around > 0).sum(axis=0) > 1, around.max(axis=0), NO_BORDER)
    return lines


def _given(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    given: NDArray[np.bool_] = (labels != MISSING) & (labels != NOISE)
    return given


def _as_map(grid: ScanGrid, labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Place labels on the lattice of the part of the grid that holds points."""
    shape, row, col, _ = grid.cut(np.ones(len(grid), np.bool_)).lattice
    field = np.full(shape, MISSING, np.int64)
    field[row, col] = np.where(_given(labels), labels, MISSING)
    return field


_Place = tuple[slice, slice]


def _ways(grid: ScanGrid) -> list[tuple[_Place, _Place, _Place]]:
    """Return for each way to a neighbor where all points are, their neighbors, and the middles.

    Points and neighbors are places of a lattice, the middles of one of half its steps.
    """
    found = []
    steps = neighbor_steps(grid)
    for down, right in steps[: len(steps) // 2].tolist():
        ends = [slice(0, -down or None), slice(down, None)]
        sides = [slice(max(-right, 0), -right if right > 0 else None), slice(max(right, 0), None)]
        if right < 0:
            sides[1] = slice(0, right)
        middle = slice(abs(right), -abs(right) or None, 2)
        found.append(
            ((ends[0], sides[0]), (ends[1], sides[1]), (slice(down, -down or None, 2), middle))
        )
    return found


def _borders(grid: ScanGrid, field: NDArray[np.int64]) -> NDArray[np.bool_]:
    given = _between(grid, field != MISSING, np.logical_and)
    return _between(grid, field, np.not_equal) & given


def _between(grid: ScanGrid, field: NDArray[np.generic], compare: np.ufunc) -> NDArray[np.bool_]:
    """Compare neighbors, shape (2R − 1, 2S − 1): each result lies halfway between the two."""
    rows, columns = field.shape
    found = np.zeros((2 * rows - 1, 2 * columns - 1), np.bool_)
    for one, other, middle in _ways(grid):
        # Two ways of a hexagonal grid have one lattice of middles, each with nothing at half of it.
        found[middle] |= compare(field[one], field[other])
    return found


def _widened(grid: ScanGrid, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return all places within one step, which are two of these; four to the side of a hexagon."""
    from scipy.ndimage import binary_dilation

    y, x = np.mgrid[-2:3, -4:5]
    near = 3 * y**2 + x**2 <= 16 if grid.hexagonal else x**2 + y**2 <= 4
    widened: NDArray[np.bool_] = binary_dilation(found, near)
    return widened
