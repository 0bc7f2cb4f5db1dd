"""A browser that hears late of what the server does, while a job is shown on the page it leaves."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from latentcore.jobs import JobRunner
from latentcore.workflows import VERBS, execute
from latentcore.workflows.extract.verb import ExtractRequest
from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import IDLE, write_scan
from tests.factories.kikuchi import write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

PATIENCE = 240_000
LATENTS = "run:extract-1/scan_latents.h5"
# While window.held is a promise, nothing from the server arrives; window.sent counts what goes out.
LAG = """
    window.sent = 0;
    window.held = null;
    const {addEventListener, send} = WebSocket.prototype;
    WebSocket.prototype.send = function (...data) {
        window.sent += 1;
        return send.apply(this, data);
    };
    WebSocket.prototype.addEventListener = function (type, listener, ...rest) {
        let last = Promise.resolve();
        const late = event => {
            last = last.then(async () => { await window.held; listener(event); });
        };
        return addEventListener.call(this, type, type === "message" ? late : listener, ...rest);
    };
    window.hold = () => { window.held = new Promise(done => { window.release = done; }); };
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A job on the server's record that runs as long as the test."""
    over = threading.Event()
    verb = VERBS.get("extract")

    def held(*arguments: Any, **services: Any) -> Any:
        over.wait()
        return verb.run(*arguments, **services)

    request = ExtractRequest((str(scan(tmp_path)),), checkpoint="pca:3", device="cpu")
    execute("extract", request, tmp_path / "workspace" / "runs" / "extract-1")
    monkeypatch.setitem(VERBS._parts, "extract", dataclasses.replace(verb, run=held))
    with JobRunner(tmp_path / "workspace" / "jobs") as runner:
        yield runner.submit("extract", request, title="One that takes long").id
        over.set()


def scan(tmp_path: Path) -> Path:
    folder = tmp_path / "measured"
    folder.mkdir()
    return write_kikuchi(folder / "scan.h5")


def test_three_maps_stay_chosen_while_a_job_is_shown(page, tmp_path: Path, job: str) -> None:
    latents, maps = write_scan(tmp_path / "measured", "grains", 12, 9, 1)
    table = pd.read_csv(maps)
    table.assign(Fe=table["x"] % 5, Ni=table["y"] % 4, O=table["x"] % 3).to_csv(maps, index=False)
    page.add_init_script(LAG)
    env = {
        "LATENT_WORKSPACE": str(tmp_path / "workspace"),
        "LATENT_DATA_ROOTS": str(tmp_path / "measured"),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        page.goto(
            f"{url}/rank?samples=&latents=folder:measured/{latents.name}"
            f"&maps=folder:measured/{maps.name}"
        )
        page.get_by_text("have a latent and bandcontrast").wait_for(timeout=PATIENCE)
        page.get_by_text("One that takes long").wait_for(timeout=PATIENCE)
        page.evaluate("window.hold(); window.sent = 0")
        page.get_by_role("radio", name="RGB").click()
        # The click, and once a second what shows how the job stands, with the one map's widget.
        page.wait_for_function("window.sent >= 4", timeout=PATIENCE)
        page.evaluate("window.release(); window.held = null")
        page.get_by_text("have a latent and luminance of Fe, Ni, O").wait_for(timeout=PATIENCE)
        page.get_by_role("radio", name="Spearman").click()  # draws all anew
        page.wait_for_function("location.search.includes('spearman')", timeout=PATIENCE)
        page.wait_for_function(IDLE, timeout=PATIENCE)
        assert page.get_by_text("have a latent and luminance of Fe, Ni, O").is_visible()
        assert page.get_by_role("radio", name="RGB").is_checked()


def test_latents_open_in_explore_while_a_job_is_shown(page, tmp_path: Path, job: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(LAG)
    env = {
        "LATENT_WORKSPACE": str(tmp_path / "workspace"),
        "LATENT_DATA_ROOTS": str(tmp_path / "measured"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "child"), str(REPOSITORY)]),
        "PCA_GATE": str(tmp_path / "gate"),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        page.goto(f"{url}/extract?samples=folder:measured/scan.h5&job={job}")
        page.get_by_text("You may close this page").wait_for(timeout=PATIENCE)
        button = page.get_by_role("button", name="Open in Explore")
        button.wait_for(timeout=PATIENCE)
        page.evaluate("window.hold(); window.sent = 0")
        button.click()
        # The click, and what the page asks for once a second to show how the job stands: it comes
        # while the server is in the midst of the next page.
        page.wait_for_function("window.sent >= 4", timeout=PATIENCE)
        (tmp_path / "gate").touch()
        page.evaluate("window.release(); window.held = null")
        page.get_by_text("ROI: 30 points").wait_for(timeout=PATIENCE)
        page.get_by_role("combobox", name="Show in the side panel").click()
        page.get_by_role("option", name="Download").click()
        page.get_by_text("Re-open a session report").wait_for(timeout=PATIENCE)
        page.get_by_role("heading", name="Explore", exact=True).wait_for(timeout=PATIENCE)
        assert parse_qs(urlsplit(page.url).query)["latents"] == [LATENTS]
    assert not errors
