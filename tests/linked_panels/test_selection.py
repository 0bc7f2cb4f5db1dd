from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.analysis import selection
from latentcore.analysis.selection import Shape, points_in_shape, select
from latentcore.errors import RequestError, ShapeError
from tests.line_counter import lines_run


def star(vertices: int, seed: int = 0) -> tuple[tuple[float, float], ...]:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    radii = rng.uniform(0.3, 1.0, vertices)
    return tuple(zip(radii * np.cos(angles), radii * np.sin(angles), strict=True))


def literally(polygon, px, py):
    """The rule as it is written down, one point and one edge at a time."""
    inside = False
    xj, yj = polygon[-1]
    for xi, yi in polygon:
        if (yi > py) != (yj > py) and px < (xj - xi) * (py - yi) / (yj - yi) + xi:
            inside = not inside
        xj, yj = xi, yi
    return inside


def test_box_is_half_open_and_its_corners_may_come_in_any_order():
    x = np.array([0, 1, 2, 2, 1], np.float32)
    y = np.array([0, 1, 1, 0, 2], np.float32)
    for corners in (((0, 0), (2, 2)), ((2, 0), (0, 2))):
        found = points_in_shape(Shape("p", "box", corners), x, y)
        assert found.tolist() == [True, True, False, False, False]


def test_lasso_agrees_with_matplotlib_away_from_the_outline():
    from matplotlib.path import Path

    polygon = star(30)
    rng = np.random.default_rng(1)
    points = rng.uniform(-1.1, 1.1, (20000, 2)).astype(np.float32)
    found = points_in_shape(Shape("p", "lasso", polygon), points[:, 0], points[:, 1])
    path = Path([*polygon, polygon[0]])
    inside = path.contains_points(points, radius=1e-6)
    outside = ~path.contains_points(points, radius=-1e-6)
    sure = inside != outside
    assert sure.sum() > 19990
    assert (found[sure] == inside[sure]).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=9),
    st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=30),
)
def test_lasso_follows_the_rule_to_the_letter_on_outlines_and_vertices(polygon, points):
    x, y = (np.array(v, np.float32) for v in zip(*points, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        for few in (selection._FEW, 0):  # without cells, and with them
            patch.setattr(selection, "_FEW", few)
            found = points_in_shape(Shape("p", "lasso", tuple(polygon)), x, y)
            assert found.tolist() == [literally(polygon, px, py) for px, py in points]


@given(
    values=st.lists(st.floats(width=32), min_size=1, max_size=20),
    low=st.floats(allow_nan=False, allow_infinity=False),
    high=st.floats(allow_nan=False, allow_infinity=False),
    data=st.data(),
)
def test_float32_is_compared_with_the_bounds_as_float64_is(values, low, high, data):
    x = np.array(values, np.float32)
    near = st.sampled_from([float(v) for v in x if np.isfinite(v)] or [0.0])
    low, high = data.draw(st.sampled_from([low, data.draw(near)])), data.draw(near | st.just(high))
    wide = x.astype(np.float64)
    found = points_in_shape(
        Shape("p", "box", ((low, -1), (high, 1))), x, np.zeros(len(x), np.float32)
    )
    assert found.tolist() == ((wide >= min(low, high)) & (wide < max(low, high))).tolist()


def test_cells_of_a_lasso_find_what_testing_each_point_finds(monkeypatch):
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-1.1, 1.1, (2, 100_000)).astype(np.float32)
    shape = Shape("p", "lasso", star(50, 3))
    one_by_one = points_in_shape(shape, x, y)
    monkeypatch.setattr(selection, "_FEW", 0)
    np.testing.assert_array_equal(points_in_shape(shape, x, y), one_by_one)


def test_modes_apply_in_order():
    x = np.arange(10, dtype=np.float32)
    y = np.zeros(10, np.float32)

    def strip(low, high, mode):
        return Shape("p", "box", ((low, -1), (high, 1)), mode)

    shapes = [strip(0, 6, "replace"), strip(8, 10, "add"), strip(1, 3, "subtract")]
    assert np.flatnonzero(select(shapes, {"p": (x, y)}, 10)).tolist() == [0, 3, 4, 5, 8, 9]
    shapes.append(strip(4, 9, "intersect"))
    assert np.flatnonzero(select(shapes, {"p": (x, y)}, 10)).tolist() == [4, 5, 8]
    shapes.append(strip(0, 1, "replace"))
    assert np.flatnonzero(select(shapes, {"p": (x, y)}, 10)).tolist() == [0]


def test_nothing_drawn_selects_nothing():
    assert not select([], {}, 5).any()


def test_nan_and_outside_are_never_selected():
    x = np.array([0.5, np.nan, 0.5, 0.5], np.float32)
    y = np.array([0.5, 0.5, np.nan, 0.5], np.float32)
    within = np.array([True, True, True, False])
    box = Shape("p", "box", ((0, 0), (1, 1)))
    lasso = Shape("p", "lasso", ((0, 0), (1, 0), (1, 1), (0, 1)))
    for shape in (box, lasso):
        assert select([shape], {"p": (x, y)}, 4, within).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("kind", "points", "mode"),
    [
        ("circle", ((0, 0), (1, 1)), "replace"),
        ("box", ((0, 0), (1, 1), (2, 2)), "replace"),
        ("lasso", ((0, 0), (1, 1)), "replace"),
        ("box", ((0, 0), (1, 1)), "toggle"),
        ("box", ((0, 0), (np.inf, 1)), "replace"),
    ],
)
def test_nonsense_is_no_shape(kind, points, mode):
    with pytest.raises(RequestError):
        Shape("p", kind, points, mode)


def test_unknown_panel_and_wrong_lengths_are_named():
    box = Shape("map", "box", ((0, 0), (1, 1)))
    with pytest.raises(RequestError, match="'map'"):
        select([box], {"other": (np.zeros(3), np.zeros(3))}, 3)
    with pytest.raises(ShapeError, match="'map'"):
        select([box], {"map": (np.zeros(2), np.zeros(3))}, 3)
    with pytest.raises(ShapeError, match="within"):
        select([], {}, 3, np.ones(2, bool))


def test_a_million_points_take_no_loop_over_points_and_little_memory():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 0.6, (2, 1_000_000)).astype(np.float32)
    shape = Shape("p", "lasso", star(50))
    assert lines_run(lambda: select([shape], {"p": (x, y)}, x.size)) < 20_000
    tracemalloc.start()
    select([shape], {"p": (x, y)}, x.size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12e6


def test_a_shape_is_the_same_after_it_was_written_and_read():
    shape = Shape("map", "lasso", ((0, 0), (1, 0.5), (0.1, 2)), "subtract")
    assert Shape.from_plain(json.loads(json.dumps(shape.as_plain()))) == shape
    plain = {"panel": "map", "kind": "box", "points": [[0, 0], [1, 1]]}
    assert Shape.from_plain(plain).mode == "replace"
