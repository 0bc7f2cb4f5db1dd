"""Hexagonal grids: found from coordinates, with six neighbors and areas that are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import (
    neighbor_steps,
    neighbors,
    side_lengths,
    window,
    window_squares,
    window_steps,
)
from latentcore.errors import MalformedFileError, ShapeError
from tests.factories.hexagonal import hexagonal_points

HEIGHT = np.sqrt(3) / 2


@st.composite
def scans(draw: st.DrawFn) -> tuple[np.ndarray, float, str]:
    """Some points of a hexagonal grid in any order, its step, and which rows are shifted."""
    rows, columns = draw(st.integers(2, 8)), draw(st.integers(4, 8))
    parity = draw(st.sampled_from(["odd", "even"]))
    step = draw(st.sampled_from([1.0, 0.05, 0.3, 7.5]))
    points = hexagonal_points(rows, columns, step, parity, shorter=draw(st.booleans()))
    points = np.round(points + draw(st.integers(-300, 300)), 3)
    # The left end of rows that are not shifted stays, or the other rows would not be shifted.
    kept = np.arange(len(points)) < 2 * columns
    kept |= np.array(draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points))))
    order = np.array(draw(st.permutations(np.flatnonzero(kept).tolist())))
    return points[order], step, parity


@settings(deadline=None)
@given(scan=scans())
def test_found_in_any_order_with_gaps_and_rounding(scan: tuple[np.ndarray, float, str]) -> None:
    points, step, parity = scan
    x, y = points.T
    grid = ScanGrid.from_coordinates(x, y)
    assert grid.shifted_rows == parity
    assert grid.step == pytest.approx((step, HEIGHT * step), rel=0.02)
    np.testing.assert_allclose(grid.coordinates(grid.row, grid.col), (x, y), atol=0.05 * step)
    values = np.arange(len(x), dtype=np.float32)
    np.testing.assert_array_equal(grid.from_map(grid.to_map(values)), values)
    assert (grid.x_range[0] <= x + 1e-9).all() and (x < grid.x_range[1]).all()
    assert (grid.y_range[0] <= y + 1e-9).all() and (y < grid.y_range[1]).all()


@settings(deadline=None)
@given(scan=scans())
def test_neighbors_are_those_at_one_step(scan: tuple[np.ndarray, float, str]) -> None:
    points, step, _ = scan
    grid = ScanGrid.from_coordinates(*points.T)
    found = neighbors(grid)
    assert found.shape == (len(grid), 6)
    near = cKDTree(points).query_ball_point(points, 1.2 * step)
    for row, (own, expected) in enumerate(zip(found, near, strict=True)):
        assert sorted(own[own >= 0].tolist()) == sorted(set(expected) - {row})


@pytest.mark.parametrize("parity", ["odd", "even"])
def test_windows_reach_as_many_steps(parity: str) -> None:
    points = hexagonal_points(9, 11, 1.0, parity)
    grid = ScanGrid.from_coordinates(*points.T)
    found = window(grid, 2)
    middle = found[int(np.flatnonzero((grid.row == 4) & (grid.col == 5))[0])]
    assert len(middle) == 19 and (middle >= 0).all()
    np.testing.assert_array_equal(found[:, 9], np.arange(len(grid)))
    distances = np.linalg.norm(points[middle] - points[middle[9]], axis=1)
    np.testing.assert_allclose(distances**2, window_squares(grid, 2), atol=1e-5)
    twice = np.sort(np.concatenate([neighbors(grid)[row] for row in middle[distances < 1.1]]))
    assert set(middle) == set(twice[twice >= 0]), "two steps are one step, and another one"


def test_square_windows_are_as_they_were() -> None:
    grid = ScanGrid.from_coordinates(*np.mgrid[0:4, 0:5].reshape(2, -1)[::-1])
    assert neighbors(grid)[6].tolist() == [7, 11, 5, 1]
    assert neighbors(grid)[0].tolist() == [1, 5, -1, -1]
    assert window(grid, 1)[6].tolist() == [0, 1, 2, 5, 6, 7, 10, 11, 12]
    assert window_steps(grid, 2, corners=False).shape == (13, 2)
    assert window_squares(grid, 1).tolist() == [2, 1, 2, 1, 0, 1, 2, 1, 2]


def test_sides_and_areas() -> None:
    grid = ScanGrid.from_coordinates(*hexagonal_points(4, 5, 2.0, "odd").T)
    side = 2 / np.sqrt(3)  # the hexagon around which a circle of diameter 2 fits
    assert grid.cell_area == pytest.approx(3 * np.sqrt(3) / 2 * side**2)
    np.testing.assert_allclose(side_lengths(grid), side)
    assert grid.spacing == 2
    assert len(neighbor_steps(grid)) == 6
    square = ScanGrid.from_coordinates(*np.mgrid[0:3, 0:4].reshape(2, -1)[::-1], step=(1.0, 1.0))
    assert (square.cell_area, square.spacing, square.hexagonal) == (1.0, 1.0, False)


@pytest.mark.parametrize("parity", ["odd", "even"])
def test_pictures_shift_rows_by_half_a_cell(parity: str) -> None:
    points = hexagonal_points(3, 2, 4.0, parity)
    grid = ScanGrid.from_coordinates(*points.T, step=(4.0, 4 * HEIGHT))
    picture = grid.picture(np.arange(6))
    gap = np.nan
    straight, shifted = [0, 0, 1, 1, gap], [gap, 0, 0, 1, 1]
    rows = [straight, shifted, straight] if parity == "odd" else [shifted, straight, shifted]
    np.testing.assert_array_equal(picture, np.add(rows, [[0], [2], [4]]))
    x0, x1, y0, y1 = grid.picture_extent
    assert (x1 - x0) * (y1 - y0) == pytest.approx(picture.size * grid.cell_area / 2)
    assert (x0, y0) == pytest.approx((points[:, 0].min() - 2, points[:, 1].min() - 2 * HEIGHT))


def test_a_part_keeps_the_kind_and_cuts_the_shape() -> None:
    points = hexagonal_points(6, 6, 1.0, "odd")
    grid = ScanGrid.from_coordinates(*points.T)
    part = grid.cut((grid.row >= 3) & (grid.col >= 2))
    assert (part.shape, part.shifted_rows, part.step) == ((3, 4), "even", grid.step)
    np.testing.assert_allclose(part.coordinates(part.row, part.col), (part.x, part.y), atol=1e-12)
    assert part.cut(part.row == 1).hexagonal
    assert grid.take(grid.row == 1).shape == (6, 6)


@pytest.mark.parametrize("decimals", [2, 3])
def test_few_decimals_are_no_other_grid(decimals: int) -> None:
    points = np.round(hexagonal_points(60, 80, 0.15, "odd"), decimals)
    grid = ScanGrid.from_coordinates(*points.T)
    assert (grid.shape, grid.shifted_rows) == ((60, 80), "odd")
    np.testing.assert_array_equal(grid.col, np.tile(np.arange(80), 60))


def test_the_steps_decide_what_is_hexagonal() -> None:
    """Half of a square grid's points, as on a chessboard, are no hexagonal scan."""
    row, col = (axis.ravel() for axis in np.mgrid[0:5, 0:6])
    kept = (row + col) % 2 == 0
    few = ScanGrid.from_coordinates(col[kept], row[kept])
    assert (few.hexagonal, few.step) == (False, (1.0, 1.0))
    tall = ScanGrid.from_coordinates(col, row * HEIGHT)
    assert (tall.hexagonal, tall.shape) == (False, (5, 6)), "rows are not shifted"


@pytest.mark.parametrize(
    ("dx", "dy", "advice"), [(1, 1, "Check the coordinates"), (HEIGHT, 0.5, "exchange x and y")]
)
def test_a_chessboard_is_refused(dx: float, dy: float, advice: str) -> None:
    row, col = (axis.ravel() for axis in np.mgrid[0:10, 0:12])
    kept = (row + col) % 2 == 0
    with pytest.raises(MalformedFileError, match=f"half a step.*{advice}"):
        ScanGrid.from_coordinates(col[kept] * dx, row[kept] * dy)


def test_a_given_step_is_enough_for_few_points() -> None:
    x, y = np.array([0, 0.5, 1]), np.array([0, HEIGHT, 0])
    assert ScanGrid.from_coordinates(x, y, step=(1.0, HEIGHT)).shifted_rows == "odd"
    assert not ScanGrid.from_coordinates(x, y).hexagonal


def test_another_word_for_the_shift_is_refused() -> None:
    one = np.zeros(1, np.int32)
    with pytest.raises(ShapeError, match="one of none, odd, even, not 'both'"):
        ScanGrid((1, 1), one, one, one * 1.0, one * 1.0, (1.0, 1.0), "", "both")  # type: ignore[arg-type]
