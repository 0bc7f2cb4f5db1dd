"""The job panel on a page, and encoders that several jobs share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.settings import settings
from pages.frame.units import duration_text
from pages.jobs import models
from pages.jobs.panel import runner
from tests.jobs.child import toy_verbs
from tests.jobs.child.toy_verbs import ToyRequest

PATIENCE = 30


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path))
    settings.cache_clear()
    toy_verbs.register()
    yield
    st.cache_resource.clear()
    settings.cache_clear()
    toy_verbs.unregister()


def page() -> None:
    import streamlit as st

    from pages.jobs.panel import job_panel, watched

    job = watched("toy")
    record = job_panel(job, on_finished=lambda record: st.write("It is done.")) if job else None
    st.session_state["seen"] = record and record.state


def open_page(job: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=PATIENCE)
    app.query_params["job"] = job
    return app.run()


def submit(**changes: object) -> str:
    return runner().submit("toy-thread", ToyRequest("a", **changes), title="A toy_job").id


def until_running(job: str) -> None:
    end = time.monotonic() + PATIENCE
    while not (runner().get(job).state == "running" and runner().get(job).done):
        assert time.monotonic() < end
        time.sleep(0.02)


def text(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(
        one.value for one in [*app.markdown, *app.caption, *app.error, *app.info]
    ).replace("\\", "")


def test_running_job_is_shown_cancelled_and_resumed() -> None:
    job = submit(steps=300, pause=0.02)
    until_running(job)
    app = open_page(job)
    assert "A toy_job" in text(app)
    assert "running" in text(app)
    assert "You may close this page" in text(app)
    app.button(key=f"cancel_{job}").click().run()
    runner().wait(job, PATIENCE)
    app.run()
    assert "Stopped at" in text(app)
    app.button(key=f"again_{job}").click().run()
    assert runner().get(job).attempt == 2
    runner().cancel(job)


def test_queued_job_says_its_place() -> None:
    first = submit(steps=300, pause=0.02)
    second = submit(steps=4)
    until_running(first)
    assert "1 job comes before it: A toy_job (stepping" in text(open_page(second))
    runner().cancel(first)


def test_finished_job_offers_what_the_page_wants() -> None:
    job = submit()
    runner().wait(job, PATIENCE)
    app = open_page(job)
    assert "It is done." in text(app)
    assert app.session_state["seen"] == "finished"


def test_failed_job_says_what_to_do() -> None:
    job = submit(trouble="refuse")
    runner().wait(job, PATIENCE)
    app = open_page(job)
    assert "Give “Steps” 4." in text(app)
    assert app.button(key=f"again_{job}").label == "Try again"


def test_job_deleted_in_another_session_is_reported() -> None:
    job = submit()
    runner().wait(job, PATIENCE)
    app = open_page(job)
    runner().forget(job)
    assert "not on record any more" in text(app.run())


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.84, "0.8 s"), (41.7, "42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations_are_said_as_people_say_them(seconds: float, shown: str) -> None:
    assert duration_text(seconds) == shown


class FakeEncoder:
    def __init__(self, path: str) -> None:
        self.path = path
        self.released = 0

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One checkpoint more than the server keeps in memory."""
    monkeypatch.setattr(models, "open_checkpoint", lambda path, **options: FakeEncoder(path))
    files = [tmp_path / f"{n}.pth" for n in range(settings().models_in_memory + 1)]
    for file in files:
        file.write_text(file.name)
    return files


def test_same_content_is_loaded_once(checkpoints: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_text("0.pth")
    assert models.model(checkpoints[0]) is models.model(copy)
    assert models.model(checkpoints[0]) is not models.model(checkpoints[1])


def test_evicted_encoder_is_released_once_nobody_uses_it(checkpoints: list[Path]) -> None:
    first = models.model(checkpoints[0])
    for path in checkpoints[1:]:
        models.model(path)
    assert first.released == 1


def test_encoder_under_a_job_is_released_only_when_the_job_ends(checkpoints: list[Path]) -> None:
    with models.job_services() as services:
        encoder = services["open_model"](str(checkpoints[0]), device="cpu", input_shape=(1, 8, 8))
        for path in checkpoints:
            models.model(path)
        assert encoder.released == 0
    assert encoder.released == 1


def test_threads_share_one_encoder(checkpoints: list[Path]) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(models.model(checkpoints[0])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(encoder) for encoder in found}) == 1
