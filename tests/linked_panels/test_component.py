from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.errors import RequestError, ShapeError
from pages.panels.linked_panels import Continuous, Focus, PanelsState, PointTable, Shape
from pages.panels.linked_panels.component import _data
from pages.panels.linked_panels.state import Ledger
from tests.linked_panels.apps.scene import make_points, make_view

SHAPE = (9, 16)
PAGE = Path(__file__).with_name("apps") / "page.py"
BOX = Shape("map", "box", ((0.0, 0.0), (0.5, 0.5)))


@pytest.fixture(scope="module")
def view():
    return make_view(make_points(*SHAPE), SHAPE, "component-test")


def test_mounts_without_a_browser(monkeypatch):
    monkeypatch.setenv("PANELS_ROWS", "9")
    monkeypatch.setenv("PANELS_COLUMNS", "16")
    app = AppTest.from_file(str(PAGE), default_timeout=30).run()
    assert not app.exception
    answer = json.loads(app.code[0].value)
    assert answer["revision"] == 0
    assert answer["A"]["count"] == 0
    app.checkbox[0].check().run()
    assert not app.exception


def test_page_that_gives_a_roi_gets_it_back(monkeypatch):
    monkeypatch.setenv("PANELS_ROWS", "9")
    monkeypatch.setenv("PANELS_COLUMNS", "16")
    app = AppTest.from_file(str(PAGE), default_timeout=30).run()
    app.button[0].click().run()
    assert json.loads(app.code[0].value)["roi"] == [1.0, 4.0, 0.5, 3.0]


def test_data_carries_addresses_and_no_arrays(view):
    payload = json.dumps(_data(view, PanelsState.from_view(view), 0))
    assert len(payload) < 12_000
    data = json.loads(payload)
    assert set(data["arrays"]) == set(view.points.arrays)
    assert data["frames"]["map"] == ["x", "y"]
    assert data["panels"][1]["equal"] is True


def test_state_survives_the_way_to_the_browser_and_back():
    lasso = Shape("embedding", "lasso", ((0.1, 0.2), (1.5, -0.25), (1e-7, 3.0)), "add")
    focus = Focus("map", (0.5, 1.5), (-3.0, 7.25))
    state = PanelsState({"A": (BOX, lasso), "B": ()}, "B", (0.0, 1.0, 0.5, 2.0), 17, 4, focus=focus)
    assert PanelsState.from_json(json.loads(json.dumps(state.as_json()))) == state


@pytest.mark.parametrize(
    "change",
    [
        {"active": "C"},
        {"roi": [1, 2, 3]},
        {"pinned": "seven"},
        {"selections": None},
        {"selections": {"A": [{"panel": "map"}]}},
        {"selections": {"A": [{"panel": "m", "kind": "box", "points": [[0, 0]], "mode": "add"}]}},
        {
            "selections": {
                "A": [
                    {
                        "panel": "m",
                        "kind": "lasso",
                        "points": [[k, k] for k in range(51)],
                        "mode": "add",
                    }
                ]
            }
        },
        {"selections": {"A": [BOX] * 1000}},
        {"revision": None},
        {"focus": [1, 2, 3, 4]},
        {"focus": {"panel": "map", "range": {"x0": 0, "x1": "inf", "y0": 0, "y1": 1}}},
        {"focus": {"panel": "map", "range": {"x0": 0, "x1": 1}}},
    ],
)
def test_nonsense_from_a_browser_is_refused(change):
    with pytest.raises(RequestError):
        PanelsState.from_json({**PanelsState().as_json(), **change})
    with pytest.raises(RequestError):
        PanelsState.from_json("text")


class TestLedger:
    """Who is right when page and browser differ."""

    given = PanelsState()
    brushed = PanelsState({"A": (BOX,), "B": ()}, revision=3)

    def test_at_first_the_page(self):
        given = replace(self.given, pinned=5)
        _, state = Ledger.settle(None, given, None)
        assert state == given

    def test_page_that_repeats_itself_does_not_undo_a_brush(self):
        ledger, _ = Ledger.settle(None, self.given, None)
        ledger, state = Ledger.settle(ledger, self.given, self.brushed)
        assert state == self.brushed
        _, state = Ledger.settle(ledger, self.given, self.brushed)
        assert state == self.brushed

    def test_page_that_says_something_new_is_right_until_the_browser_goes_on(self):
        ledger = Ledger(self.given)
        given = replace(self.given, roi=(0.0, 1.0, 0.0, 1.0))
        ledger, state = Ledger.settle(ledger, given, self.brushed)
        assert state == replace(self.brushed, roi=given.roi)
        ledger, state = Ledger.settle(ledger, given, self.brushed)
        assert state == replace(self.brushed, roi=given.roi)
        ledger, state = Ledger.settle(ledger, replace(given, pinned=2), self.brushed)
        assert state == replace(self.brushed, roi=given.roi, pinned=2)
        given = replace(given, pinned=2)
        later = replace(self.brushed, roi=(0.0, 1.0, 0.0, 1.0), revision=4)
        ledger, state = Ledger.settle(ledger, given, later)
        assert state == later

    def test_page_that_adopts_the_brush_changes_nothing(self):
        ledger = Ledger(self.given)
        adopted = replace(self.brushed, revision=0)
        ledger, state = Ledger.settle(ledger, adopted, self.brushed)
        assert state == self.brushed
        assert ledger.override is None

    def test_new_component_starts_from_the_page(self):
        ledger = Ledger(self.given, replace(self.brushed, revision=9))
        _, state = Ledger.settle(ledger, self.given, None)
        assert state == self.given


def test_views_know_what_they_lack(view):
    with pytest.raises(RequestError, match="colorings"):
        replace(view, panels=(replace(view.panels[0], color="mood"),))
    with pytest.raises(RequestError, match="no grid"):
        replace(view, grid=None)
    with pytest.raises(RequestError, match="u9"):
        replace(view, panels=(replace(view.panels[0], x="u9"),))
    with pytest.raises(RequestError, match="differ"):
        replace(view, panels=(view.panels[0], view.panels[0]))
    with pytest.raises(ShapeError, match="expected"):
        PointTable(3, {"x": np.zeros(4, np.float32)})
    with pytest.raises(RequestError, match="float64"):
        PointTable(3, {"x": np.zeros(3)})
    with pytest.raises(ShapeError, match="256"):
        Continuous("x", np.zeros((10, 3), np.uint8), (0, 1))
    scatters = tuple(p for p in view.panels if p.kind == "scatter")
    assert replace(view, panels=scatters, grid=None).grid is None
