"""Where points lie in the rasters that the browser draws maps on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentcore.analysis.representatives import detail_of_window, representatives
from latentcore.containers import ScanGrid
from pages.panels.linked_panels.point_arrays import PointArrays
from pages.panels.linked_panels.points import GridGeometry
from tests.factories.hexagonal import hexagonal_points
from tests.factories.kikuchi import full_grid


def edges(arrays: PointArrays, raster: GridGeometry, part: slice) -> np.ndarray:
    """Return the edges of the cells of some points: left, right, top, bottom."""
    row, col = (arrays.values[name][part] for name in ("row", "col"))
    assert (row >= 0).all()
    assert (col >= 0).all()
    assert (row < raster.shape[0]).all()
    assert (col + raster.cell_columns <= raster.shape[1]).all()
    (x0, y0), (dx, dy) = raster.origin, raster.step
    left, top = x0 + (col - 0.5) * dx, y0 + (row - 0.5) * dy
    return np.column_stack([left, left + raster.cell_columns * dx, top, top + dy])


@pytest.mark.parametrize("kind", ["square", "hexagonal"])
@pytest.mark.parametrize("window", [(3, 12, 5, 14), (4, 13, 2, 11)])
def test_points_that_are_zoomed_into_lie_where_they_do_in_the_map_of_all(kind, window) -> None:
    points = hexagonal_points(20, 25, 0.5) if kind == "hexagonal" else full_grid(25, 20) * 0.5
    grid = ScanGrid.from_coordinates(points[:, 0], points[:, 1])
    assert grid.kind == kind
    whole = PointArrays()
    expected = edges(whole, whole.add_grid(grid, ""), slice(None))
    some = representatives(grid, len(grid), 40)
    for most, each in ((100, True), (30, False)):
        detail = detail_of_window(grid, window, most)
        zoomed = PointArrays(replace(some, detail=detail), "some", f"{window} {most}")
        blocks = zoomed.add_grid(grid, f"such a grid, {kind}")
        rows, columns = blocks.nodes
        size = [expected[:, 1].max() - expected[:, 0].min(), np.ptp(expected[:, 2:])]
        np.testing.assert_allclose([columns * grid.step[0], rows * grid.step[1]], size)
        raster = zoomed.detail(grid)
        found = edges(zoomed, raster, slice(len(some.rows), None))
        assert (detail.side == 1) == each
        if each:
            np.testing.assert_allclose(found, expected[detail.rows], atol=1e-9)
            np.testing.assert_array_equal(zoomed.values["x"][len(some.rows) :], grid.x[detail.rows])
        else:
            assert raster.cell_columns == 1
