"""The few colors that charts need besides Streamlit's own theme, light and dark."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from latentcore.figures.colors import NAN_COLORS, Theme


@dataclass(frozen=True)
class Tones:
    """Colors of one theme, as CSS text.

    Attributes
    ----------
    theme : str
        ``"light"`` or ``"dark"``.
    nothing : str
        Where nothing was scanned, or no value is: NaN. In no color map.
    veil : str
        Over points that are left out.
    accent, on_accent : str
        What matters, and text upon it.
    soft, line : str
        What stands back, and what is drawn.
    """

    theme: Theme
    nothing: str
    veil: str
    accent: str
    on_accent: str
    soft: str
    line: str


_LIGHT = Tones(
    "light",
    NAN_COLORS["light"],
    "rgba(194,65,12,0.7)",
    "#c2410c",
    "#ffffff",
    "#8fa3ae",
    "#5b6b75",
)
_DARK = Tones(
    "dark", NAN_COLORS["dark"], "rgba(251,146,60,0.7)", "#fb923c", "#1b1206", "#60727d", "#9fb0ba"
)


def tones() -> Tones:
    """Return the colors of the theme that this session's browser shows."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT
