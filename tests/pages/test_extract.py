"""The Extract page: from a scan to latents, and every way in which that can go wrong."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.encoding import denoised
from latentcore.errors import RequestError
from latentcore.readers import open_latents
from latentcore.settings import settings
from pages.access import places, quotas
from pages.access.uploads import store_model
from pages.jobs.panel import runner
from tests.factories.kikuchi import write_kikuchi
from tests.pages.use import page_text, press

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of its own: workspace, one data root, its own runner."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LATENT_DATA_ROOTS", str(root))
    settings.cache_clear()
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()
    settings.cache_clear()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=PATIENCE)
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("pages/tasks/extract/extract.py").run()


@pytest.fixture
def scan(workspace: Path) -> str:
    """Thirty patterns of two kinds, on a grid of 6 × 5 points."""
    write_kikuchi(workspace / "data" / "scan.h5")
    return "folder:data/scan.h5"


def job_in(app: AppTest) -> str:
    value = app.query_params["job"]
    return value if isinstance(value, str) else value[0]


def until_ended(app: AppTest) -> AppTest:
    job = job_in(app)
    runner().wait(job, PATIENCE)
    return app.run()


def choose_pca(app: AppTest, components: int) -> AppTest:
    return app.number_input(key="extract.components").set_value(components).run()


def latents_of_job(app: AppTest) -> np.ndarray:
    record = runner().get(job_in(app))
    return open_latents(record.folder / "scan_latents.h5").values


def test_without_patterns_the_page_says_what_to_do(workspace: Path) -> None:
    table = workspace / "data" / "map.csv"
    table.write_text("x,y,BC\n0,0,1\n1,0,2\n")
    app = open_page(samples="", maps="folder:data/map.csv")
    assert "No samples are in view" in page_text(app)
    assert not [one for one in app.button if one.label == "Extract latents"]


def test_pca_runs_as_a_job_and_its_latents_open_in_explore(scan: str) -> None:
    app = choose_pca(open_page(samples=scan), 5)
    assert "**30** of 30 samples (100 %)" in page_text(app)
    app = until_ended(press(app, "Extract latents"))
    assert "**30** of 30 samples encoded" in page_text(app)
    assert "**5** latent dimensions" in page_text(app)
    record = runner().get(job_in(app))
    assert record.request["prepare"] == ["background=dynamic", "smooth=1.0"]
    assert latents_of_job(app).shape == (30, 5)
    assert {one.label for one in app.get("download_button")} >= {"scan_latents.h5"}
    assert "Latents of this scan" in [one.value for one in app.header]
    explore = app.button(key=f"explore_run:{record.folder.name}/scan_latents.h5").click().run()
    assert explore.session_state["scan"].latents == f"run:{record.folder.name}/scan_latents.h5"


def test_job_survives_a_reload_and_is_seen_by_a_second_browser(scan: str) -> None:
    app = until_ended(press(choose_pca(open_page(samples=scan), 4), "Extract latents"))
    job = job_in(app)
    other = open_page(samples=scan, job=job)
    assert "**4** latent dimensions" in page_text(other)
    assert job_in(press(choose_pca(other, 4), "Extract latents")) == job


def test_unknown_job_is_reported_and_let_go(scan: str) -> None:
    app = open_page(samples=scan, job="0123456789ab")
    assert "not on record any more" in page_text(app)
    assert "job" not in app.run().query_params


def test_roi_and_threshold_leave_points_without_latents(scan: str, workspace: Path) -> None:
    grid = np.mgrid[0:5, 0:6].reshape(2, -1)
    lines = [f"{x},{y},{x}" for y, x in grid.T]
    (workspace / "data" / "bc.csv").write_text("x,y,BC\n" + "\n".join(lines) + "\n")
    app = choose_pca(open_page(samples=scan, maps="folder:data/bc.csv", keep="1.5:BC"), 3)
    assert "**20** of 30" in page_text(app)
    app.button_group(key="extract.where").set_value("ROI").run()
    below = next(one for one in app.number_input if one.label == "y below")
    app = below.set_value(3.0).run()
    assert "**12** of 30" in page_text(app)
    app = until_ended(press(app, "Extract latents"))
    kept = np.isfinite(latents_of_job(app)).all(axis=1)
    assert kept.tolist() == [bool(x > 1.5 and y < 3) for y, x in grid.T]


def test_empty_roi_is_reported_and_nothing_can_be_started(scan: str) -> None:
    app = open_page(samples=scan)
    app.button_group(key="extract.where").set_value("ROI").run()
    next(one for one in app.number_input if one.label == "x from").set_value(6.0).run()
    assert "is empty" in page_text(app)
    [start] = [one for one in app.button if one.label == "Extract latents"]
    assert start.disabled


def test_custom_preparation_reaches_the_request(scan: str) -> None:
    app = choose_pca(open_page(samples=scan), 2)
    app.radio(key="extract.preset.False").set_value("custom").run()
    app.text_input(key="extract.custom.crop").set_value("1 8 0 8")
    app.selectbox(key="extract.custom.background").set_value("static")
    app = until_ended(press(app.run(), "Extract latents"))
    prepare = runner().get(job_in(app)).request["prepare"]
    assert set(prepare) == {"crop=1:8:0:8", "background=static", "smooth=1.0"}
    assert latents_of_job(app).shape == (30, 2)


def test_neighbors_and_rotation_reach_the_request_and_a_model_can_do_without(scan: str) -> None:
    app = choose_pca(open_page(samples=scan), 2)
    app.slider(key="extract.kikuchi.nlpar.0").set_value(2).run()
    app.selectbox(key="extract.kikuchi.nlpar_strength.medium").set_value("strong")
    app.toggle(key="extract.varimax").set_value(True).run()
    assert "noise σ = " in page_text(app)
    app = until_ended(press(app, "Extract latents"))
    record = runner().get(job_in(app))
    assert {"nlpar=2", "nlpar_strength=strong"} < set(record.request["prepare"])
    assert record.request["rotation"] == "varimax"
    strong = latents_of_job(app)
    app = open_page(samples=scan)
    app.button_group(key="extract.kind").set_value("Trained model").run()
    assert app.slider(key="extract.own.nlpar.2").value == 2
    app.slider(key="extract.own.nlpar.2").set_value(0).run()
    app = until_ended(press(app, "Extract latents"))
    assert set(runner().get(job_in(app)).request["prepare"]) == {"nlpar=0", "nlpar_strength=medium"}
    assert not np.array_equal(latents_of_job(app), strong)


def test_the_noise_of_a_scan_is_measured_once_for_all_radii(
    scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, measure = [], denoised.estimate_noise

    def noted(denoiser: Any, strength: str, *more: Any) -> Any:
        measured.append(strength)
        return measure(denoiser, strength, *more)

    monkeypatch.setattr(denoised, "estimate_noise", noted)
    app = choose_pca(open_page(samples=scan), 2)
    for radius in (2, 5, 1):
        app.slider(key="extract.kikuchi.nlpar.0").set_value(radius).run()
        assert "noise σ = " in page_text(app)
    app.selectbox(key="extract.kikuchi.nlpar_strength.medium").set_value("strong").run()
    assert measured == ["medium", "strong"]


def test_crop_beyond_the_pattern_is_reported_in_place_and_nothing_is_lost(scan: str) -> None:
    app = choose_pca(open_page(samples=scan), 2)
    app.radio(key="extract.preset.False").set_value("custom").run()
    app.text_input(key="extract.custom.crop").set_value("0 99 0 8").run()
    assert "reaches beyond the samples of 8 × 8 pixels" in page_text(app)
    app.text_input(key="extract.custom.crop").set_value("0 9 0").run()
    assert "takes 4 values" in page_text(app)
    assert app.number_input(key="extract.components").value == 2


def test_model_of_a_former_run_is_offered_with_its_own_preparation(scan: str) -> None:
    first = until_ended(press(choose_pca(open_page(samples=scan), 6), "Extract latents"))
    before = latents_of_job(first)
    app = open_page(samples=scan)
    app.button_group(key="extract.kind").set_value("Trained model").run()
    assert "pca · 6 latent dimensions" in page_text(app)
    assert app.radio(key="extract.preset.True").value == "own"
    app = until_ended(press(app, "Extract latents"))
    record = runner().get(job_in(app))
    assert record.state == "finished", record.error
    assert record.request["prepare"] == []
    np.testing.assert_array_equal(latents_of_job(app), before)


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.button_group(key="extract.kind").set_value("Trained model").run()
    app.file_uploader(key="checkpoint_upload_0").set_value([(name, content, "")])
    return app.run()


def test_pickle_dressed_as_a_checkpoint_is_refused_on_the_page(scan: str) -> None:
    app = upload(open_page(samples=scan), "model.pth", pickle.dumps({"a": print}, protocol=2))
    assert "model.pth" in page_text(app)
    assert app.error
    [start] = [one for one in app.button if one.label == "Extract latents"]
    assert start.disabled


def test_job_that_fails_says_why_and_offers_another_try(scan: str) -> None:
    app = press(choose_pca(open_page(samples=scan), 25), "Extract latents")
    record = runner().wait(job_in(app), PATIENCE)
    assert record.finished
    record.folder.joinpath("run.json").unlink()
    assert "run folder was deleted" in page_text(app.run())


def test_who_has_no_room_left_is_told_what_takes_it_and_nothing_is_queued(
    scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = choose_pca(open_page(samples=scan), 4)
    (places.runs_folder() / "extract-1").mkdir(parents=True)
    (places.runs_folder() / "extract-1" / "scan_latents.h5").write_bytes(b"\0" * 1100)
    monkeypatch.setenv("LATENT_USER_GB", "1")
    monkeypatch.setattr(quotas, "_GIGABYTE", 1000)
    settings.cache_clear()
    app = press(app, "Extract latents")
    assert "extract 1.1 kB" in page_text(app)
    assert "Delete runs on the Runs page" in page_text(app)
    assert not runner().list()


def test_uploaded_model_and_record_lie_side_by_side(workspace: Path) -> None:
    place = store_model([named("m.safetensors", b"weights"), named("other.json", b"{}")])
    path = places.resolve(place)
    assert path.read_bytes() == b"weights"
    assert path.with_suffix(".json").read_bytes() == b"{}"
    with pytest.raises(RequestError, match="one file of weights"):
        store_model([named("other.json", b"{}")])


def named(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file
