"""Every page and way of the app where the workspace has no room left, or can't be written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from latentcore.errors import InputError
from latentcore.workflows import VERBS
from pages.access import places, uploads
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from tests.pages.conftest import OpenPage
from tests.pages.use import PAGES
from tests.small_disk import SmallDisk, small_disk

PATIENCE = 120
_INPUT = {"cluster": "latents", "map": "latents"}
FULL = "The server's disk is full. Delete runs that nobody needs, then resume."


@pytest.fixture
def disk(workspace: Path) -> Iterator[SmallDisk]:
    """Mount the workspace; before `demo` fills it."""
    with small_disk(workspace, 16) as mounted:
        yield mounted
        server_runner().close()


@pytest.fixture
def view(disk: SmallDisk, open_page: OpenPage) -> dict[str, str]:
    """Upload and extract something while there is room: what the address of a page says of it."""
    del disk
    open_page("runs")
    scan = io.BytesIO((places.demo_folder() / "demo.h5").read_bytes())
    scan.name = "scan.h5"  # type: ignore[attr-defined]
    samples = uploads.store_upload(scan)  # type: ignore[arg-type]
    record = runner().wait(submit("extract", (places.location(samples),), checkpoint="pca:2"), 60)
    assert record.finished, record.error
    [file] = record.folder.glob("*_latents.h5")
    return {"samples": samples, "latents": places.place_of(file), "maps": "demo:demo_elements.csv"}


def submit(name: str, given: Any, **options: Any) -> str:
    asked = VERBS.get(name).request
    return runner().submit(name, asked(**{_INPUT.get(name, "location"): given}, **options)).id


def said(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*app.error, *app.warning, *app.caption))


def assert_no_fault(app: AppTest, page: str) -> None:
    assert not app.exception, page
    assert "fault of the program" not in said(app), (page, said(app))


def test_pages_open_and_jobs_say_what_to_do_and_all_goes_on_with_room(
    disk: SmallDisk, open_page: OpenPage, view: dict[str, str]
) -> None:
    scan, latents = places.location(view["samples"]), places.location(view["latents"])
    disk.fill()
    for page in PAGES:
        assert_no_fault(open_page(page, **view), page)
    assert "Nothing is selected yet" in said(open_page("explore", **view)), "Explore has ended"
    assert open_page("rank", **view).dataframe, "Rank has ended"
    with pytest.raises(InputError, match="disk is full: remove old uploads"):
        uploads.store_upload(named("new.h5", b"0" * 100_000))
    with pytest.raises(OSError, match="No space"):
        submit("extract", (scan,), checkpoint="pca:3")
    disk.make_room()
    jobs = {
        "extract": ((scan,), {"checkpoint": "pca:4"}),
        "cluster": (latents, {"method": "kmeans", "dims": ("0",)}),
        "map": (latents, {"dim": (0,)}),
        "batch": ((latents,), {"verb": "map", "options": '{"dim": [0]}'}),
        "train": (scan, {"latent_dim": 2, "epochs": 1}),
    }
    ended = {}
    for verb, (location, options) in jobs.items():
        job = submit(verb, location, **options)
        disk.fill()
        ended[job] = runner().wait(job, PATIENCE)
        disk.make_room()
    for job, record in ended.items():
        assert record.state in ("failed", "finished")
        if record.state == "failed":
            assert record.error == FULL, (record.verb, runner().log_text(job))
        again = runner().wait(runner().rerun(job).id, PATIENCE)
        assert again.finished, (record.verb, record.state, runner().log_text(job))
    for page in PAGES:
        assert_no_fault(open_page(page, **view), page)


def test_each_page_says_that_the_workspace_can_only_be_read(
    disk: SmallDisk, open_page: OpenPage, view: dict[str, str]
) -> None:
    with disk.read_only():
        for page in PAGES:
            app = open_page(page, **view)
            assert_no_fault(app, page)
    assert_no_fault(open_page("runs", **view), "runs")


def named(name: str, content: bytes) -> Any:
    file = io.BytesIO(content)
    file.name = name  # type: ignore[attr-defined]
    return file
