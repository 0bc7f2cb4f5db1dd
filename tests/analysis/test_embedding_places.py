from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.analysis.embedding_places import one_per_cell
from latentcore.errors import RequestError, ShapeError


def embedded(n: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


@given(st.integers(1, 12), st.integers(0, 5))
def test_each_sample_of_a_gallery_lies_in_its_cell(cells: int, seed: int) -> None:
    points = embedded()
    points[3] = np.nan
    keep = np.random.default_rng(seed).random(len(points)) < 0.5
    found = one_per_cell(points, cells, keep=keep, seed=seed)
    plain, _, _ = np.histogram2d(
        points[keep & np.isfinite(points[:, 0]), 1],
        points[keep & np.isfinite(points[:, 0]), 0],
        bins=(found.y_edges, found.x_edges),
    )
    np.testing.assert_array_equal(found.counts, plain)
    np.testing.assert_array_equal(found.rows >= 0, found.counts > 0)
    for j, i in np.argwhere(found.rows >= 0):
        x, y = points[found.rows[j, i]]
        assert keep[found.rows[j, i]]
        assert found.x_edges[i] <= x <= found.x_edges[i + 1]
        assert found.y_edges[j] <= y <= found.y_edges[j + 1]


def test_the_seed_chooses_and_all_are_chosen_at_some_time() -> None:
    points = embedded(60)
    one, same = one_per_cell(points, 3, seed=1), one_per_cell(points, 3, seed=1)
    np.testing.assert_array_equal(one.rows, same.rows)
    seen = {row for seed in range(60) for row in one_per_cell(points, 3, seed=seed).rows.ravel()}
    assert len(seen - {-1}) > 40


def test_points_on_one_line_make_a_gallery_too() -> None:
    points = np.column_stack([np.arange(10.0), np.ones(10)])
    found = one_per_cell(points, 2)
    assert (found.rows >= 0).sum() == 2


@pytest.mark.parametrize(
    ("points", "more", "error", "says"),
    [
        (np.zeros((4, 3)), {}, ShapeError, r"\(n, 2\) coordinates"),
        (np.full((4, 2), np.nan), {}, RequestError, "No sample has a place"),
        (np.zeros((4, 2)), {"cells": 0}, RequestError, "1 to 200 cells"),
        (np.zeros((4, 2)), {"keep": np.ones(3, bool)}, ShapeError, "4 points"),
    ],
)
def test_what_makes_no_gallery_is_reported(points, more, error, says) -> None:
    with pytest.raises(error, match=says):
        one_per_cell(points, **more)
