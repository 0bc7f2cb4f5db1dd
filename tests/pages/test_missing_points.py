"""Points without a value have the color that was chosen for them, in every panel."""

from __future__ import annotations

import pytest

from latentcore.containers import NO_VALUE
from latentcore.figures.colors import lut
from pages.panels.linked_panels import Categorical, Continuous, Direct, Shaded
from pages.tasks.explore.colorings import with_missing

COLORINGS = {
    "main": Continuous("latent:0", lut("viridis"), (0.0, 1.0), nan_color="#d9d0c3"),
    "clusters": Shaded(
        "labels", "latent:0", {0: "#0072b2", NO_VALUE: "#d9d0c3"}, {0: (0.0, 1.0)},
        nan_color="#d9d0c3",
    ),
    "phase": Categorical("map:phase", {0: "#0072b2"}, {0: "fcc"}, "#d9d0c3", "phase"),
    "ipf": Direct("orientation", nan_color="#d9d0c3"),
}  # fmt: skip


@pytest.mark.parametrize("usual", ["tan", "mauve"])
def test_they_follow_the_theme_unless_a_color_is_chosen(usual: str) -> None:
    assert with_missing(COLORINGS, usual, "dark") == COLORINGS


@pytest.mark.parametrize(
    ("missing", "theme", "color"),
    [("black", "light", "#000000"), ("gray", "dark", "#808080"),
     ("transparent", "light", "#ffffff"), ("transparent", "dark", "#12171c")],
)  # fmt: skip
def test_they_have_the_chosen_color(missing: str, theme, color: str) -> None:
    painted = with_missing(COLORINGS, missing, theme)
    assert {one.nan_color for one in painted.values()} == {color}
    assert painted["clusters"].palette == {0: "#0072b2", NO_VALUE: color}
