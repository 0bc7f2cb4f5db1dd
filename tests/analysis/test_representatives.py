"""Points that stand for others: one for each block of a scan, all of them real."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.analysis.representatives import (
    detail_of_points,
    detail_of_window,
    representatives,
    window_of,
)
from latentcore.containers import ScanGrid


@st.composite
def scans(draw: st.DrawFn) -> ScanGrid:
    rows, columns = draw(st.integers(1, 23)), draw(st.integers(1, 23))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    y, x = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
    scanned = rng.random(rows * columns) < draw(st.sampled_from([0.2, 0.9, 1]))
    scanned[[0, -1]] = True
    order = rng.permutation(np.flatnonzero(scanned))
    return ScanGrid.from_coordinates(x[order], y[order], step=(1, 1))


@given(grid=scans(), most=st.integers(1, 300), data=st.data())
@settings(max_examples=60, deadline=None)
def test_each_block_with_points_has_one_of_its_own(
    grid: ScanGrid, most: int, data: st.DataObject
) -> None:
    found = representatives(grid, len(grid), most)
    assert len(found) <= most
    blocks = [
        (int(r) // found.side, int(c) // found.side)
        for r, c in zip(grid.row, grid.col, strict=True)
    ]
    own = [blocks[row] for row in found.rows]
    assert own == sorted(set(blocks))
    assert own == list(zip(found.row.tolist(), found.col.tolist(), strict=True))
    point = data.draw(st.integers(0, len(grid) - 1))
    assert own[found.place_of(point, grid)] == blocks[point]
    told = found.with_points((point,), grid)
    assert told.rows[told.place_of(point, grid)] == point
    assert np.count_nonzero(told.rows != found.rows) == len(told.put)
    assert all(blocks[row] == block for row, block in zip(told.rows, own, strict=True))


@given(n=st.integers(1, 500), most=st.integers(1, 500), data=st.data())
@settings(max_examples=60, deadline=None)
def test_samples_without_a_grid_are_spread_over_the_rows(
    n: int, most: int, data: st.DataObject
) -> None:
    found = representatives(None, n, most)
    assert len(found) == min(n, most)
    assert (np.diff(found.rows) > 0).all()
    assert np.diff(found.rows, prepend=-1, append=n).max() <= 2 * -(-n // len(found))
    point = data.draw(st.integers(0, n - 1))
    told = found.with_points((point,), None)
    assert point in told.rows
    assert len(set(told.rows.tolist())) == len(found)


@given(grid=scans(), most=st.integers(1, 60), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_window_has_blocks_of_its_own_and_at_last_all_points(
    grid: ScanGrid, most: int, data: st.DataObject
) -> None:
    first = [data.draw(st.integers(0, count - 1)) for count in grid.shape]
    end = [
        data.draw(st.integers(one + 1, count)) for one, count in zip(first, grid.shape, strict=True)
    ]
    window = first[0], end[0], first[1], end[1]
    inside = np.flatnonzero(
        (grid.row >= first[0]) & (grid.row < end[0]) & (grid.col >= first[1]) & (grid.col < end[1])
    )
    found = detail_of_window(grid, window, most)
    if not len(inside):
        assert found is None
        return
    assert found is not None
    blocks = {
        row: ((grid.row[row] - first[0]) // found.side, (grid.col[row] - first[1]) // found.side)
        for row in inside.tolist()
    }
    own = [blocks[row] for row in found.rows.tolist()]
    assert own == sorted(set(blocks.values()))
    assert own == list(zip(found.row, found.col, strict=True))
    assert len(own) <= most
    if (end[0] - first[0]) * (end[1] - first[1]) <= most:
        assert found.side == 1
        assert sorted(found.rows.tolist()) == inside.tolist()


def test_the_window_of_ranges_holds_each_cell_that_they_touch() -> None:
    y, x = (axis.ravel() for axis in np.mgrid[0:6, 0:8])
    grid = ScanGrid.from_coordinates(100 + 0.5 * x, 20 + 0.25 * y)
    assert window_of(grid, (101.0, 102.0), (20.25, 20.5)) == (1, 3, 2, 5)
    assert window_of(grid, (101.26, 101.3), (20.5, 20.5)) == (2, 3, 3, 4)
    assert window_of(grid, (-1e9, 1e9), (1e9, -1e9)) == (0, 6, 0, 8)
    assert window_of(grid, (0, 1), (20, 21)) is None


def test_of_points_anywhere_some_are_picked_evenly() -> None:
    rows = np.arange(0, 3000, 3)
    found = detail_of_points(rows, 10)
    assert found.window is None
    assert np.isin(found.rows, rows).all()
    assert (np.unique(found.rows // 300) == np.arange(10)).all()
    assert detail_of_points(rows, 5000).rows.tolist() == rows.tolist()
    assert detail_of_points(rows[:0], 5) is None
