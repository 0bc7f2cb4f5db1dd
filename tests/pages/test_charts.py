"""What charts share."""

from __future__ import annotations

import re

import numpy as np
import pytest

from latentcore.figures.colors import COLORMAPS, lut
from pages.charts.frame import color_scale


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
