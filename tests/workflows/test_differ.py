"""The verb ``differ``, called as the command line calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage, stats

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of

SHAPE = (60, 50)


def fields(seed: int, sigma: float = 1.5) -> np.ndarray:
    """Return latents of a scan whose neighboring points are alike, (n, 3)."""
    rng = np.random.default_rng(seed)
    made = [ndimage.gaussian_filter(rng.normal(size=SHAPE), sigma) for _ in range(3)]
    # The s.d. of such a field: a kernel's L2 norm.
    return np.stack(made, axis=-1).reshape(-1, 3) * 2 * sigma * np.sqrt(np.pi)


def grid() -> ScanGrid:
    y, x = (axis.ravel() for axis in np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]])
    return ScanGrid.from_coordinates(x, y)


def write(path: Path, values: np.ndarray, where: ScanGrid | None = None, partition=None) -> Path:
    ids = default_sample_ids(len(values))
    dims = np.arange(values.shape[1], dtype=np.int32)
    latents = LatentSet(values.astype(np.float32), ids, dims, where, partitions_of(partition))
    write_latents(path, latents)
    return path


def differ(folder: Path, *words: object, out: str = "out", status: int = 0):
    said = main(["differ", *map(str, words), "--out", str(folder / out), "--quiet"])
    assert said == status
    return json.loads((folder / out / "report.json").read_text()) if said == 0 else None


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    write(tmp_path / "a.h5", fields(0), grid())
    write(tmp_path / "same.h5", fields(1), grid())
    other = fields(2)
    # Patches all over the scan have what the first one has not.
    other[odd_points(), 1] += 3
    write(tmp_path / "other.h5", other, grid())
    return tmp_path


def odd_points() -> np.ndarray:
    return fields(7, 0.8)[:, 0] > 0.5


def test_scans_of_one_kind_do_not_differ_though_their_points_would(scans):
    same = differ(scans, scans / "a.h5", "--against", scans / "same.h5")
    assert same["exchange"] == "squares"
    assert 4 < same["gap"] < 6
    assert same["auc_p"] > 0.05
    assert same["mmd_p"] > 0.05
    assert min(row["p_corrected"] for row in same["dimensions"]) > 0.05
    naive = differ(
        scans, scans / "a.h5", "--against", scans / "same.h5", "--exchange", "samples",
        "--permutations", 99, out="naive",
    )  # fmt: skip
    assert naive["auc_p"] == 0.01
    assert "as if they were independent" in naive["notes"][-1]


def test_what_differs_is_found_and_its_place_is_shown(scans):
    report = differ(scans, scans / "a.h5", "--against", scans / "other.h5")
    assert report["smallest_p"] == 1 / 500
    assert max(report["auc_p"], report["mmd_p"]) < 0.05
    first = report["dimensions"][0]
    assert first["dim"] == 1
    assert first["p_corrected"] < 0.01
    assert first["difference"] == pytest.approx(-3 * odd_points().mean(), abs=0.25)
    table = pd.read_csv(scans / "out/differences.csv")
    assert list(table.columns) == [
        "source", "row", "x", "y", "side", "unit", "fold", "tested", "log_ratio",
    ]  # fmt: skip
    assert table["log_ratio"].notna().all()
    other = table[table["source"] == "other"]
    odd = odd_points()
    assert other.loc[odd, "log_ratio"].median() < -1
    assert other.loc[~odd, "log_ratio"].median() > 0
    for name in ("dimensions.csv", "exchanges.csv", "differ.png"):
        assert (scans / "out" / name).stat().st_size > 100
    exchanges = pd.read_csv(scans / "out/exchanges.csv")
    assert report["auc_p"] == (1 + (exchanges["auc"] >= report["auc"]).sum()) / 500


def test_scans_whose_parts_are_not_independent_get_no_p_value(scans):
    other = fields(2)
    other[: len(other) // 3, 1] += 3
    write(scans / "trend.h5", other, grid())
    report = differ(scans, scans / "a.h5", "--against", scans / "trend.h5")
    assert report["auc"] > 0.55
    assert (report["auc_p"], report["mmd_p"], report["smallest_p"]) == (None, None, None)
    assert "too few independent squares" in report["notes"][-1]
    table = pd.read_csv(scans / "out/differences.csv").query("source == 'trend'")
    assert table["log_ratio"][: len(other) // 3].median() < -1
    asked = differ(
        scans, scans / "a.h5", "--against", scans / "trend.h5", "--block", 12, "--gap", 4,
        out="asked",
    )  # fmt: skip
    assert asked["auc_p"] < 0.05


def test_the_snippet_gives_the_statistics_again(scans, capsys, monkeypatch):
    report = differ(
        scans, scans / "a.h5", "--against", scans / "other.h5", "--sample", 300,
        "--permutations", 59, "--seed", 5,
    )  # fmt: skip
    assert report["a"]["n_tested"] == 300
    monkeypatch.chdir(scans / "out")
    capsys.readouterr()
    exec(compile(report["snippet"], "snippet", "exec"), {})
    again = list(map(float, capsys.readouterr().out.split()))
    assert again == pytest.approx([report[key] for key in ("auc", "auc_p", "mmd2", "mmd_p")])


def test_the_log_ratio_is_that_of_the_densities(tmp_path):
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.5, 1, (4000, 2)), rng.normal(-0.5, 1, (3000, 2))
    write(tmp_path / "a.h5", a)
    write(tmp_path / "b.h5", b)
    report = differ(tmp_path, tmp_path / "a.h5", "--against", tmp_path / "b.h5")
    assert report["exchange"] == "samples"
    table = pd.read_csv(tmp_path / "out/differences.csv")
    assert table.columns[2] == "sample_id"
    values = np.concatenate([a, b])
    truth = stats.norm(0.5).logpdf(values).sum(1) - stats.norm(-0.5).logpdf(values).sum(1)
    found = table["log_ratio"]
    assert stats.pearsonr(found, truth).statistic > 0.95
    assert abs((found - truth).median()) < 0.15
    # The probability that one of A is above one of B, along the line between the centers.
    assert report["auc"] == pytest.approx(stats.norm.cdf(np.sqrt(2) / np.sqrt(2)), abs=0.02)


def test_partitions_of_one_file_and_whole_scans_are_exchanged(tmp_path):
    rng = np.random.default_rng(4)
    names = np.repeat([f"s{i}" for i in range(9)], 200)
    # Scans scatter about one mean, so that their points would be told apart, but not the sides.
    values = rng.normal(size=(1800, 2)) + rng.normal(size=(9, 2)).repeat(200, axis=0)
    write(tmp_path / "all.h5", values, partition=names)
    report = differ(tmp_path, tmp_path / "all.h5", "--between", "s0,s1,s2,s3", "s4, s5,s6,s7")
    assert report["exchange"] == "scans"
    assert (report["complete"], report["exchanges"]) == (True, 69)
    assert report["mmd_p"] > 0.05
    assert "no p-value can be below 0.0143" in report["notes"][-1]
    assert report["a"]["sources"] == dict.fromkeys(["s0", "s1", "s2", "s3"], 200)
    table = pd.read_csv(tmp_path / "out/differences.csv")
    assert set(table["source"]) == {f"s{i}" for i in range(8)}
    assert table.loc[table["source"] == "s5", "row"].tolist() == list(range(1000, 1200))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.h5"], "Two sides are compared"),
        (["a.h5", "--between", "x", "y"], "have no partition 'x'; they have none"),
        (["a.h5", "--against", "a.h5"], "was named twice"),
        (["a.h5", "--against", "same.h5", "--block", "40"], "parts to exchange, but at least 4"),
        (["a.h5", "--against", "same.h5", "--exchange", "scans"], "1 and 1 parts to exchange"),
        (["a.h5", "--against", "flat.h5"], "no coordinates, so"),
        (["a.h5", "--against", "narrow.h5"], "different encoders made them"),
        (["a.h5", "--against", "same.h5", "--permutations", "3"], "must be at least 19, but is 3"),
    ],
)
def test_what_can_not_be_asked_is_refused(scans, capsys, words, said):
    write(scans / "flat.h5", fields(3))
    write(scans / "narrow.h5", fields(3)[:, :2], grid())
    words = [str(scans / word) if word.endswith(".h5") else word for word in words]
    if "flat.h5" in words[-1]:
        words += ["--exchange", "squares"]
    assert differ(scans, *words, status=2) is None
    assert said in " ".join(capsys.readouterr().err.split())
