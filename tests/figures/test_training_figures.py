from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentcore.errors import ShapeError
from latentcore.figures.training import loss_figure, pattern_rows_figure


def losses() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"epoch": epoch, "split": split, "reconstruction": 1 / (epoch + 1), "kl": epoch,
             "total": 2 / (epoch + 1)}
            for epoch in range(4)
            for split in ("train", "held-out")
            if epoch or split == "held-out"
        ]
    )  # fmt: skip


def test_each_loss_has_a_curve_for_both_parts():
    figure = loss_figure(losses(), best_epoch=2)
    assert len(figure.axes) == 3
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines[:2]] == ["train", "held-out"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [1 / 2, 1 / 3, 1 / 4])
    # The KL is 0 at first, which no logarithm shows.
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear", "log"]
    figure.canvas.draw()


def test_residuals_are_colored_about_zero():
    patterns = np.random.default_rng(0).normal(2, 1, (3, 1, 4, 5))
    rows = [("prepared", patterns), ("residual", patterns - 2)]
    figure = pattern_rows_figure(rows, ["a", "b", "c"])
    assert len(figure.axes) == 6
    low, high = figure.axes[3].images[0].get_clim()
    assert low == -high
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), patterns[1, 0])
    figure.canvas.draw()


def test_patterns_that_are_not_finite_or_constant_are_drawn():
    rows = [("prepared", np.full((1, 1, 3, 3), np.nan)), ("residual", np.zeros((1, 1, 3, 3)))]
    pattern_rows_figure(rows, ["a"]).canvas.draw()


def test_titles_must_match():
    with pytest.raises(ShapeError, match="'prepared' has 2 patterns for 1 titles"):
        pattern_rows_figure([("prepared", np.zeros((2, 1, 3, 3)))], ["a"])
