"""A damaged record in the workspace is shown as damaged; every page works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from latentcore.workflows import VERBS
from pages.access import places
from pages.forms import checkpoints
from pages.jobs import past_runs
from pages.jobs.panel import runner
from pages.results import run_list
from pages.scan.demo import SAMPLES
from pages.tasks.batch.inputs import latents_of_runs
from tests.artifacts import test_damaged_runs as runs
from tests.factories.damage import KINDS, damage
from tests.jobs import test_damaged_jobs as jobs
from tests.pages.conftest import OpenPage
from tests.pages.test_batch import write_series
from tests.pages.use import PAGES, page_text


def good_run() -> dict[str, Any]:
    """Return a record of an extraction from the demo scan: pages look closely at these."""
    samples = {**runs.GOOD["inputs"][0], "location": places.location(SAMPLES)}
    return {**runs.GOOD, "inputs": [samples]}


@pytest.fixture
def damaged(demo: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put damaged records of every kind into the workspace; return the names of their folders."""
    # The demo's own encoder wants larger patterns than this scan has; its failure would be shown.
    monkeypatch.setattr("pages.scan.demo.ENCODER", "pca:2")
    runs_folder, jobs_folder = places.runs_folder(), places.jobs_folder()
    for kind in KINDS:
        damage(runs_folder / f"run-{kind}" / "run.json", kind)
        damage(jobs_folder / f"job{kind}" / "job.json", kind)
    for field, value in runs.WRONG.items():
        damage(runs_folder / f"run-{field}" / "run.json", field, {**good_run(), field: value})
    for number, (field, value) in enumerate(runs.WRONG_WITHIN.values()):
        record = {**good_run(), field: value}
        damage(runs_folder / f"run-within-{number}" / "run.json", field, record)
    for field, value in jobs.WRONG.items():
        name = f"job{field}"
        damage(jobs_folder / name / "job.json", field, {**jobs.GOOD, "id": name, field: value})
    for folder in runs_folder.iterdir():
        (folder / "scan_latents.h5").touch()
        (folder / "model.safetensors").touch()
    (runs_folder / "run-list/away_latents.h5").symlink_to("gone")
    made = [*runs_folder.iterdir(), *jobs_folder.iterdir()]
    return [path.name for path in made]


def assert_works(app: AppTest, page: str) -> None:
    assert "fault of the program" not in page_text(app)
    assert [title.value for title in app.title] == [page.capitalize().replace("_", " ")]
    assert any(box.label == "Latents" for box in app.sidebar.selectbox)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_works(open_page: OpenPage, damaged: list[str], page: str) -> None:
    app = open_page(page)
    assert_works(app, page)
    if page != "runs":
        assert not app.error, [error.value for error in app.error]


def test_runs_shows_them_as_damaged_and_says_what_to_do(
    open_page: OpenPage, damaged: list[str]
) -> None:
    listing = open_page("runs").dataframe[0].value.set_index("Title")["State"]
    assert {name for name in damaged if listing[name] == "⚠ unreadable"} == set(damaged)
    for name, where in (("run-truncated", "runs"), ("jobempty", "jobs"), ("run-verb", "runs")):
        app = open_page("runs", run=name)
        assert f"'{where}/{name}/{where[:-1]}.json' is damaged" in page_text(app)
        assert "delete the folder" in page_text(app)
        assert not app.tabs
        app.button(key=f"delete_{name}").click().run()
        assert name not in list(app.dataframe[0].value["Title"])
    assert not (places.jobs_folder() / "jobempty").exists()
    assert not (places.runs_folder() / "run-truncated").exists()


@pytest.mark.parametrize("page", ["explore", "extract", "data", "search"])
def test_latents_in_a_damaged_run_can_be_in_view(
    open_page: OpenPage, damaged: list[str], page: str
) -> None:
    for name in ("run-foreign", "run-summary", "run-inputs"):
        [file] = write_series(places.runs_folder() / name, 1)
        app = open_page(page, samples="", latents=f"run:{name}/{file.name}")
        assert_works(app, page)
        assert app.sidebar.selectbox(key="pick_latents").value == f"run:{name}/{file.name}"
    app = open_page(page, latents="run:run-foreign/nothing.h5")
    assert_works(app, page)


@pytest.mark.parametrize("page", ["batch", "extract", "train", "search"])
def test_link_to_a_damaged_job_says_so(open_page: OpenPage, damaged: list[str], page: str) -> None:
    app = open_page(page, job="jobtruncated")
    assert_works(app, page)
    if page != "search":  # asks for labels before it shows a job
        assert "jobtruncated/job.json' is damaged" in page_text(app)


def test_finished_job_whose_run_was_damaged_is_shown_so(open_page: OpenPage) -> None:
    open_page("runs")
    asked = VERBS.get("extract").request(location=(places.location(SAMPLES),), checkpoint="pca:2")
    record = runner().wait(runner().submit("extract", asked).id, 60)
    assert record.finished, record.error
    damage(record.folder / "run.json", "truncated")
    app = open_page("runs", run=record.id)
    assert app.dataframe[0].value["State"].tolist() == ["⚠ unreadable"]
    assert "is damaged: it is no JSON, or cut off" in page_text(app)
    app.button(key=f"delete_{record.id}").click().run()
    assert "Nothing has been run yet" in page_text(app)


def test_damaged_demo_is_made_again(open_page: OpenPage, demo: Path) -> None:
    damage(demo / "run.json", "list")
    assert not (made := demo / "demo_truth.csv").read_text().count("grain_id")
    assert_works(open_page("data"), "data")
    assert made.read_text().count("grain_id") == 1


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(runs.values, st.sampled_from(sorted(runs.GOOD)))
def test_any_json_in_place_of_a_run_or_of_a_field_ends_no_list(
    demo: Path, value: Any, field: str
) -> None:
    folder = places.runs_folder() / "any"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").touch()
    for record in (value, {**good_run(), field: value}):
        (folder / "run.json").write_text(json.dumps(record))
        [entry] = run_list.entries()
        assert entry.key == "any"
        assert entry.state in ("finished", "unreadable")
        assert past_runs.trainings_of(SAMPLES) in ([], [folder])
        assert isinstance(past_runs.latents_of(SAMPLES), list)
        assert checkpoints.title("run:any/model.safetensors").encode()
        assert latents_of_runs() == {}
