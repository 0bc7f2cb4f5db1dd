"""The page of maps from patterns: computed, kept, and refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.jobs import JobRecord
from latentcore.readers import open_maps, open_samples
from pages.access import places
from pages.jobs.panel import runner
from pages.panels.detector_board.component import Shown

SCAN = {"samples": "demo:demo.h5", "maps": ""}


@pytest.fixture
def patterns(demo: Path) -> np.ndarray:
    with open_samples(str(demo / "demo.h5")) as samples:
        return samples.read(slice(None))[:, 0].astype(float)


def finished(app: AppTest) -> JobRecord:
    record = runner().list(1)[0]
    record = runner().wait(record.id, 120)
    assert record.finished, record.error
    return record


def button(app: AppTest, label: str):
    return next(one for one in app.button if one.label == label)


def kept(app: AppTest) -> dict[str, np.ndarray]:
    maps = open_maps(str(places.resolve(app.session_state["scan"].maps[-1])))
    return dict(zip(maps.names, maps.values, strict=True))


def test_detectors_are_typed_combined_and_kept_and_stand_in_the_address(open_page, patterns):
    app = open_page("pattern_maps", **SCAN)
    assert not app.exception
    shape = app.text_input(key="pattern_maps.shape")
    shape.set_value("0:8:9:3").run()
    assert "8 × 8 pixels" in app.error[0].value and not app.exception
    app.text_input(key="pattern_maps.shape").set_value("1:5:6:8").run()
    assert not app.error and "A=1:5:6:8" in app.query_params["detectors"]
    app.text_input(key="pattern_maps.name.A").set_value("low bands").run()
    button(app, "Keep as a map").click().run()
    box = patterns[:, 6:8, 1:5]
    np.testing.assert_array_equal(kept(app)["low bands"], box.sum((1, 2)))

    button(app, "Add disk").click().run()
    app.text_input(key="pattern_maps.shape").set_value("disk:4:4:2").run()
    app.selectbox(key="pattern_maps.shown").set_value(Shown("/", "A", "B")).run()
    button(app, "Keep as a map").click().run()
    y, x = np.mgrid[0:8, 0:8] - 3.5
    ratio = box.mean((1, 2)) / patterns[:, x**2 + y**2 <= 4].mean(1)
    np.testing.assert_allclose(kept(app)["detector_A_over_B"], ratio, rtol=1e-6)
    assert len(app.session_state["scan"].maps) == 2

    linked = open_page("pattern_maps", **SCAN, detectors="A=1:5:6:8 B=disk:4:4:2 mean", shown="B-A")
    assert linked.text_input(key="pattern_maps.shape").value == "1:5:6:8"
    assert "--combine" in linked.code[0].value and "--detector-value mean" in linked.code[0].value
    broken = open_page("pattern_maps", **SCAN, detectors="A=1:99:6:8 <b>", shown="?")
    assert not broken.exception and broken.text_input(key="pattern_maps.shape").value == "2:4:2:4"


def test_image_quality_comes_from_the_data_page_in_one_click(open_page, patterns):
    app = open_page("data", **SCAN)
    assert not app.exception
    button(app, "Compute image quality").click().run()
    finished(app)
    app.run()
    assert app.session_state["scan"].maps[-1].endswith("/pattern_maps.csv")
    assert list(kept(app)) == ["image_quality"]
    assert not [one for one in app.button if one.label == "Compute image quality"]


def test_samples_that_are_no_patterns_of_a_scan_are_refused_in_words(open_page, data_root):
    from PIL import Image

    Image.new("L", (8, 8)).save(data_root / "one.png")
    app = open_page("pattern_maps", samples=f"folder:{data_root.name}")
    assert not app.exception and "no coordinates" in app.error[0].value
    app = open_page("pattern_maps", samples="")
    assert not app.exception and "No samples are in view" in app.info[0].value
