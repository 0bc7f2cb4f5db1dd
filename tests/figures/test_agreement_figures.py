"""Figures of agreement: what they draw, and in which colors."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.containers import ScanGrid
from latentcore.figures.agreement import contingency_figure, labeled_maps_figure
from latentcore.figures.colors import NAN_COLORS, cluster_palette, hex_to_rgb


@pytest.fixture
def grid():
    y, x = np.divmod(np.arange(60), 10)
    return ScanGrid.from_coordinates(x, y)


def test_labels_have_their_colors_and_missing_points_none(grid):
    labels = np.arange(60) % 3
    labels[0] = -9
    figure = labeled_maps_figure(
        grid, np.arange(60.0), [("phase", labels, {0: "Iron"})], title="t", missing=-9
    )
    latent, phases = figure.axes
    assert (latent.get_title(loc="left"), phases.get_title(loc="left")) == ("latent", "phase")
    drawn = np.asarray(phases.images[0].get_array())
    assert tuple(drawn[0, 0]) == hex_to_rgb(NAN_COLORS["light"])
    assert tuple(drawn[0, 1]) == hex_to_rgb(cluster_palette([0, 1, 2])[1])
    names = [text.get_text() for text in phases.get_legend().get_texts()]
    assert names == ["Iron", "1", "2"]


def test_many_labels_are_named_in_part(grid):
    figure = labeled_maps_figure(grid, None, [("grain", np.arange(60), {})])
    legend = figure.axes[0].get_legend()
    assert len(legend.get_texts()) == 12
    assert legend.get_title().get_text() == "and 48 more"


def test_contingency_shows_each_count():
    table = np.array([[1657, 0], [12, 5]])
    figure = contingency_figure(
        table, ["0", "1"], ["Iron", "not_indexed"], row_label="cluster", column_label="phase"
    )
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["1,657", "0", "12", "5"]
    shade = np.asarray(axes.images[0].get_array()).sum(axis=-1)
    assert shade[0, 0] < shade[1, 0] < shade[1, 1] < shade[0, 1] == 3
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Iron", "not_indexed"]
