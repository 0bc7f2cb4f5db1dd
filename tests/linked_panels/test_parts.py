from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentcore.errors import RequestError, ShapeError
from pages.panels.linked_panels import PanelsState, PanelsView, Parts, Plateau, PointTable
from pages.panels.linked_panels.state import Ledger

PLATEAU = Plateau((0.5, 2.0), (9, 3), automatic=2.0, threshold=0.5, found=9, asked=0.5)


def view(**changes: object) -> PanelsView:
    arrays = {
        "label": np.zeros(4, np.int32),
        "nothing": np.zeros(4, np.float32),
        "right": np.zeros(4, np.float32),
    }
    parts = Parts("label", "domains", saliency=("right", "right"), plateau=PLATEAU)
    return PanelsView(
        points=PointTable(4, arrays), grid=None, panels=(), colorings={},
        frames={"domains": ("label", "nothing")}, parts=replace(parts, **changes),
    )  # fmt: skip


def test_the_threshold_goes_to_the_browser_and_back() -> None:
    state = PanelsState.from_view(view())
    assert state.threshold == 0.5
    assert PanelsState.from_json(state.as_json()) == state
    old = {name: value for name, value in state.as_json().items() if name != "threshold"}
    assert PanelsState.from_json(old).threshold is None
    for nonsense in (0, -1, float("nan"), float("inf"), "far", []):
        with pytest.raises(RequestError):
            PanelsState.from_json({**state.as_json(), "threshold": nonsense})


def test_a_page_that_lets_go_of_the_threshold_is_heard() -> None:
    given = PanelsState.from_view(view())
    ledger, _ = Ledger.settle(None, given, None)
    browser = replace(given, threshold=3.0, revision=4)
    ledger, state = Ledger.settle(ledger, given, browser)
    assert state.threshold == 3.0
    ledger, state = Ledger.settle(ledger, replace(given, threshold=None), browser)
    assert state.threshold is None


def test_parts_need_their_arrays_and_axes() -> None:
    with pytest.raises(RequestError, match=r"needs arrays \['down'\]"):
        view(saliency=("right", "down"))
    with pytest.raises(RequestError, match="'grains' has no axes"):
        view(panel="grains")


def test_a_plateau_plot_has_a_count_for_each_positive_threshold() -> None:
    with pytest.raises(ShapeError, match="2 thresholds and 1 counts"):
        replace(PLATEAU, counts=(9,))
    with pytest.raises(RequestError, match="finite and positive"):
        replace(PLATEAU, thresholds=(0.0, 1.0))
