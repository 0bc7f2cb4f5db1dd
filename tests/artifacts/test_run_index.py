"""Runs are read once, and seen whoever adds, repeats or deletes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from latentcore.artifacts import RunFolder, run_index
from latentcore.artifacts.run_index import RunIndex


def write(folder: Path, verb: str = "map") -> None:
    with RunFolder(folder, verb=verb, request={}) as run:
        run.write_bytes("scan_latents.h5", b"")
        run.commit({"n": 1})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    original = run_index.read_run

    def counting(folder: Path) -> dict | None:
        names.append(folder.name)
        return original(folder)

    monkeypatch.setattr(run_index, "read_run", counting)
    return names


def test_only_what_is_new_is_read(tmp_path: Path, read: list[str]) -> None:
    index = RunIndex(tmp_path)
    assert index.runs() == ()
    for name in ("a", "b"):
        write(tmp_path / name)
    assert [run.folder.name for run in index.runs()] == ["b", "a"]
    assert index.runs()[0].files(".h5") == ["scan_latents.h5"]
    assert sorted(read) == ["a", "b"]
    write(tmp_path / "a", "extract")
    newest = index.runs()[0]
    assert (newest.folder.name, newest.record["verb"]) == ("a", "extract")
    assert index.run("a") == newest
    assert sorted(read) == ["a", "a", "b"]
    shutil.rmtree(tmp_path / "a")
    assert [run.folder.name for run in index.runs()] == ["b"]
    assert index.run("a") is None


def test_another_process_adds_a_run(tmp_path: Path) -> None:
    index = RunIndex(tmp_path / "runs")
    assert index.runs() == ()
    command = ["-m", "latentcore", "demo", "--size", "16", "--out", str(tmp_path / "runs" / "new")]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    assert [run.record["verb"] for run in index.runs()] == ["demo"]


def test_unfinished_runs_are_none_and_damaged_ones_say_why(tmp_path: Path) -> None:
    write(tmp_path / ".hidden")
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    (run,) = RunIndex(tmp_path).runs()
    assert run.folder.name == "damaged"
    assert "is damaged" in run.damage
    assert not run.record
    assert run.files("") == []


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / str(number))
        os.utime(tmp_path / str(number) / "run.json", (number, number))
    assert [run.folder.name for run in RunIndex(tmp_path, most=2).runs()] == ["4", "3"]
