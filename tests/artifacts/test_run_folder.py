"""A run's folder appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from latentcore.artifacts import RunFolder, from_json, read_run, run_id, to_json, write_atomic
from latentcore.artifacts.run_folder import unfinished
from latentcore.errors import Cancelled, InputError
from latentcore.locks import try_lock


def test_commit_moves_files_and_writes_run_json_with_their_digests(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with RunFolder(out, verb="map", request={"dim": 3, "seed": 7}) as folder:
        folder.write_csv("a.csv", pd.DataFrame({"x": [1.5, np.nan]}))
        folder.write_json("sub/b.json", {"value": np.float32(0.1)})
        folder.add_input("scan.h5", "kikuchi-hdf5", "blake2b:00", "samples")
        assert not out.exists()
        folder.commit({"n": 2})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    record = read_run(out)
    assert record is not None
    assert record["seed"] == 7
    assert record["inputs"][0]["role"] == "samples"
    content = (out / "a.csv").read_bytes()
    assert content == b'x\n1.5\n""\n' or content == b"x\n1.5\n\n"
    assert record["files"]["a.csv"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert record["files"]["sub/b.json"]["bytes"] == (out / "sub/b.json").stat().st_size


@pytest.mark.parametrize("error", [InputError("bad"), RuntimeError("bug"), Cancelled("stop")])
def test_failed_run_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    with (
        pytest.raises(type(error)),
        RunFolder(tmp_path / "run", verb="map", request={}) as folder,
    ):
        folder.write_json("a.json", 1)
        raise error
    assert list(tmp_path.iterdir()) == []


def test_scratch_survives_a_cancelled_run_but_not_bad_input(tmp_path: Path) -> None:
    with (
        pytest.raises(Cancelled),
        RunFolder(tmp_path / "run", verb="extract", request={}) as folder,
    ):
        (folder.scratch() / "part").write_text("half")
        raise Cancelled
    with RunFolder(tmp_path / "run", verb="extract", request={}) as folder:
        assert (folder.scratch() / "part").read_text() == "half"
        folder.commit({})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json"]


def test_dollars_in_names_make_no_formula_of_a_figure(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", verb="map", request={}) as folder:
        figure = Figure()
        axes = figure.subplots()
        axes.set_title(r"$\nonsense{$ of $x^2$")
        axes.set_xticks([0, 1], [r"$\phase_{$ $", "b"])
        axes.plot([1e-9, 2e-9])  # with an exponent, which is a formula of matplotlib's own
        folder.write_figure("a.png", figure)
        folder.commit({})
    assert (tmp_path / "run/a.png").stat().st_size > 1000


def test_second_run_to_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "run", verb="map", request={}),
        pytest.raises(InputError, match="Another run is writing"),
        RunFolder(tmp_path / "run", verb="map", request={}),
    ):
        pass


def test_a_run_waits_for_who_holds_its_folder_for_a_moment_only(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", verb="map", request={})
    stage = unfinished(tmp_path / "run")
    stage.mkdir()
    held = try_lock(stage / ".lock")
    assert held is not None
    threading.Timer(0.2, held.release).start()
    with folder:
        folder.commit({})
    assert read_run(tmp_path / "run") is not None


def test_out_that_is_a_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    with (
        pytest.raises(InputError, match="is a file"),
        RunFolder(tmp_path / "run", verb="map", request={}),
    ):
        pass
    assert (tmp_path / "run").read_text() == "precious"


def test_parent_run_is_recorded(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "first", verb="extract", request={}) as folder:
        folder.write_json("latents.json", [])
        first = folder.commit({})
    with RunFolder(tmp_path / "second", verb="map", request={}) as folder:
        folder.add_input(str(tmp_path / "first" / "latents.json"), "x", "y", "latents")
        assert list(folder.commit({})["parents"]) == [first["run_id"]]


def test_run_id_changes_with_request_and_content() -> None:
    same = run_id("map", {"dim": 1}, ["a"])
    assert same == run_id("map", {"dim": 1}, ["a"])
    assert len({same, run_id("map", {"dim": 2}, ["a"]), run_id("map", {"dim": 1}, ["b"])}) == 3


def test_write_atomic_replaces_and_leaves_no_temporary(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"1")
    write_atomic(tmp_path / "a", b"22")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"22")]


def test_write_atomic_removes_what_a_killed_process_left_of_the_file(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    kept = [f".b.{gone.pid}.tmp", f".a.{os.getppid()}.tmp", ".a.txt.tmp"]
    for name in (f".a.{gone.pid}.tmp", f".a.{2**70}.tmp", *kept):
        (tmp_path / name).touch()
    write_atomic(tmp_path / "a", b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a", *kept])


@given(st.floats(width=64))
def test_json_keeps_every_digit_and_writes_null_for_nan(value: float) -> None:
    read = from_json(to_json({"v": value}))["v"]
    assert read == value if math.isfinite(value) else read is None


def test_json_understands_numpy_and_refuses_the_unknown() -> None:
    plain = json.loads(to_json({1: np.arange(2), "p": Path("a"), "t": (np.int32(3), np.nan)}))
    assert plain == {"1": [0, 1], "p": "a", "t": [3, None]}
    with pytest.raises(TypeError, match="object can't be written"):
        to_json(object())
