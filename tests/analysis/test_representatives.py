"""Points that stand for others: one for each block of a scan, all of them real."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.analysis.representatives import representatives
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
