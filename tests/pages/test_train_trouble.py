"""A training that diverges, is paused, or loses its worker, as the Train page tells it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import from_json
from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoding import training_steps
from latentcore.jobs import JobRecord, request_from
from latentcore.jobs import runner as runner_module
from pages.jobs.panel import runner
from pages.tasks.train import live
from tests.factories.kikuchi import patterns, write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text, press

PATIENCE = 120
SCAN = "folder:measured/scan.h5"


@pytest.fixture(autouse=True)
def scan(data_root: Path) -> Path:
    return write_kikuchi(data_root / "scan.h5")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in a thread of the server instead of the worker, which no test can reach into."""
    monkeypatch.setattr(runner_module, "queue_of", lambda record: "thread")


def open_train(open_page: OpenPage, preset: str = "default", **query: str) -> AppTest:
    app = open_page("train", samples=SCAN, **query)
    if preset != "default":
        app.button_group(key="train.preset").set_value(preset).run()
    return app


def choose(app: AppTest, preset: str, **answers: float) -> AppTest:
    for name, value in {"latent_dim": 2, **answers}.items():
        app.number_input(key=f"train.{preset}.{name}").set_value(value)
    return app.run()


def labels(app: AppTest) -> set[str]:
    return {one.label for one in app.button}


def job_in(app: AppTest) -> str:
    value = app.query_params["job"]
    return value if isinstance(value, str) else value[0]


def until_epoch(job: str, epoch: int) -> JobRecord:
    """Wait until so many epochs are learned by this attempt; an earlier one left its own word."""
    file = live.scratch_of(runner().get(job)) / "live.json"
    while True:
        record = runner().wait(job, 0.05)
        assert record.active, runner().log_text(job)
        fresh = record.state == "running" and file.is_file()
        fresh = fresh and file.stat().st_mtime > record.started
        if fresh and from_json(file.read_text())["epoch"] >= epoch:
            return record


def test_diverged_training_says_why_and_its_best_weights_can_be_used(
    open_page: OpenPage, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(plan: TrainingPlan, step: int, steps: int) -> float:
        return plan.learning_rate if step < 3 else 1e4

    monkeypatch.setattr(training_steps, "learning_rate_at", wild)
    app = press(choose(open_train(open_page, "cnn"), "cnn", epochs=9), "Train")
    record = runner().wait(job_in(app), PATIENCE)
    assert record.state == "finished", record.error
    app = open_train(open_page, job=record.id)
    assert "The training diverged in epoch 4" in page_text(app)
    assert "of epoch 3, the best until then, were kept" in page_text(app)
    assert "try 0.0001" in page_text(app)
    assert "Extract latents with this model" in labels(app)
    weights = load_file(record.folder / "model.safetensors")
    assert all(np.isfinite(values).all() for values in weights.values())


def test_training_that_diverges_at_once_is_reported_and_the_form_stays(
    open_page: OpenPage, in_this_process: None
) -> None:
    app = choose(open_train(open_page), "default", epochs=3, learning_rate=10.0)
    app.selectbox(key="train.default.schedule").set_value("constant").run()
    app = press(app, "Train")
    assert runner().wait(job_in(app), PATIENCE).state == "failed"
    app = app.run()
    assert "Nothing was learned. The learning rate 10 is too large" in page_text(app)
    assert "try 1." in page_text(app)
    assert labels(app) >= {"Train", "Try again"}
    assert app.number_input(key="train.default.learning_rate").value == 10.0


def test_patterns_with_nan_are_left_out_and_counted(
    open_page: OpenPage, in_this_process: None, scan: Path
) -> None:
    images = patterns(30).astype(np.float32)
    images[[2, 5], 0, 3, 3] = np.nan
    write_kikuchi(scan, images=images)
    app = press(choose(open_train(open_page), "default", epochs=1), "Train")
    record = runner().wait(job_in(app), PATIENCE)
    assert record.state == "finished", record.error
    assert "2 left out with NaN" in page_text(open_train(open_page, job=record.id))

    images[:, 0, 3, 3] = np.nan
    write_kikuchi(scan.with_name("blind.h5"), images=images)
    app = open_page("train", samples="folder:measured/blind.h5")
    app = press(choose(app, "default", epochs=1), "Train")
    assert runner().wait(job_in(app), PATIENCE).state == "failed"
    assert "30 have NaN or infinite pixels" in page_text(app.run())


@pytest.mark.slow  # the worker starts twice, and each time imports torch
def test_killed_and_paused_training_goes_on_to_the_same_weights(open_page: OpenPage) -> None:
    app = press(choose(open_train(open_page), "default", epochs=60), "Train")
    job = job_in(app)
    os.kill(until_epoch(job, 2).pid, signal.SIGKILL)
    assert runner().wait(job, PATIENCE).state == "failed"
    app = open_train(open_page, job=job)
    assert "ended by signal 9 (SIGKILL)" in page_text(app)
    assert "Try again goes on from the last step that was saved" in page_text(app)
    assert "can be used as they are" in page_text(app)

    app = press(app, "Try again")
    until_epoch(job, 5)
    app = press(app.run(), "Pause")
    record = runner().wait(job, PATIENCE)
    assert (record.state, record.paused) == ("cancelled", True)
    app = open_train(open_page, job=job)
    assert "violet-badge" in page_text(app)
    assert "Paused at" in page_text(app)
    assert "Resume goes on from the last step that was saved" in page_text(app)

    press(app, "Resume")
    record = runner().wait(job, PATIENCE)
    assert (record.state, record.paused) == ("finished", False), record.error
    assert record.attempt == 3
    summary = from_json((record.folder / "run.json").read_text())["summary"]
    assert summary["resumed_epochs"] >= 5

    request = request_from("train", record.request)
    whole = runner().submit("train", request, out=record.folder.with_name("whole"))
    assert runner().wait(whole.id, PATIENCE).state == "finished"
    expected = load_file(whole.folder / "model.safetensors")
    for name, values in load_file(record.folder / "model.safetensors").items():
        np.testing.assert_array_equal(values, expected[name])
