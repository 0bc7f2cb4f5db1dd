"""From latents that have just been made to the Explore page, whatever happens on the way."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS, execute
from latentcore.workflows.extract.verb import ExtractRequest
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from pages.scan import sidebar as pickers
from tests.factories.kikuchi import write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text

PATIENCE = 60
SAMPLES = "folder:measured/scan.h5"
EARLIER = "run:extract-1/scan_latents.h5"
OPEN = f"earlier_{EARLIER}"


@pytest.fixture
def scan(data_root: Path, workspace: Path) -> Path:
    """A scan of which latents were extracted before."""
    write_kikuchi(data_root / "scan.h5")
    extract(data_root / "scan.h5", workspace)
    return data_root / "scan.h5"


def extract(samples: Path, workspace: Path) -> None:
    request = ExtractRequest((str(samples),), checkpoint="pca:3", device="cpu")
    execute("extract", request, workspace / "runs" / "extract-1")


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def shows_the_latents(app: AppTest) -> None:
    assert not app.exception
    assert app.title[0].value == "Explore"
    assert app.session_state["scan"].latents == EARLIER
    assert "No latents are in view" not in page_text(app)
    assert app.query_params["latents"] in (EARLIER, [EARLIER])


@pytest.fixture
def ending_job(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An extraction that ends as soon as somebody has seen it running."""
    gate = tmp_path / "gate"
    verb = VERBS.get("extract")

    def held(*arguments: Any, **services: Any) -> Any:
        until(gate.exists)
        return verb.run(*arguments, **services)

    monkeypatch.setitem(VERBS._parts, "extract", dataclasses.replace(verb, run=held))
    request = ExtractRequest((str(scan),), checkpoint="pca:2", device="cpu")
    job = runner().submit("extract", request).id
    look = server_runner().get
    until(lambda: look(job).state == "running")

    def ends_once_seen(job: str) -> JobRecord | None:
        seen = look(job)
        gate.touch()
        until(lambda: not look(job).active)
        return seen

    monkeypatch.setattr(server_runner(), "get", ends_once_seen)
    return job


def test_the_click_counts_though_a_job_ends_at_that_moment(
    open_page: OpenPage, ending_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(server_runner(), "get")
        app = open_page("extract", samples=SAMPLES, job=ending_job)
    assert "You may close this page" in page_text(app)
    shows_the_latents(app.button(key=OPEN).click().run())


def test_a_browser_that_lags_behind_does_not_take_the_latents_away(
    open_page: OpenPage, scan: Path
) -> None:
    app = open_page("extract", samples=SAMPLES)
    assert app.session_state["scan"].latents is None
    before = app._tree.get_widget_states()
    shows_the_latents(app.button(key=OPEN).click().run())
    # What a browser sends that has not yet heard what came of the click.
    shows_the_latents(app._run(before))


def test_demo_latents_that_come_while_the_page_is_drawn_are_shown(
    open_page: OpenPage, demo: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidebar = pickers.sidebar

    def slow_sidebar() -> None:
        if not (workspace / "runs").exists():
            extract(demo / "demo.h5", workspace)
        sidebar()

    monkeypatch.setattr(pickers, "sidebar", slow_sidebar)
    app = open_page("explore", embedding="pca")
    assert "No latents are in view" not in page_text(app)
    assert app.session_state["scan"].latents == "run:extract-1/demo_latents.h5"
    assert "ROI: 30 points" in page_text(app)
