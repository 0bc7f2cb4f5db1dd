"""Text of files is text on every page, whatever stands in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import to_json
from latentcore.readers import open_latents
from latentcore.workflows import VERBS
from latentcore.workflows.batch.verb import BatchRequest
from pages.access import places
from pages.charts.frame import chart_text
from pages.frame.errors import markdown_safe
from pages.jobs.panel import runner
from pages.regions.kept import Candidate, keep
from tests.pages.conftest import OpenPage
from tests.pages.hostile_text import (
    FILE,
    NAME,
    PARTS,
    as_shown,
    taken_for_more,
    write_samples,
    write_scan,
)
from tests.pages.use import PAGES

PATIENCE = 120
TABS = ("selection", "against", "clusters", "regions", "label", "patterns", "worth", "downloads")


@pytest.fixture
def scan(data_root: Path) -> dict[str, str]:
    """Patterns, latents and maps with hostile names, as parts of a URL, and a threshold."""
    names = write_scan(data_root)
    found = {kind: f"folder:measured/{name}" for kind, name in names.items()}
    return {**found, "keep": f"-9.0:{NAME}", "embedding": "pca"}


@pytest.fixture
def samples(data_root: Path) -> dict[str, str]:
    """The same of samples without a grid, kept by two columns."""
    names = write_samples(data_root)
    found = {kind: f"folder:measured/{name}" for kind, name in names.items()}
    kept = json.dumps({NAME: [[-9, 9]], "DT": [[0, 9]]})
    return {"samples": "", **found, "embedding": "pca", "filters": kept, "pinned": "3"}


def assert_text(app: AppTest, *, errors: int = 0) -> None:
    assert not app.exception
    assert len(app.error) == errors, [one.value for one in app.error]
    assert taken_for_more(app) == []


def test_the_check_sees_what_is_not_escaped(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import streamlit as st, plotly.graph_objects as go\n"
        f"name = {NAME!r}\n"
        "st.caption(name); st.button(name); st.pills('a', [name]); st.tabs([name])\n"
        "st.metric('a', name, help=name); st.text_input('a', help=name); st.expander(name)\n"
        "st.plotly_chart(go.Figure(layout_title_text=name), key='a')\n"
        "st.selectbox('a', [name]); st.code(name)\n"
    )
    app = AppTest.from_file(str(script)).run()
    assert len(taken_for_more(app)) == 9


@pytest.mark.parametrize("page", PAGES)
def test_names_of_a_scan_are_text_on_every_page(
    open_page: OpenPage, scan: dict[str, str], page: str
) -> None:
    app = open_page(page, **scan)
    assert_text(app)
    assert app.sidebar.selectbox(key="pick_latents").value == scan["latents"]
    shown = [as_shown(one.value) for one in app.sidebar.caption]
    assert f"Only points with {NAME} > -9" in shown


def keep_regions(place: str) -> None:
    """Keep a region for each hostile part of a name, with a note of all."""
    latents = open_latents(places.resolve(place))
    made = [
        Candidate(part, np.arange(len(latents)) % len(PARTS) == number, {}, note=NAME)
        for number, part in enumerate(PARTS)
    ]
    keep(latents, made)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("color", [NAME, f"{NAME} class", "@latent"])
def test_explore_takes_names_for_text_in_every_tab(
    open_page: OpenPage, scan: dict[str, str], tab: str, color: str
) -> None:
    if tab in ("regions", "label"):
        keep_regions(scan["latents"])
    app = open_page("explore", **scan, color=color, reference=NAME, pinned="7")
    app.selectbox(key="explore.tab").set_value(tab).run()
    assert_text(app)


@pytest.mark.parametrize("tab", ["selection", "clusters", "worth", "downloads"])
def test_explore_takes_names_of_samples_for_text(
    open_page: OpenPage, samples: dict[str, str], tab: str
) -> None:
    app = open_page("explore", **samples, reference=NAME, color=f"{NAME} class")
    app.selectbox(key="explore.tab").set_value(tab).run()
    assert_text(app)
    assert any(NAME in as_shown(one.value) for one in app.caption)  # what is kept


@pytest.mark.parametrize("page", PAGES)
def test_names_of_samples_are_text_on_every_page(
    open_page: OpenPage, samples: dict[str, str], page: str
) -> None:
    assert_text(open_page(page, **samples, like="3"))


@pytest.mark.parametrize("task", ["ranking", "agreement", "labels"])
def test_rank_takes_names_for_text_in_every_task(
    open_page: OpenPage, scan: dict[str, str], task: str
) -> None:
    app = open_page("rank", **scan)
    app.segmented_control(key="rank.task").set_value(task).run()
    assert_text(app)
    if task == "ranking":
        for kind in ("sum", "rgb"):
            app.segmented_control(key="rank.synthesis").set_value(kind).run()
            assert_text(app)


def test_probe_and_its_classes_are_text(open_page: OpenPage, scan: dict[str, str]) -> None:
    app = open_page("search", **scan)
    app.segmented_control(key="search.task").set_value("probe").run()
    app.selectbox(key="probe.labels").set_value(f"{NAME} class").run()
    assert_text(app)
    [button] = [one for one in app.button if one.label == "Probe"]
    button.click().run()
    value = app.query_params["job"]
    record = runner().wait(value if isinstance(value, str) else value[0], PATIENCE)
    app.run()
    assert_text(app, errors=record.state == "failed")


def test_jobs_and_runs_about_such_files_are_text(
    open_page: OpenPage, scan: dict[str, str], data_root: Path
) -> None:
    (data_root / f"{FILE} bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    inputs = (str(places.resolve(scan["latents"])), str(data_root / f"{FILE} bad.h5"))
    batch = BatchRequest("map", inputs, to_json({"dim": [0]}))
    done = runner().wait(runner().submit("batch", batch, title=f"map of {NAME}").id, PATIENCE)
    gone = VERBS.get("map").request(latents=str(data_root / f"{FILE} gone"), dim=(0,))
    lost = runner().wait(runner().submit("map", gone, title=NAME).id, PATIENCE)
    for job in (done, lost):
        app = open_page("runs", run=job.id)
        assert_text(app, errors=job is lost)
        app = open_page("batch", job=job.id)
        assert_text(app, errors=job is lost)


def test_server_folders_and_damaged_files_are_text(open_page: OpenPage, data_root: Path) -> None:
    (data_root / f"{FILE} folder").mkdir()
    bad = data_root / f"{FILE} folder" / f"{FILE} bad.h5"
    bad.write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    app = open_page("data")
    app.session_state["data_open"] = ":material/dns: Server folder"
    assert_text(app.run())
    app.button(key=f"folder_folder:measured/{FILE} folder").click().run()
    assert_text(app)
    app = open_page("data", samples=f"folder:measured/{FILE} folder/{FILE} bad.h5")
    assert_text(app, errors=1)
    assert f"{FILE} bad.h5" in as_shown(app.error[0].value)
    app = open_page("explore", samples="", latents=f"run:{NAME}", color=NAME, sel=NAME)
    assert taken_for_more(app) == []


@given(st.lists(st.sampled_from([*PARTS, "a", " ", "\n", "1. b", "\t", "===", "--", "<->", "<-"])))
def test_escaped_text_shows_the_letters_that_were_given(parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(as_shown(markdown_safe(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "name", ["scan_01.h5 · data", "grain_id", "C K (at%)", "s3 a/b.h5", "-9 µm"]
)
def test_usual_names_stay_legible_in_labels(name: str) -> None:
    assert as_shown(markdown_safe(name)) == name
    assert ":color" not in markdown_safe(name)
    assert "_" not in name or markdown_safe(name) == name


def test_charts_show_tags_and_templates_as_they_are() -> None:
    assert chart_text("<a href='x'>%{x} & &lt;") == "&lt;a href='x'&gt;%&#123;x} &amp; &amp;lt;"
    assert chart_text("Fe (at %)") == "Fe (at %)"
