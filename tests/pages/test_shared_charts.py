"""Charts that are made once for all who look at the same."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.containers import ScanGrid
from pages.charts.maps import map_chart
from pages.charts.ranking import scatter_chart
from pages.charts.shared import shared
from pages.frame.theme import tones
from tests.factories.kikuchi import full_grid

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_chart_is_made_again_where_any_value_is_another_one() -> None:
    made = []

    @shared
    def chart(values: np.ndarray, *, name: str = "", of: object = None) -> int:
        made.append(name)
        return len(made)

    values = np.zeros(1_500_000, np.float32)  # of so many, Streamlit's own caches see a sample
    other = values.copy()
    other[777_777] = 1
    grid = ScanGrid.from_coordinates(*full_grid(3, 4).T)
    moved = ScanGrid.from_coordinates(*(full_grid(3, 4) + 1).T)
    asked = (
        (values, {}), (other, {}), (values[:-1], {}), (values.view(np.int32), {}),
        (values, {"name": "a"}), (values, {"of": grid}), (values, {"of": moved}),
        (values, {"of": ("a", "b")}), (values, {"of": ("ab", "")}), (values, {"of": (1, None)}),
        (values, {"of": np.array(["a", None], object)}),
    )  # fmt: skip
    first = [chart(array, **named) for array, named in asked]
    assert first == list(range(1, len(asked) + 1))
    assert [chart(array.copy(), **named) for array, named in asked] == first


def test_two_sessions_get_the_same_map_and_scatter() -> None:
    grid = ScanGrid.from_coordinates(*full_grid(3, 4).T)
    values = np.arange(12, dtype=np.float32)
    assert map_chart(values, grid, tones(), name="a") is map_chart(values, grid, tones(), name="a")
    labels = {"latent_label": "a", "reference_label": "b", "cmap": "grey", "limits": (0.0, 1.0)}
    assert scatter_chart(values, values, **labels)[0] is scatter_chart(values, values, **labels)[0]
