"""The verb ``grains``, called as the command line calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from latentcore.cli import main


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Two grains of iron at both sides of a pore, and one of titanium below, with its map."""
    y, x = (axis.ravel() for axis in np.mgrid[:6, :9])
    table = pd.DataFrame({"x": x * 0.5, "y": y * 0.5})
    table["Euler1"], table["Euler2"], table["Euler3"] = 10.0 + 30 * (x > 4), 40.0, 359.0
    table["Phase"] = np.where(y > 3, "Titanium", np.where(x == 4, "notIndexed", "Iron"))
    table["bandcontrast"] = 100 + x
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "scan.csv", index=False)
    return tmp_path


LAUE = ("--laue", "Iron=m-3m", "--laue", "Titanium=6/mmm")


def called(scan: Path, *more: str, file: str = "scan.csv") -> int:
    return main(["grains", str(scan / file), *more, "--out", str(scan / "run"), "--quiet"])


def test_files_and_columns(scan: Path) -> None:
    assert called(scan, *LAUE) == 0
    run = scan / "run"
    points = pd.read_csv(run / "domains.csv")
    written = pd.read_csv(scan / "scan.csv")
    assert points.columns.tolist() == ["x", "y", "domain"]
    pd.testing.assert_frame_equal(points[["x", "y"]], written[["x", "y"]])
    wanted = np.where(
        written["Phase"] == "notIndexed", -1,
        np.where(written["x"] < 2.4, 0, 1) + 2 * (written["Phase"] == "Titanium"),
    )  # fmt: skip
    np.testing.assert_array_equal(points["domain"], wanted)
    table = pd.read_csv(run / "domain_table.csv")
    assert table["phase_name"].tolist() == ["Iron", "Iron", "Titanium", "Titanium"]
    assert table["n"].tolist() == [16, 16, 10, 8]
    np.testing.assert_allclose(table["phi1_deg"], [10, 40, 10, 40], atol=1e-3)
    np.testing.assert_allclose(table["mean_deviation"], 0, atol=2e-3)
    assert table["mean_bandcontrast"].tolist()[0] == 101.5
    assert not any("Euler" in column for column in table)
    borders = pd.read_csv(run / "domain_borders.csv").set_index(["a", "b"])
    assert borders["length"].to_dict() == {(0, 2): 2.0, (1, 3): 2.0, (2, 3): 1.0}
    assert borders["contrast"].isna().tolist() == [True, True, False]
    report = json.loads((run / "report.json").read_text())
    assert report["n_domains"] == 4
    assert (report["threshold"], report["method"], report["min_size"]) == (5, "disorientation", 1)
    assert report["phases"]["1"]["laue"] == "6/mmm"
    assert report["n_not_indexed"] == 4
    assert report["notes"] == []
    for name in ("domains.png", "domain_maps.csv", "run.json"):
        assert (run / name).exists()


def test_radians_that_are_taken_for_degrees_are_noticed(scan: Path, capsys) -> None:
    table = pd.read_csv(scan / "scan.csv")
    table.loc[:, "Euler1":"Euler3"] = np.radians(table.loc[:, "Euler1":"Euler3"])
    table.to_csv(scan / "scan.csv", index=False)
    assert called(scan, *LAUE) == 0
    assert "up to 6.27 were taken as degrees, but look like radians" in capsys.readouterr().err


def test_a_region_and_grains_that_are_too_small(scan: Path) -> None:
    assert called(scan, *LAUE, "--roi", "0", "4.5", "1.5", "3", "--min-size", "9") == 0
    table = pd.read_csv(scan / "run/domain_table.csv")
    assert table[["n", "phase_name"]].to_numpy().tolist() == [
        [4, "Iron"], [4, "Iron"], [18, "Titanium"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "doesn't say the Laue group of phase 0 (Iron)"),
        (LAUE[:2], "Give --laue 1=GROUP, one of -1, 2/m"),
        ((*LAUE, "--laue", "Copper=m-3m"), "--laue names the phase 'Copper', but 'scan.csv' holds"),
        ((*LAUE[:3], "Titanium=hcp"), "there is no Laue group 'hcp'"),
        ((*LAUE, "--angle", "0"), "--angle must be above 0 and at most 180"),
        ((*LAUE, "--min-size", "0"), "min_size must be ≥ 1, but is 0"),
        ((*LAUE, "--roi", "50", "60", "0", "9"), "holds no point"),
        ((*LAUE, "--roi", "2", "2.4", "0", "2"), "None of the 4 points of 'scan.csv' is indexed"),
        ((*LAUE, "--roi", "0", "0.4", "0", "0.4"), "No two of the 1 points"),
    ],
)
def test_bad_input_exits_with_2_and_leaves_nothing(scan, capsys, more, message) -> None:
    assert called(scan, *more) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


@pytest.mark.parametrize(
    ("file", "laue"),
    [("oxford_sim.h5oina", ()), ("edax_sim.h5", ("m-3m",)), ("bruker_sim_roi.h5", ("m-3m",))],
)
def test_vendors_files_have_the_grains_of_the_truth(shared_data, tmp_path, file, laue) -> None:
    folder = shared_data / "ebsd_vendor_sim"
    words = [str(folder / file), *(word for one in laue for word in ("--laue", one))]
    assert main(["grains", *words, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    points = pd.read_csv(tmp_path / "run/domains.csv")
    truth = pd.read_csv(folder / "expected_points.csv")
    step = np.diff(np.unique(points["x"]))[0]
    points["ix"], points["iy"] = (
        np.rint((points[axis] - points[axis].min()) / step).astype(int) for axis in "xy"
    )
    both = points.merge(truth, on=["ix", "iy"])
    assert len(both) == 154
    assert adjusted_rand_score(both["grain_id"], both["domain"]) == 1
