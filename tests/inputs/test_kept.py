"""Which points are kept, by value, by label, by place and by name, against plain comparisons."""

from __future__ import annotations

import json
import shlex

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.artifacts import read_run
from latentcore.cli import main
from latentcore.containers import ScanGrid
from latentcore.errors import InputError, JoinError, MalformedFileError, RequestError
from latentcore.inputs.kept import Kept
from latentcore.jobs.command_line import command_line
from latentcore.workflows.extract.request import ExtractRequest
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

X, Y = full_grid(8, 6).T
N = len(X)
BC = np.arange(N, dtype=float) * 5
BS = (np.arange(N, dtype=float) * 7) % 31
PHASE = np.array(["Iron", "Ore", "pore"])[np.arange(N) % 3]
GRID = ScanGrid.from_coordinates(X, Y)


@pytest.fixture
def maps(tmp_path):
    path = tmp_path / "maps.csv"
    table = pd.DataFrame({"x": X, "y": Y, "bc": BC, "bs": BS, "phase": PHASE})
    table.sample(frac=1, random_state=0).to_csv(path, index=False)  # order must not matter
    return str(path)


def mask(**asked):
    return Kept(**asked).mask(GRID, "scan.h5")


def test_each_condition_is_the_plain_comparison(maps):
    bc, bs = f"{maps}:bc", f"{maps}:bs"
    for found, wanted in (
        (mask(above=(bc, 50.0)), BC > 50),
        (mask(below=(bc, 50.0)), BC < 50),
        (mask(between=(bc, 50.0, 100.0)), (BC >= 50) & (BC <= 100)),
        (mask(above=(bc, 50.0, bs, 9.0)), (BC > 50) & (BS > 9)),
        (
            mask(above=(bc, 50.0), below=(bs, 9.0), roi=(2, 7, 0, 6)),
            (BC > 50) & (BS < 9) & (X >= 2) & (X < 7),
        ),
        (mask(label=(f"{maps}:phase", "Ore")), PHASE == "Ore"),
        (mask(label=(f"{maps}:phase", "Ore", f"{maps}:phase", "Iron")), PHASE != "pore"),
    ):
        assert 0 < wanted.sum() < N
        np.testing.assert_array_equal(found, wanted)


@given(rows=st.sets(st.integers(0, N - 1), min_size=1), npy=st.booleans())
def test_points_written_to_a_file_are_kept_again(tmp_path_factory, rows, npy):
    folder = tmp_path_factory.mktemp("points")
    chosen = sorted(rows, reverse=True)
    path = folder / ("kept.npy" if npy else "kept.csv")
    if npy:
        np.save(path, np.column_stack([X, Y])[chosen])
    else:
        pd.DataFrame({"x": X[chosen], "y": Y[chosen]}).to_csv(path, index=False)
    np.testing.assert_array_equal(np.flatnonzero(mask(xy=str(path))), sorted(rows))


def test_points_that_the_scan_lacks_and_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "points.npy"
    for content, error in (
        ([[0.0, 0.0], [0.5, 0.0]], JoinError),
        ([[0.0, 0.0], [99.0, 0.0]], JoinError),
        ([[0.0, np.nan]], MalformedFileError),
        ([0.0, 1.0], MalformedFileError),
        (np.array([["a", "b"]]), MalformedFileError),
    ):
        np.save(path, np.array(content))
        with pytest.raises(error, match=r"points\.npy"):
            mask(xy=str(path))
    np.save(path, np.array([[{}, 1]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="can't be read"):
        mask(xy=str(path))


def test_conditions_that_keep_nothing_say_what_there_is(maps):
    with pytest.raises(RequestError, match="No point has bc < -1: its values run from 0 to 235"):
        mask(below=(f"{maps}:bc", -1.0))
    with pytest.raises(RequestError, match=r"'Slag'\. There are: Iron, Ore, pore"):
        mask(label=(f"{maps}:phase", "Slag"))


def test_an_roi_beside_the_scan_says_where_the_scan_is():
    with pytest.raises(RequestError, match=r"covers x \[0, 8\), y \[0, 6\)"):
        mask(roi=(20.0, 30.0, 0.0, 6.0))


def test_a_map_that_lacks_points_is_refused(tmp_path):
    path = tmp_path / "half.csv"
    half = pd.DataFrame({"x": X, "y": Y, "bc": BC, "phase": PHASE})[: N // 2]
    half.to_csv(path, index=False)
    for asked in ({"between": (f"{path}:bc", 0.0, 999.0)}, {"label": (f"{path}:phase", "Ore")}):
        with pytest.raises(JoinError, match=f"{N // 2} of {N} points have no"):
            mask(**asked)


def test_what_was_left_out_is_nan_and_the_command_repeats_itself(tmp_path, maps, capsys):
    scan = write_kikuchi(tmp_path / "scan.h5", full_grid(8, 6), patterns(N, (12, 12)))
    points = tmp_path / "points.csv"
    pd.DataFrame({"x": X[:40], "y": Y[:40]}).to_csv(points, index=False)
    arguments = [
        "extract", str(scan), "--checkpoint", "pca:2", "--device", "cpu",
        "--keep-above", f"{maps}:bc", "20", "--keep-above", f"{maps}:bs", "3",
        "--keep-between", f"{maps}:bc", "0", "190", "--keep-label", f"{maps}:phase", "Iron",
        "--keep-label", f"{maps}:phase", "Ore", "--keep-xy", str(points),
        "--roi", "0", "7", "0", "6",
    ]  # fmt: skip
    assert main([*arguments, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    wanted = (BC > 20) & (BS > 3) & (BC <= 190) & (PHASE != "pore") & (np.arange(N) < 40) & (X < 7)
    with h5py.File(tmp_path / "out" / "scan_latents.h5") as file:
        values, provenance = file["samples"][()], json.loads(file.attrs["provenance"])
    np.testing.assert_array_equal(np.isfinite(values).all(axis=1), wanted)
    np.testing.assert_array_equal(np.isnan(values).all(axis=1), ~wanted)
    assert provenance["request"]["keep_above"] == [f"{maps}:bc", 20.0, f"{maps}:bs", 3.0]
    record = read_run(tmp_path / "out")
    assert {one["role"] for one in record["inputs"]} >= {"samples", "map", "points"}
    request = ExtractRequest(
        location=(str(scan),), checkpoint="pca:2", device="cpu",
        keep_above=(f"{maps}:bc", 20.0, f"{maps}:bs", 3.0),
        keep_between=(f"{maps}:bc", 0.0, 190.0),
        keep_label=(f"{maps}:phase", "Iron", f"{maps}:phase", "Ore"),
        keep_xy=str(points), roi=(0.0, 7.0, 0.0, 6.0),
    )  # fmt: skip
    words = shlex.split(command_line("extract", request, str(tmp_path / "out")))[3:]
    assert words.count("--keep-above") == words.count("--keep-label") == 2
    capsys.readouterr()
    assert main([*words, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"]
