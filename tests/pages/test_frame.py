from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import importlib
import json
import logging
import re
import sys
import threading
import tomllib
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import InputError, UnknownFormatError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors, start
from pages.frame.addresses import page_html
from pages.frame.content_policy import ContentPolicy
from pages.operation.addresses import OperatorAddresses
from pages.scan import demo as demo_scan
from pages.scan import state
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.pages.conftest import APP, OpenPage
from tests.pages.use import PAGES

DEMO_QUERY = {"samples": "demo:demo.h5", "maps": ["demo:demo_bandcontrast.csv"]}


def texts(elements: object) -> str:
    """Return what alerts say, Markdown's escapes taken away."""
    return re.sub(r"\\(.)", r"\1", "\n".join(element.value for element in elements))


def named(app: Any, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def query(app: AppTest, key: str) -> list[str]:
    value = app.query_params[key]
    return [value] if isinstance(value, str) else list(value)


def test_streamlit_finds_the_asgi_app() -> None:
    found = discover_asgi_app(APP)
    assert (found.is_asgi_app, found.import_string) == (True, "app:app")


def test_the_asgi_app_serves_the_panels_and_knows_no_pages_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from streamlit.runtime.pages_manager import PagesManager

    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.setattr(st, "App", lambda *args, **options: (args, options))
    (script,), options = importlib.import_module("app").app
    monkeypatch.delitem(sys.modules, "app")
    assert Path(script) == APP
    assert any("/latent/arrays" in route.path for route in options["routes"])
    assert options["middleware"][0].cls is OperatorAddresses
    assert options["on_script_error"] is errors.on_script_error
    assert PagesManager.uses_pages_directory is False


def test_nothing_is_computed_while_pytorch_is_being_imported(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SciPy looks into a PyTorch that another thread has imported by half, and fails.
    half, whole, began = threading.Event(), threading.Event(), []

    def load() -> None:
        half.set()
        assert whole.wait(60)
        began.append("loaded")

    monkeypatch.setattr(start, "load_ahead", load)
    start.in_background(lambda: began.append("work"))
    assert half.wait(60)
    monkeypatch.setattr(state, "current", lambda: began.append("page") or whole.wait(60))
    session = threading.Thread(target=AppTest.from_file(str(APP)).run, kwargs={"timeout": 60})
    monkeypatch.setattr(start.st, "spinner", lambda _text: _released(whole))
    session.start()
    session.join(60)
    assert began[0] == "loaded"
    assert "page" in began


def test_loops_are_compiled_when_the_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = threading.Event()
    monkeypatch.setattr(start, "load_ahead", lambda: None)
    monkeypatch.setattr(start, "_FIRST_VISIT_S", 0)
    monkeypatch.setattr(start.denoising, "load_ahead", compiled.set)
    start.in_background()
    assert compiled.wait(60)


@contextmanager
def _released(event: threading.Event) -> Iterator[None]:
    """Let somebody go on who waits, at the moment when it is shown that one waits for him."""
    event.set()
    yield


def test_garbage_is_collected_by_a_thread_and_not_after_each_run_of_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False

    class Cycle:
        pass

    for thread in threading.enumerate():
        if thread.name == "start":  # of a test before: at its end nothing is garbage any more
            thread.join(60)
    monkeypatch.setattr(start, "_COLLECT_EVERY_S", 0.01)
    gc.disable()
    try:
        ring = Cycle()
        ring.own = ring  # type: ignore[attr-defined]
        gone = weakref.ref(ring)
        del ring
        monkeypatch.setattr(start.time, "sleep", _twice(start.time.sleep))
        with pytest.raises(InterruptedError):
            start.collect_garbage()
        assert gone() is None
    finally:
        gc.enable()


def _twice(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Return a sleep from which one awakes, once, and then never."""
    left = iter([sleep])

    def sleep_once(seconds: float) -> None:
        if (one := next(left, None)) is None:
            raise InterruptedError
        one(seconds)

    return sleep_once


def test_the_configuration_keeps_to_itself() -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    server = config["server"]
    assert server["address"] == "127.0.0.1"
    assert server["enableXsrfProtection"]
    assert server["enableCORS"]
    assert not server["enableStaticServing"]
    assert {"light", "dark"} <= set(config["theme"])


def answered(app: Any) -> Headers:
    """Ask an ASGI app for something; return the headers of its answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send))
    return Headers(raw=sent[0]["headers"])


def test_every_answer_has_a_policy_that_allows_the_scripts_of_our_html() -> None:
    html = page_html("p { margin: 0 }")
    headers = answered(ContentPolicy(PlainTextResponse("", media_type="image/svg+xml"), html))
    assert headers["content-type"] == "image/svg+xml"
    assert headers["x-content-type-options"] == "nosniff"
    parts = headers["content-security-policy"].split("; ")
    allowed = dict(part.split(" ", 1) for part in parts)
    assert allowed["default-src"] == "'self'"
    assert not [part for part in allowed.values() if "*" in part or "http" in part]
    assert "'unsafe-inline'" not in allowed["script-src"]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 3
    for script in scripts:
        digest = hashlib.sha256(script.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in allowed["script-src"]


@pytest.mark.parametrize("page", ["data", "runs"])
def test_every_page_has_the_sidebar(open_page: OpenPage, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.sidebar.selectbox(key="pick_samples").value == "demo:demo.h5"
    assert app.sidebar.multiselect(key="pick_maps").value == list(demo_scan.MAPS)


def test_the_demo_scan_needs_nothing_in_the_url(open_page: OpenPage) -> None:
    app = open_page()
    assert dict(app.query_params) == {}


def test_the_url_alone_opens_the_scan(open_page: OpenPage) -> None:
    app = open_page(**DEMO_QUERY, keep="12.5:bandcontrast", sel="of another page")
    scan = app.session_state["scan"]
    assert scan == state.ScanState(
        "demo:demo.h5", ("demo:demo_bandcontrast.csv",), None, ("bandcontrast", 12.5)
    )
    assert query(app, "keep") == ["12.5:bandcontrast"]
    assert query(app, "sel") == ["of another page"]


def test_the_url_survives_what_streamlit_clears(open_page: OpenPage) -> None:
    app = open_page(**DEMO_QUERY)
    app.query_params.clear()  # as at a switch of the page
    app.switch_page("pages/tasks/runs/runs.py").run()
    assert query(app, "samples") == ["demo:demo.h5"]
    assert query(app, "maps") == ["demo:demo_bandcontrast.csv"]


def test_a_choice_in_the_sidebar_reaches_the_url(open_page: OpenPage) -> None:
    app = open_page()
    app.sidebar.multiselect(key="pick_maps").set_value(["demo:demo_elements.csv"]).run()
    assert query(app, "maps") == ["demo:demo_elements.csv"]
    next(button for button in app.sidebar.button if button.label == "Demo scan").click().run()
    assert dict(app.query_params) == {}
    assert app.session_state["scan"].maps == demo_scan.MAPS


def test_vanished_and_forbidden_parts_are_let_go_with_a_warning(open_page: OpenPage) -> None:
    app = open_page(
        samples="demo:demo.h5", maps=["demo:gone.csv", "folder:measured/../../etc/passwd"]
    )
    warned = texts(app.warning)
    assert "gone" in warned
    assert "no place that this server may read" in warned
    assert app.session_state["scan"].samples == "demo:demo.h5"
    assert app.session_state["scan"].maps == ()
    assert texts(app.run().warning) == warned, "it stands until it is dismissed"
    named(app, "Dismiss").click().run()
    assert not app.warning
    assert app.session_state["scan"].samples == "demo:demo.h5"
    assert "maps" not in app.query_params


@pytest.mark.parametrize("page", PAGES)
def test_a_stale_link_is_not_answered_by_another_scan(open_page: OpenPage, page: str) -> None:
    app = open_page(page, latents="run:extract-0/gone_latents.h5", roi="[1,2,3,4]")
    for _ in range(3):
        assert "There is nothing at 'run:extract-0/gone_latents.h5' any more" in texts(app.warning)
        assert not app.exception
        assert not app.error
        assert app.session_state["scan"].is_empty
        assert query(app, "latents") == ["run:extract-0/gone_latents.h5"], "a reload says it again"
        app.run()
    app = open_page("explore", **{name: query(app, name) for name in app.query_params})
    assert "There is nothing at 'run:extract-0/gone_latents.h5' any more" in texts(app.warning)
    named(app, "Dismiss").click().run()
    assert not app.warning
    assert "latents" not in app.query_params
    named(app.sidebar, "Demo scan").click().run()
    assert app.session_state["scan"].is_demo


def test_a_stale_link_to_latents_of_the_demo_is_not_answered_by_others(
    open_page: OpenPage, demo: Path
) -> None:
    gone, there = "run:extract-9/demo_latents.h5", "run:extract-1/demo_latents.h5"
    folder = places.runs_folder() / "extract-1"
    folder.mkdir(parents=True)
    coords = full_grid(6, 5, x0=10)
    values = np.random.default_rng(0).normal(0, [3, 2, 1], (30, 3)).astype(np.float32)
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])
    dims = np.arange(3, dtype=np.int32)
    write_latents(folder / "demo_latents.h5", LatentSet(values, default_sample_ids(30), dims, grid))
    files = {"demo_latents.h5": {}, "model.json": {}}
    inputs = [{"location": str(demo / "demo.h5")}]
    run = {"verb": "extract", "inputs": inputs, "files": files}
    (folder / "run.json").write_text(json.dumps(run))
    app = open_page("explore", samples="demo:demo.h5", latents=gone, dim="2", embedding="pca")
    assert f"There is nothing at {gone!r} any more" in texts(app.warning)
    assert app.session_state["scan"].latents is None
    app.sidebar.selectbox(key="pick_latents").set_value(there).run()
    assert app.session_state["scan"].latents == there
    assert f"There is nothing at {gone!r} any more" in texts(app.warning)
    assert query(app, "latents") == [there]
    assert app.session_state["explore"].dim == 0, "dimension 2 was asked of the others"


def test_another_scan_lifts_the_threshold(open_page: OpenPage, data_root: Path) -> None:
    write_kikuchi(data_root / "other.h5")
    app = open_page(**DEMO_QUERY, keep="3:bandcontrast")
    app.session_state["known_places"] = ("folder:measured/other.h5",)
    app.run()
    app.sidebar.selectbox(key="pick_samples").set_value("folder:measured/other.h5").run()
    assert app.session_state["scan"].samples == "folder:measured/other.h5"
    assert app.session_state["scan"].keep is None


def test_a_fault_is_an_incident_and_its_traceback_only_in_the_log(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret path")

    monkeypatch.setattr("pages.tasks.data.scan_cards.cards", broken)
    with caplog.at_level(logging.ERROR, "latent_explorer"):
        app = open_page()
    shown = texts(app.error)
    assert "incident" in shown
    assert "secret" not in shown
    assert not app.exception
    number = caplog.records[-1].getMessage().split()[-1]
    assert number in shown
    assert "a secret path" in caplog.text


def test_an_input_error_is_shown_as_it_is_written(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise UnknownFormatError("No reader knows 'a_b*c.h5'.\nIts keys are <x>.")

    monkeypatch.setattr("pages.tasks.data.scan_cards.cards", broken)
    shown = open_page().error[0].value
    assert r"**No reader knows 'a_b\*c.h5'.**" in shown
    assert r"\<x\>" in shown


def test_two_sessions_at_once_make_the_demo_scan_once(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def execute(verb: str, request: object, out: Path) -> None:
        assert verb == "demo"
        made.append(out)
        out.mkdir(parents=True)
        (out / "run.json").write_text('{"verb": "demo"}')

    class Demo:
        @staticmethod
        def request(*, seed: int) -> int:
            return seed

    monkeypatch.setattr(demo_scan, "execute", execute)
    monkeypatch.setattr(VERBS, "get", lambda name: Demo)
    threads = [threading.Thread(target=demo_scan.ensure_demo) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [places.demo_folder()]


def test_the_demo_latents_are_asked_for_until_they_are_there(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    job = JobRecord(id="job", verb="extract", request={}, out="", title="")

    class Runner:
        @staticmethod
        def submit(verb: str, request: Any, *, title: str) -> JobRecord:
            asked.append((verb, *request.location, request.checkpoint, *request.prepare))
            return job

        @staticmethod
        def get(name: str) -> JobRecord:
            assert name == job.id
            return replace(job, state="cancelled")

        @staticmethod
        def rerun(name: str) -> JobRecord:
            return replace(job, attempt=2)

    monkeypatch.setattr(demo_scan, "runner", Runner)
    monkeypatch.setattr(st, "session_state", {})
    assert demo_scan.ensure_demo_latents() == job
    again = demo_scan.ensure_demo_latents()
    assert again is not None
    assert again.state == "cancelled"  # and is not started again behind somebody's back
    assert asked == [("extract", str(demo / "demo.h5"), "demo:vae")]
    finished = staticmethod(lambda name: replace(job, state="finished"))
    monkeypatch.setattr(Runner, "get", finished)
    deleted = demo_scan.ensure_demo_latents()
    assert deleted is not None
    assert deleted.attempt == 2
    for name, location in (("extract-0", "elsewhere.h5"), ("extract-1", str(demo / "demo.h5"))):
        run = places.runs_folder() / name
        run.mkdir(parents=True)
        inputs = [{"location": location}]
        files = {"demo_latents.h5": {}, "model.json": {}}
        (run / "demo_latents.h5").touch()
        (run / "run.json").write_text(
            json.dumps({"verb": "extract", "inputs": inputs, "files": files})
        )
    assert demo_scan.ensure_demo_latents() is None
    assert demo_scan.demo_latents() == "run:extract-1/demo_latents.h5"


def test_a_demo_scan_that_cant_be_made_is_reported(
    workspace: Path, open_page: OpenPage, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (demo / "run.json").unlink()

    def execute(*_: object) -> None:
        raise InputError("The folder 'demo' can't be written: Read-only file system.")

    monkeypatch.setattr(demo_scan, "execute", execute)
    assert "Read-only file system" in texts(open_page().error)


def test_a_visitor_lands_in_the_explorer(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}
    navigation = st.navigation

    def record(pages: list[st.Page], **options: object) -> st.Page:
        seen.update({page.title: page.url_path for page in pages})
        return navigation(pages, **options)

    monkeypatch.setattr(st, "navigation", record)
    open_page()
    assert seen == {
        "Data": "data",
        "Pattern maps": "pattern_maps",
        "Train": "train",
        "Extract": "extract",
        "Explore": "",
        "Domains": "domains",
        "Rank": "rank",
        "Compare": "compare",
        "Search": "search",
        "Batch": "batch",
        "Runs": "runs",
        "Server": "operator",
    }


def test_a_page_names_options_as_forms_do() -> None:
    said = "Ask for them by --max-iter, not by --dry or a--b --."
    assert errors.page_words(said) == "Ask for them by “Max iter”, not by “Dry” or a--b --."
