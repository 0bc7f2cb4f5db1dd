"""What charts share."""

from __future__ import annotations

import re

import numpy as np
import pytest

from latentcore.figures.colors import COLORMAPS, lut
from pages.charts.frame import color_scale, framed, line_at


@pytest.mark.parametrize("colors", COLORMAPS)
def test_a_color_scale_has_the_colors_of_files_in_fewer_entries(colors: str) -> None:
    places, entries = zip(*color_scale(colors), strict=True)
    known = np.array([[int(level) for level in re.findall(r"\d+", entry)] for entry in entries])
    table = lut(colors).astype(float)
    assert (places[0], places[-1]) == (0, 1)
    assert len(places) <= len(table) // 3
    levels = np.linspace(0, 1, len(table))
    drawn = np.column_stack([np.interp(levels, places, known[:, channel]) for channel in range(3)])
    assert np.abs(drawn - table).max() < 0.501


def test_a_frame_has_what_is_asked_of_it_and_what_all_have() -> None:
    cut = line_at(x=3, color="#000000")
    points = [{"type": "scatter", "x": [1, 2], "y": [2, 4]}]
    figure = framed(points, 200, x={"title": "a"}, y={"range": [5, 0]}, shapes=[cut], bargap=0)
    layout = figure.layout
    assert (layout.height, layout.bargap, layout.showlegend) == (200, 0, False)
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("a", None)
    assert layout.yaxis.range == (5, 0)
    assert layout.xaxis.automargin is layout.yaxis.automargin is True
    (line,) = layout.shapes
    assert (line.x0, line.x1, line.y0, line.y1, line.yref) == (3, 3, 0, 1, "y domain")
    titled = framed(points, 200, x={}, y={}, title="b", top=60)
    assert titled.layout.margin.t == 60
    assert titled.layout.title.text == "b"
