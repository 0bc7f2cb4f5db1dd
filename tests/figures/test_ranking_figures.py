"""Figures of a ranking, printed and on the screen: what they draw, and in which colors."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.containers import Ranking, ScanGrid
from latentcore.figures.colors import NAN_COLORS, categorical_palette, continuous_rgb, hex_to_rgb
from latentcore.figures.ranking import bars_figure, dimension_figure, ranks_figure, rgb_figure
from pages.charts.ranking import (
    likeness_chart,
    ranks_chart,
    scatter_chart,
    table_chart,
)

TITLES = {"pearson": "Pearson", "mi": "Mutual information"}


@pytest.fixture
def grid():
    y, x = np.divmod(np.arange(60), 10)
    return ScanGrid.from_coordinates(x, y)


@pytest.fixture
def ranking():
    scores = {"pearson": np.array([0.2, -0.9, np.nan]), "mi": np.array([0.5, 0.1, np.nan])}
    n = np.array([60, 60, 0], np.int32)
    return Ranking(
        np.array([4, 7, 9], np.int32), scores, frozenset({"pearson"}), n, ("", "", "constant")
    )


def test_bars_are_sorted_by_strength_and_say_the_sign(ranking):
    figure = bars_figure(ranking, 5, TITLES, title="against Fe")
    pearson, information = figure.axes
    assert [label.get_text() for label in pearson.get_yticklabels()] == ["7", "4"]
    assert [bar.get_width() for bar in pearson.patches] == [0.9, 0.2]
    blue, orange = (hex_to_rgb(categorical_palette()[place]) for place in (0, 4))
    drawn = [tuple(np.rint(255 * np.array(bar.get_facecolor()[:3]))) for bar in pearson.patches]
    assert drawn == [orange, blue]
    assert [label.get_text() for label in information.get_yticklabels()] == ["4", "7"]


def test_ranks_of_the_best_are_written_and_the_best_are_dark(ranking):
    (axes,) = ranks_figure(ranking, 1, TITLES).axes
    assert [text.get_text() for text in axes.texts] == ["2", "1", "1", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["latent 4", "latent 7"]
    drawn = np.asarray(axes.images[0].get_array()).sum(axis=-1)
    assert drawn[0, 1] == drawn[1, 0] < drawn[0, 0] == drawn[1, 1]


def test_a_dimension_has_the_colors_of_latent_maps_and_its_line(grid):
    latent = np.linspace(0, 1, 60)
    latent[5] = np.nan
    figure = dimension_figure(
        grid, latent, 3 * np.linspace(0, 1, 60) + 1, latent_label="latent 4", reference_label="Fe"
    )
    first, _, scatter = figure.axes
    drawn = np.asarray(first.images[0].get_array())
    assert tuple(drawn[0, 5]) == hex_to_rgb(NAN_COLORS["light"])
    limits = tuple(np.nanpercentile(latent, (2, 98)))
    np.testing.assert_array_equal(drawn[2, 3], continuous_rgb(latent[23], limits))
    (line,) = scatter.lines
    np.testing.assert_allclose(line.get_ydata(), [1, 4])
    assert scatter.get_title(loc="left") == "R² = 1.000, n = 59"


def test_a_picture_shows_its_three_maps(grid):
    rgb = np.zeros((60, 3))
    rgb[7] = 1, 0.5, 0
    rgb[8] = np.nan
    (axes,) = rgb_figure(grid, rgb, ["Fe", "Al", "O"]).axes
    drawn = np.asarray(axes.images[0].get_array())
    assert tuple(drawn[0, 7]) == (255, 128, 0)
    assert tuple(drawn[0, 8]) == hex_to_rgb(NAN_COLORS["light"])
    assert axes.get_title(loc="left") == "red Fe, green Al, blue O"


def test_scatter_draws_a_part_and_fits_all():
    random = np.random.default_rng(0)
    x = random.normal(size=30_000)
    x[0] = np.nan
    figure, line, shown = scatter_chart(
        x, 2 * x + random.normal(size=30_000), latent_label="latent 1", reference_label="Fe",
        cmap="viridis", limits=(-2, 2),
    )  # fmt: skip
    assert (shown, line.n) == (20_000, 29_999)
    finite = np.isfinite(x)
    assert line.slope == pytest.approx(2, abs=0.05)
    points, fitted = figure.data
    assert len(points.x) == 20_000
    np.testing.assert_array_equal(points.x, points.marker.color)
    np.testing.assert_array_equal(fitted.x, [x[finite].min(), x[finite].max()])


def test_scatter_of_a_constant_has_no_line():
    figure, line, _ = scatter_chart(
        np.ones(30), np.arange(30.0), latent_label="a", reference_label="b", cmap="viridis",
        limits=(0, 1),
    )  # fmt: skip
    assert len(figure.data) == 1
    assert np.isnan(line.slope)


def test_tables_on_the_screen_say_their_numbers():
    ranks = ranks_chart([4, 7], np.array([[1, 12], [np.nan, 2]]), ["Pearson", "HSIC"], 20)
    assert ranks.data[0].text.tolist() == [["1", "12"], ["–", "2"]]
    np.testing.assert_allclose(ranks.data[0].z[0], np.log([1, 12]))
    likeness = likeness_chart(np.eye(2), ["Pearson", "HSIC"])
    np.testing.assert_array_equal(likeness.data[0].z, np.eye(2))
    table = table_chart(
        np.array([[3, 1], [0, 0]]), ["0", "1"], ["Iron", "pore"], row_label="c", column_label="p"
    )
    assert table.data[0].text.tolist() == [["3", "1"], ["0", "0"]]
    np.testing.assert_array_equal(table.data[0].z, [[75, 25], [0, 0]])
