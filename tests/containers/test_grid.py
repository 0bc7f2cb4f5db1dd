"""The scan grid: found from coordinates in any order, with offset and gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.containers import ScanGrid
from latentcore.containers._grid_of_points import _of_points, grid_of_points
from latentcore.errors import MalformedFileError, ShapeError
from tests.factories.kikuchi import full_grid


@st.composite
def scans(draw: st.DrawFn) -> tuple[np.ndarray, tuple[float, float]]:
    """Some points of a grid, every row and column represented, in any order; and its steps."""
    columns, rows = draw(st.integers(2, 9)), draw(st.integers(2, 9))
    dx, dy = draw(st.sampled_from([(1.0, 1.0), (0.25, 0.5), (3.0, 1.5), (1e-3, 1e-3)]))
    offset = draw(st.tuples(st.integers(-500, 500), st.integers(-500, 500)))
    nodes = full_grid(columns, rows)
    diagonal = (nodes[:, 0] % rows == nodes[:, 1]) | (nodes[:, 1] % columns == nodes[:, 0])
    kept = diagonal | np.array(
        draw(st.lists(st.booleans(), min_size=len(nodes), max_size=len(nodes)))
    )
    order = np.array(draw(st.permutations(np.flatnonzero(kept).tolist())))
    return nodes[order] * [dx, dy] + offset, (dx, dy)


@given(scan=scans())
def test_maps_and_back(scan: tuple[np.ndarray, tuple[float, float]]) -> None:
    points, step = scan
    grid = ScanGrid.from_coordinates(points[:, 0], points[:, 1])
    np.testing.assert_allclose(grid.step, step, rtol=1e-6)
    values = np.arange(len(points), dtype=np.float32)
    field = grid.to_map(values)
    np.testing.assert_array_equal(grid.from_map(field), values)
    assert np.isfinite(field).sum() == len(points)
    x0, y0 = grid.origin
    np.testing.assert_allclose(x0 + grid.col * grid.step[0], points[:, 0], atol=0.01 * step[0])
    np.testing.assert_allclose(y0 + grid.row * grid.step[1], points[:, 1], atol=0.01 * step[1])


@st.composite
def row_by_row(draw: st.DrawFn) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Points row by row, often the same x in each, and a step that is given or not."""
    columns, rows = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    number = st.sampled_from([0.1, 0.125, 0.5, 1.0, 3.0])
    dx, dy = draw(number), draw(st.sampled_from([0.1, 0.433, 0.866, 1.0, 2.0]))
    points = full_grid(columns, rows) * [dx, dy] + draw(st.integers(-40, 40))
    if draw(st.booleans()):
        points = np.round(points, 2)
    change = draw(st.sampled_from(["", "", "", "shift", "drop", "turn", "repeat", "nan", "gap"]))
    y = points[:, 1].copy()
    if change == "shift":
        points[np.flatnonzero(y == y[-1]), 0] += dx / 2
    if change == "drop" and len(points) > 1:
        points = np.delete(points, draw(st.integers(0, len(points) - 1)), axis=0)
    if change == "turn":
        points = points[::-1] if draw(st.booleans()) else points[np.argsort(-points[:, 0])]
    if change == "repeat":
        points = np.concatenate([points, points])
    if change == "nan":
        points[draw(st.integers(0, len(points) - 1)), draw(st.integers(0, 1))] = np.nan
    if change == "gap":
        points[y == y[-1], 1] += dy
    return points, draw(st.sampled_from([None, (dx, dy), (dx / 2, dy / 2), (dx * 2, dy)]))


@given(scan=row_by_row())
@settings(max_examples=400)
def test_a_scan_written_row_by_row_has_the_grid_of_its_points(scan) -> None:
    points, step = scan

    def found(find) -> list[object]:
        x, y = np.array(points.T, copy=True)
        try:
            place, shifted_rows = find(x, y, step)
        except MalformedFileError as error:
            return [str(error)]
        nodes = [(array.dtype, array.tobytes()) for array in (place.row, place.col, x, y)]
        return [place.shape, place.step, shifted_rows, *nodes]

    assert found(grid_of_points) == found(_of_points)


@given(scan=scans())
def test_ranges_are_half_open(scan: tuple[np.ndarray, tuple[float, float]]) -> None:
    points, _ = scan
    grid = ScanGrid.from_coordinates(points[:, 0], points[:, 1])
    for low, high, values in ((*grid.x_range, points[:, 0]), (*grid.y_range, points[:, 1])):
        assert low <= values.min() + 1e-9
        assert values.max() < high


def test_vectors_become_maps_of_vectors() -> None:
    coords = full_grid(3, 2)
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])
    values = np.arange(12, dtype=np.float64).reshape(6, 2)
    assert grid.to_map(values).shape == (2, 3, 2)
    assert grid.to_map(values).dtype == np.float64
    np.testing.assert_array_equal(grid.from_map(grid.to_map(values)), values)


def test_rounded_micrometers_find_their_columns() -> None:
    x = np.round(np.arange(400) * 0.125, 2)
    grid = ScanGrid.from_coordinates(x, np.zeros(400))
    np.testing.assert_array_equal(grid.col, np.arange(400))


@given(
    st.lists(st.integers(0, 2000), min_size=2, max_size=40, unique=True),
    st.sampled_from([1.0, 0.05, 1.5, 7.0]),
)
def test_points_of_a_sparse_grid_stay_apart(nodes: list[int], step: float) -> None:
    """Far regions with a gap between them are one scan, however few points they hold."""
    x = np.array([0, 1, *(node + 2 for node in nodes)]) * step
    grid = ScanGrid.from_coordinates(x, np.zeros(len(x)))
    assert grid.step[0] == pytest.approx(step)
    np.testing.assert_array_equal(grid.col * step, x)


def test_noise_of_single_precision_is_no_step() -> None:
    x = np.tile(np.arange(50) * 0.3, 4) + np.repeat([0, 1e-7, -1e-7, 2e-7], 50)
    grid = ScanGrid.from_coordinates(x, np.repeat(np.arange(4), 50))
    assert grid.shape == (4, 50)


def test_step_is_a_common_divisor() -> None:
    grid = ScanGrid.from_coordinates(np.array([0, 2, 5, 9.0]), np.zeros(4))
    assert grid.step[0] == pytest.approx(1)
    assert grid.shape == (1, 10)


def test_single_point_and_single_line() -> None:
    assert ScanGrid.from_coordinates(np.array([7]), np.array([3])).shape == (1, 1)
    line = ScanGrid.from_coordinates(np.full(3, 5), np.array([0, 2, 4]))
    assert (line.shape, line.step) == ((3, 1), (2.0, 2.0))


def test_given_step_is_kept() -> None:
    grid = ScanGrid.from_coordinates(np.array([0, 4.0]), np.array([0, 0]), step=(2.0, 1.0))
    assert (grid.shape, grid.step) == ((1, 3), (2.0, 1.0))


def test_subset_keeps_the_shape() -> None:
    coords = full_grid(3, 2)
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])
    part = grid.take(np.array([5, 0]))
    assert part.shape == (2, 3)
    np.testing.assert_array_equal(part.to_map(np.array([1.0, 2.0]))[[1, 0], [2, 0]], [1, 2])
    assert grid.take(np.zeros(6, bool)).x_range == (0.0, 3.0)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], "at least one; got 0 and 0"),
        ([1, 2], [1], "got 2 and 1"),
        ([1, np.nan], [1, np.inf], "1 of 2 points have no finite"),
        ([1, 1, 2], [4, 4, 4], r"1 point shares its .* x = 1, y = 4 \(row 1\)"),
        ([*range(9), 2**33], [*range(10)], "more than a scan can have"),
        ([*range(9), 2**30], [*range(9), 2**30], "Check the coordinates for outliers"),
    ],
)
def test_impossible_coordinates_are_refused(x: list[float], y: list[float], message: str) -> None:
    with pytest.raises(MalformedFileError, match=message):
        ScanGrid.from_coordinates(np.array(x), np.array(y))


@pytest.mark.parametrize("step", [(0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0)])
def test_impossible_steps_are_refused(step: tuple[float, float]) -> None:
    with pytest.raises(MalformedFileError, match="must be positive"):
        ScanGrid.from_coordinates(np.array([0, 1]), np.array([0, 1]), step=step)


def test_given_step_that_misses_the_points_is_refused() -> None:
    with pytest.raises(MalformedFileError, match=r"miss the grid of step 0\.8"):
        ScanGrid.from_coordinates(np.arange(9), np.zeros(9), step=(0.8, 1.0))


def test_free_form_points_are_refused() -> None:
    points = np.random.default_rng(0).random((50, 2))
    with pytest.raises(MalformedFileError, match="no regular grid"):
        ScanGrid.from_coordinates(points[:, 0], points[:, 1])


def test_sizes_that_do_not_fit_are_refused() -> None:
    grid = ScanGrid.from_coordinates(np.arange(3), np.zeros(3))
    with pytest.raises(ShapeError, match="3 points, but got 4 values"):
        grid.to_map(np.zeros(4))
    with pytest.raises(ShapeError, match="but the map is"):
        grid.from_map(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="one length"):
        ScanGrid((1, 1), grid.row, grid.col, grid.x, grid.y[:1], (1.0, 1.0))


@pytest.mark.parametrize(
    "x", [[0.0, 1e18, 2.0], [0.0, 1e308, -1e308], [0.0, 5e-324, 1e6], [0.0, 1e-300, 1e12]]
)
def test_coordinates_of_no_scan_are_refused_without_a_warning(x: list[float]) -> None:
    with pytest.raises(MalformedFileError, match=r"than a scan can have|no regular grid"):
        ScanGrid.from_coordinates(np.array(x), np.zeros(3))
