"""Sheets show every pattern once, in order, at full contrast."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.pattern_sheets import (
    evenly_spaced,
    gray_levels,
    pattern_sheet,
    placed_sheet,
    signed_levels,
)
from latentcore.errors import ShapeError


def test_sheet_places_each_pattern_and_leaves_the_rest_transparent() -> None:
    patterns = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    sheet = pattern_sheet(patterns, columns=2, gap=1)
    assert sheet.shape == (9, 11, 4)
    assert np.array_equal(sheet[:4, 6:, 0], gray_levels(patterns[1]))
    assert np.array_equal(sheet[5:, :5, 0], gray_levels(patterns[2]))
    assert (sheet[5:, 6:] == 0).all()
    assert (sheet[:4, :5, 3] == 255).all()
    assert (sheet[4] == 0).all()


def test_gray_levels_span_the_range_and_take_nan_and_constants() -> None:
    assert gray_levels(np.array([[2.0, 4.0], [np.nan, 3.0]])).tolist() == [[0, 255], [0, 128]]
    assert (gray_levels(np.full((2, 2), 7)) == 128).all()
    assert (gray_levels(np.full((2, 2), np.nan)) == 0).all()


def test_signed_levels_put_zero_in_the_middle() -> None:
    lut = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    assert signed_levels(np.array([[-2.0, 0.0, 2.0]]), lut)[0, :, 0].tolist() == [0, 128, 255]
    assert (signed_levels(np.zeros((1, 2)), lut) == 128).all()


@pytest.mark.parametrize(("n", "most"), [(5, 9), (100, 7), (10, 1), (8, 8)])
def test_evenly_spaced_picks_distinct_rows_in_order(n: int, most: int) -> None:
    picked = evenly_spaced(np.arange(n) * 3, most)
    assert len(picked) == min(n, most)
    assert (np.diff(picked) > 0).all()


def test_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(b, H, W\)"):
        pattern_sheet(np.zeros((0, 4, 4)))


def test_placed_sheet_draws_each_pattern_in_its_cell() -> None:
    table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    patterns = np.array([[[0.0, 1], [2, 3]], [[3, np.nan], [1, 0]]])
    sheet = placed_sheet(patterns, np.array([[0, 1], [1, 0]]), 2, table, gap=1)
    assert sheet.shape == (5, 5, 4)
    assert sheet[:2, 3:, 0].tolist() == [[0, 85], [170, 255]]
    assert sheet[3:, :2, 3].tolist() == [[255, 0], [255, 255]], "NaN is transparent"
    assert not sheet[:2, :3].any(), "the gap and the empty cell are transparent"
    common = placed_sheet(patterns, np.array([[0, 1], [1, 0]]), 2, table, limits=(1, 2), gap=1)
    assert common[:2, 3:, 0].tolist() == [[0, 0], [255, 255]]
    with pytest.raises(ShapeError, match="can't be drawn in cells"):
        placed_sheet(patterns, np.array([[0, 1]]), 2, table)
