"""Every color of every color map is seen on a dark ground."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.figures.colors import COLORMAPS, NAN_COLORS, lut
from latentcore.figures.grounds import lut_on

DARK_GROUND = (0x12, 0x17, 0x1C)


def luminance(colors: np.ndarray) -> np.ndarray:
    """Relative luminance as in WCAG 2."""
    channels = np.asarray(colors) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(colors: np.ndarray) -> np.ndarray:
    return (luminance(colors) + 0.05) / (luminance(np.array(DARK_GROUND)) + 0.05)


@pytest.mark.parametrize("name", list(COLORMAPS))
def test_no_color_drowns_in_a_dark_ground(name: str) -> None:
    assert contrast(lut_on(name, "dark")).min() > 1.7
    np.testing.assert_array_equal(lut_on(name, "light"), lut(name))


@pytest.mark.parametrize("name", ["viridis", "cividis", "grey"])
def test_lightness_still_rises_evenly(name: str) -> None:
    light = luminance(lut_on(name, "dark"))
    assert np.diff(light).min() > -0.008  # where a color left sRGB and was clipped
    assert light[-1] == pytest.approx(luminance(lut(name))[-1], abs=0.1)


def test_missing_values_stand_back_but_are_seen_on_a_dark_ground() -> None:
    color = NAN_COLORS["dark"].lstrip("#")
    assert contrast(np.array([int(color[k : k + 2], 16) for k in (0, 2, 4)])) > 1.4


def test_a_gray_keeps_its_hue_and_gets_the_lightness_stated() -> None:
    first, last = lut_on("grey", "dark")[[0, -1]].astype(int)
    assert np.ptp(first) <= 1
    assert first.mean() == pytest.approx(71, abs=1)  # L* 30 in sRGB
    assert last.min() >= 254
