"""Whatever is damaged in a workspace, every page works or says in two sentences what is wrong."""

from __future__ import annotations

import errno
import io
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import remove_entry, write_atomic
from latentcore.artifacts.run_label import RunLabel, write_label
from latentcore.readers import open_latents
from latentcore.workflows import VERBS
from pages.access import places, uploads
from pages.jobs.panel import runner
from pages.regions.kept import Candidate, keep
from pages.results import run_list
from tests.factories.damage import damage
from tests.pages.conftest import OpenPage

PAGES = ("runs", "data", "explore", "search")
KINDS = ("truncated", "binary", "folder", "loop", "gone", "future", "past")
LETTERS = "a" * 255
# What people, programs and other systems leave in folders.
ODD_NAMES = (
    "a\nb", "a\tb", "\udcff\udcfe", LETTERS, "-rf", " ", "..a", ".a", "a'b\"c", "<b>a", "a*b?",
    "ﷺ", "日本", "\u202egnp", "0" * 12, "lost+found", "desktop.ini", "a:b", "~", "\x7f", "%2e%2e",
)  # fmt: skip


@pytest.fixture
def view(open_page: OpenPage, demo: Path) -> dict[str, str]:
    """Fill the workspace with one of each: what the address of a page says of it."""
    open_page("runs")
    scan = io.BytesIO((demo / "demo.h5").read_bytes())
    scan.name = "scan.h5"  # type: ignore[attr-defined]
    samples = uploads.store_upload(scan)  # type: ignore[arg-type]
    asked = VERBS.get("extract").request(location=(places.location(samples),), checkpoint="pca:2")
    record = runner().wait(runner().submit("extract", asked).id, 60)
    assert record.finished, record.error
    [file] = record.folder.glob("*_latents.h5")
    write_label(record.folder, RunLabel("mine", "note"))
    latents = places.place_of(file)
    found = open_latents(str(file))
    keep(found, [Candidate("pore", found.values[:, 0] > 0, {"kind": "test"})])
    pair = places.together({"demo.h5": "demo:demo.h5", "demo.csv": "demo:demo_truth.csv"})
    return {"samples": samples, "latents": latents, "maps": pair.replace("demo.h5", "demo.csv")}


def change(path: Path, kind: str) -> None:
    """Damage what lies at a path, or set its clock wrong."""
    if kind in ("future", "past"):
        seconds = 1 << 40 if kind == "future" else -(1 << 31)
        os.utime(path, (seconds, seconds))
        return
    remove_entry(path)
    if kind == "truncated" and path.suffix in (".h5", ".safetensors"):
        path.write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    elif kind != "gone":
        damage(path, kind)


def restore(pristine: Path, workspace: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()  # with it end the jobs, which would write to what is removed now
    for entry in workspace.iterdir():
        remove_entry(entry)
    shutil.copytree(pristine, workspace, symlinks=True, dirs_exist_ok=True)


def said(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.error, *app.warning)).replace("\\", "")


def assert_works(app: AppTest, what: str) -> None:
    assert not app.exception, what
    assert "fault of the program" not in said(app), what
    assert app.title or said(app), what


def damaged(app: AppTest) -> list[str]:
    listed = app.dataframe[0].value if app.dataframe else pd.DataFrame({"State": [], "Title": []})
    return list(listed["Title"][listed["State"] == "⚠ unreadable"])


def test_every_entry_of_a_workspace_may_be_damaged(
    open_page: OpenPage, view: dict[str, str], workspace: Path, tmp_path: Path
) -> None:
    pristine = tmp_path / "pristine"
    shutil.copytree(workspace, pristine, symlinks=True)
    names = sorted(path.relative_to(workspace) for path in workspace.rglob("*"))
    assert {name.parts[0] for name in names} >= {"demo", "jobs", "pairs", "regions", "runs"}
    # Each entry in two ways; all entries together in all of them, many times.
    for number, name in enumerate([*names, *names]):
        again, place = divmod(number, len(names))
        kind = KINDS[(3 * place + 2 * again) % len(KINDS)]
        change(workspace / name, kind)
        page = "runs" if name.parts[0] in ("jobs", "runs") else "explore"
        app = open_page(page, **view)
        assert_works(app, f"{name}: {kind}")
        if not app.title:  # the frame itself could not be drawn: what to move away is told
            assert f"where '{name.as_posix()}" in said(app)
        restore(pristine, workspace)


def test_foreign_entries_are_listed_and_can_be_removed(
    open_page: OpenPage, view: dict[str, str], workspace: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    for room in ("runs", "jobs", "uploads", "regions", "pairs", "browsers", "cache", "."):
        (workspace / room).mkdir(exist_ok=True)
        for number, name in enumerate(ODD_NAMES):
            path = workspace / room / name
            [path.mkdir, path.touch, lambda at=path: at.symlink_to(elsewhere)][number % 3]()
    for page in PAGES:
        assert_works(open_page(page, **view), page)
    waiting = damaged(open_page("runs"))
    assert len(waiting) == len([name for name in ODD_NAMES if not name.startswith(".")])
    while waiting:
        title = waiting.pop()
        app = open_page("runs", run=title)
        assert "lies among the runs, but holds no run.json" in said(app)
        app.button(key=f"delete_{title}").click().run()
        assert_works(app, title)
        assert damaged(app) == waiting
    assert (elsewhere / "kept").exists()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (
            OSError(errno.EROFS, "Read-only file system", "WORKSPACE/jobs/a"),
            "may not write 'jobs/a'",
        ),
        (OSError(errno.EACCES, "Permission denied", "WORKSPACE"), "may not write its folder"),
        (FileExistsError(errno.EEXIST, "File exists", "WORKSPACE/runs"), "where 'runs' belongs"),
    ],
)
def test_page_says_what_the_disk_refuses(
    open_page: OpenPage,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    told: str,
) -> None:
    if error.filename:
        error.filename = error.filename.replace("WORKSPACE", str(workspace))

    def refuse() -> None:
        raise error

    monkeypatch.setattr(run_list, "entries", refuse)
    app = open_page("runs")
    assert_works(app, told)
    assert told in said(app)


@pytest.mark.skipif(os.name != "posix", reason="Windows has locks of its own")
@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS])
def test_every_page_says_that_the_disk_knows_no_locks(
    open_page: OpenPage, workspace: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("fcntl.flock", refuse)
    for page in PAGES:
        app = open_page(page)
        assert_works(app, page)
        assert f"The disk of '{workspace}/jobs' knows no locks" in said(app)


def test_other_errors_of_files_stay_incidents(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "/etc/nothing")

    monkeypatch.setattr(run_list, "entries", refuse)
    assert "fault of the program" in said(open_page("runs"))


def test_nothing_is_left_of_a_record_that_the_disk_had_no_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(b"old")

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "a.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"
