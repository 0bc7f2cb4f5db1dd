"""What pages give and keep besides jobs where the disk is really full: downloads, lists, names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.readers import open_latents
from pages.access import places
from pages.access.browsers import COOKIE
from pages.jobs.panel import runner
from pages.regions.kept import Candidate, keep
from tests.pages.conftest import OpenPage
from tests.pages.test_full_disk import PATIENCE, assert_no_fault, disk, said, submit, view
from tests.small_disk import SmallDisk

__all__ = ["disk", "view"]

NAME = "0123456789abcdef" * 2


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the buttons give that were drawn since it was cleared, by file name."""
    found: dict[str, Any] = {}
    draw = st.download_button

    def noted(label: str, data: Any, *details: Any, **how: Any) -> bool:
        if not how.get("disabled"):
            found[str(how["file_name"])] = data
        return draw(label, data, *details, **how)

    monkeypatch.setattr(st, "download_button", noted)
    return found


@pytest.fixture
def cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _self: {COOKIE: NAME}))


def content(data: Any) -> Any:
    """Return what a browser would get; of an archive its files."""
    found = data() if isinstance(data, Callable) else data  # type: ignore[arg-type]
    found = found.encode() if isinstance(found, str) else found
    if isinstance(found, bytes) and found.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(found)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    return found


def downloads_tab(open_page: OpenPage, view: dict[str, str]) -> AppTest:
    """Open Explore's, once there is the UMAP that its files are of."""
    open_page("explore", **view)
    wait_for_all()
    return open_page("explore", **view).selectbox(key="explore.tab").set_value("downloads").run()


def prepare(app: AppTest) -> AppTest:
    return next(one for one in app.button if one.label == "Prepare the files").click().run()


def wait_for_all() -> None:
    for one in runner().list():
        assert runner().wait(one.id, PATIENCE).finished


def test_downloads_are_whole_on_a_full_disk(
    disk: SmallDisk, open_page: OpenPage, view: dict[str, str], given: dict[str, Any]
) -> None:
    latents = places.location(view["latents"])
    drawn = submit("map", latents, dim=(0,))
    assert runner().wait(drawn, PATIENCE).finished
    app = prepare(downloads_tab(open_page, view))
    wait_for_all()
    pages: dict[str, Callable[[], AppTest]] = {
        "explore": app.run,
        "rank": lambda: open_page("rank", **view),
        "runs": lambda: open_page("runs", run=drawn),
    }
    for page, draw in pages.items():
        given.clear()
        draw()
        before = {name: content(data) for name, data in given.items()}
        assert before, page
        disk.fill()
        given.clear()
        assert_no_fault(draw(), page)
        assert {name: content(data) for name, data in given.items()} == before, page
        assert any(before.values())
        disk.make_room()


def test_files_that_can_not_be_prepared_say_so_and_come_when_there_is_room(
    disk: SmallDisk, open_page: OpenPage, view: dict[str, str], given: dict[str, Any]
) -> None:
    app = downloads_tab(open_page, view)
    disk.fill()
    prepare(app)
    assert_no_fault(app, "explore")
    assert "disk is full" in said(app)
    disk.make_room()
    prepare(app)
    wait_for_all()
    assert_no_fault(app.run(), "explore")
    assert any(name.startswith("session-") for name in given)


@pytest.mark.usefixtures("cookie")
def test_what_a_browser_has_seen_is_not_lost_and_kept_when_there_is_room(
    disk: SmallDisk, open_page: OpenPage, data_root: Path, demo: Path
) -> None:
    table = (demo / "demo_bandcontrast.csv").read_bytes()
    for name in ("old", "new"):
        (data_root / f"{name}.csv").write_bytes(table)
    look = {"samples": "demo:demo.h5"}
    open_page(**look, maps=["folder:measured/old.csv"])
    disk.fill()
    assert recent(open_page()) == {"old.csv"}
    app = open_page(**look, maps=["folder:measured/new.csv"])
    assert_no_fault(app, "data")
    assert recent(app) == {"new.csv", "old.csv"}
    app.button(key="first_visit_close_data").click().run()
    assert_no_fault(app, "data")
    assert "first_visit_close_data" not in [one.key for one in app.button]
    disk.make_room()
    app.run()
    later = open_page()
    assert recent(later) == {"new.csv", "old.csv"}
    assert "first_visit_close_data" not in [one.key for one in later.button]


def recent(app: AppTest) -> set[str]:
    keys = [one for one in app.button if (one.key or "").startswith("recent_open_")]
    return {one.label.replace("\\", "").partition(" · ")[0] for one in keys}


def test_a_name_and_regions_that_can_not_be_kept_leave_the_old_ones(
    disk: SmallDisk, open_page: OpenPage, view: dict[str, str]
) -> None:
    [job] = [record.id for record in runner().list()]
    found = open_latents(str(places.resolve(view["latents"])))
    keep(found, [Candidate("pore", found.values[:, 0] > 0, {"kind": "test"})])
    name_it(open_page("runs", run=job), job, "before")
    disk.fill()
    app = name_it(open_page("runs", run=job), job, "after")
    assert_no_fault(app, "runs")
    assert "Delete runs that nobody needs" in "\n".join(one.value for one in app.toast)
    with pytest.raises(OSError, match="No space"):
        keep(found, [Candidate("rim", found.values[:, 1] > 0, {"kind": "test"})])
    disk.make_room()
    assert "before" in list(open_page("runs").dataframe[0].value["Title"])
    kept = keep(found, [Candidate("rim", np.ones(30, np.bool_), {"kind": "test"})])
    assert [region.name for region in kept] == ["rim"]


def name_it(app: AppTest, job: str, name: str) -> AppTest:
    [field] = [one for one in app.text_input if one.label == "Name"]
    field.set_value(name)
    [button] = [one for one in app.button if one.label == "Keep"]
    return button.click().run()
