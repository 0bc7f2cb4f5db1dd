"""The UMAP of the Explore page: nobody waits behind it, and whoever sees it can cancel it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from latentcore.jobs import JobRecord
from pages.jobs.panel import runner
from pages.view import embeddings
from pages.view.question import Question
from pages.view.question_link import to_query
from tests.jobs.child import toy_verbs
from tests.pages.test_explore import explore, scan
from tests.pages.use import page_text, press

__all__ = ["explore", "scan"]

PATIENCE = 120


@pytest.fixture(autouse=True)
def held_umap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no UMAP end before its test."""
    paths = [str(toy_verbs.HERE), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("TOY_HELD", "project")
    monkeypatch.setenv("TOY_GATE", str(tmp_path / "never"))
    yield
    for record in runner().list():
        runner().cancel(record.id)


def only(verb: str) -> JobRecord:
    [record] = [record for record in runner().list() if record.verb == verb]
    return record


def until_running(job: str) -> None:
    end = time.monotonic() + PATIENCE
    while not (runner().get(job).state == "running" and runner().get(job).total):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_files_are_prepared_while_the_umap_is_computed(explore) -> None:
    app = explore(Question())
    umap = only("project").id
    until_running(umap)
    app.selectbox(key="explore.tab").set_value("downloads").run()
    press(app, "Prepare the files")
    assert runner().wait(only("session").id, PATIENCE).state == "finished"
    assert runner().get(umap).state == "running"
    assert "session_report.json" in str([one.label for one in app.run().get("download_button")])


def test_umap_is_cancelled_where_it_is_reported_of_and_started_only_by_its_button(explore) -> None:
    app, other = explore(Question()), explore(Question())
    umap = only("project").id
    until_running(umap)
    assert "UMAP is being computed: held 0 %" in page_text(app.run())
    press(app, "Cancel")
    assert runner().wait(umap, PATIENCE).state == "cancelled"
    assert "The UMAP was cancelled. PCA is shown." in page_text(app.run())
    assert "The UMAP was cancelled in another session. PCA is shown." in page_text(other.run())
    assert "cancelled in another session" in page_text(explore(Question())), (
        "a reload starts it again"
    )
    assert runner().get(umap).attempt == 1
    press(other, "Compute the UMAP of 108 points")
    until_running(umap)
    record = runner().get(umap)
    assert (record.attempt, record.automatic) == (2, False)
    assert "UMAP is being computed" in page_text(app.run())


def test_umap_that_waits_says_for_what(explore) -> None:
    explore(Question())
    until_running(only("project").id)
    app = explore(Question(neighbors=20))
    [before] = [one for one in runner().list() if one.state == "running"]
    text = page_text(app)
    assert f"UMAP waits. 1 job comes before it: {before.title} (held 0 %)." in text
    assert "Waiting for 0" in text
    press(app, "Don't wait")
    [other] = [one for one in runner().list() if one.id != before.id]
    until_running(other.id)
    assert not runner().get(other.id).automatic


def test_umap_of_many_points_is_shown_once_somebody_asked_for_it(
    explore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "UMAP_STARTS_ITSELF", 107)
    app = explore(Question())
    assert not runner().list()
    press(app, "Compute the UMAP of 108 points")
    until_running(only("project").id)
    for session in (app, explore(Question())):
        assert "UMAP is being computed" in page_text(session.run())
    assert [one.label for one in app.button].count("Compute the UMAP of 108 points") == 0


def test_umap_of_many_points_is_laid_out_on_the_roi_first_and_its_link_says_so(
    explore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "UMAP_STARTS_ITSELF", 107)
    app = explore(Question(roi=(0, 6, 0, 6)))
    press(app, "Compute the UMAP of 108 points")
    assert only("project").request["fit_roi"] == [0, 6, 0, 6]
    until_running(only("project").id)
    # Another ROI asks for no other UMAP, and the link for the same one.
    linked = explore(Question(roi=(2, 6, 0, 6), landmarks=(0, 6, 0, 6)))
    assert "UMAP is being computed" in page_text(linked)
    assert len(runner().list()) == 1
    assert "landmarks=%5B0.0%2C6.0" in urlencode(to_query(Question(landmarks=(0.0, 6.0, 0.0, 6.0))))
