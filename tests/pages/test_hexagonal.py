"""A hexagonal scan on the pages without panels: where its cells are drawn, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.containers import ScanGrid
from pages.charts.maps import colors_chart, fitting_height, map_chart, profile_chart
from pages.frame.theme import Tones
from tests.factories.hexagonal import hexagonal_points

ROWS, COLUMNS = 9, 12
TONES = Tones("light", *["#808080"] * 6)


@pytest.fixture
def points() -> np.ndarray:
    """Nine rows of 12 and 11 points by turns, 0.5 µm apart."""
    return hexagonal_points(ROWS, COLUMNS, 0.5, shorter=True)


def test_charts_draw_each_cell_about_its_point(points: np.ndarray) -> None:
    grid = ScanGrid.from_coordinates(*points.T, unit="µm")
    values = np.arange(len(grid), dtype=float)
    chart = map_chart(values, grid, TONES, name="v")
    [cells] = chart.data
    rows, columns = cells.z.shape
    assert (rows, columns) == (ROWS, 2 * COLUMNS + 1)
    left = cells.x0 + cells.dx * np.arange(columns)
    top = cells.y0 + cells.dy * np.arange(rows)
    for number, (x, y) in enumerate(points):
        row = np.flatnonzero(np.isclose(top, y))
        [[first, second]] = np.argwhere(cells.z[row[0]] == number).reshape(1, 2)
        assert second == first + 1
        assert (left[first] + left[second]) / 2 == pytest.approx(x)
        assert cells.customdata[row[0], first] == cells.customdata[row[0], second] == x
    assert "customdata" in cells.hovertemplate
    assert chart.layout.xaxis.range == pytest.approx((-0.25, 5.75 + 0.25))
    dy = 0.5 * np.sqrt(3) / 2
    assert chart.layout.yaxis.range == pytest.approx((8.5 * dy, -0.5 * dy))
    square = ScanGrid.from_coordinates(*np.divmod(np.arange(108), 9), unit="µm")
    assert fitting_height(grid, 900) < fitting_height(square, 900, most=2000)
    colors = colors_chart(np.eye(3)[np.arange(len(grid)) % 3], grid, TONES, name="c")
    assert np.asarray(colors.data[0].z).shape == (ROWS, 2 * COLUMNS + 1, 4)


def test_the_profile_of_a_shifted_row_lies_at_its_points(points: np.ndarray) -> None:
    grid = ScanGrid.from_coordinates(*points.T)
    chart = profile_chart(points[:, 0], grid, 3, TONES, name="x")
    [line] = chart.data
    there = np.isfinite(line.y)
    assert there.sum() == COLUMNS - 1
    np.testing.assert_allclose(np.asarray(line.x)[there], np.asarray(line.y)[there], rtol=1e-6)
