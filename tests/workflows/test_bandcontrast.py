"""The verb ``bandcontrast``, called as the command line calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from latentcore.artifacts import from_json
from latentcore.cli import main
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

COLUMNS, ROWS = 7, 5
STEP = 0.3


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan with a hole, in another order than its own, and a second map."""
    rng = np.random.default_rng(0)
    col, row = np.tile(np.arange(COLUMNS), ROWS), np.repeat(np.arange(ROWS), COLUMNS)
    table = pd.DataFrame({
        "x": 2 + STEP * col, "y": 1 + STEP * row, "BandContrast": rng.integers(0, 256, len(col)),
        "Fe": rng.normal(50, 9, len(col)),
    }).round(6)  # fmt: skip
    path = tmp_path / "scan.csv"
    table.drop(index=9).sample(frac=1, random_state=1).to_csv(path, index=False)
    return path


def kept_of(scan: Path, out: Path, *options: str) -> tuple[dict, pd.DataFrame]:
    assert main(["bandcontrast", str(scan), "--out", str(out), *options]) == 0
    return from_json((out / "report.json").read_text()), pd.read_csv(out / "bandcontrast.csv")


def test_points_are_kept_by_threshold_roi_and_another_map(scan, tmp_path):
    report, table = kept_of(
        scan, tmp_path / "out", "--above", "40", "--below", "250", "--roi", "2", "3.5", "1.3", "9",
        "--keep-above", f"{scan}:Fe", "45",
    )  # fmt: skip
    source = pd.read_csv(scan)
    expected = (
        source["BandContrast"].between(40, 250, inclusive="neither")
        & source["x"].between(2, 3.5, inclusive="left") & (source["y"] >= 1.3)
        & (source["Fe"] > 45)
    )  # fmt: skip
    assert list(table.columns) == ["x", "y", "row", "column", "bandcontrast", "kept"]
    np.testing.assert_array_equal(table["bandcontrast"], source["BandContrast"])
    np.testing.assert_array_equal(table["kept"], expected)
    assert report["n"] == len(source)
    assert 0 < report["n_kept"] == expected.sum() < len(source)
    assert report["kept"]["mean"] == pytest.approx(source["BandContrast"][expected].mean())
    assert report["all"]["sd"] == pytest.approx(source["BandContrast"].std())
    places = pd.read_csv(tmp_path / "out" / "kept.csv")
    np.testing.assert_array_equal(places, source.loc[expected, ["x", "y"]])
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "kept.npy"), places)


def test_arrays_lie_as_the_scan_does(scan, tmp_path):
    _, table = kept_of(scan, tmp_path / "out", "--above", "100")
    grey, mask = (np.load(tmp_path / "out" / f"{name}.npy") for name in ("bandcontrast", "mask"))
    assert grey.shape == mask.shape == (ROWS, COLUMNS)
    assert np.isnan(grey[1, 2])  # the hole
    for point in table.itertuples():
        assert point.row == round((point.y - 1) / STEP)
        assert point.column == round((point.x - 2) / STEP)
        assert grey[point.row, point.column] == point.bandcontrast
        assert mask[point.row, point.column] == point.kept
    assert mask.sum() == table["kept"].sum()


def test_the_histogram_counts_every_point_once(scan, tmp_path):
    _, table = kept_of(scan, tmp_path / "out", "--above", "100")
    counts = pd.read_csv(tmp_path / "out" / "histogram.csv")
    assert (counts["high"] - counts["low"] == 1).all()
    for one in counts.itertuples():
        assert one.n == (table["bandcontrast"] == one.low).sum()
        assert one.n_kept == ((table["bandcontrast"] == one.low) & table["kept"]).sum()
    assert counts["n"].sum() == len(table)


def test_bins_of_fractions_hold_all_of_them(scan, tmp_path):
    report, _ = kept_of(Path(f"{scan}:Fe"), tmp_path / "out")
    counts = pd.read_csv(tmp_path / "out" / "histogram.csv")
    assert (report["map"], len(counts), counts["n"].sum()) == ("Fe", 256, report["n"])


def test_lines_are_called_by_their_coordinates(scan, tmp_path):
    report, table = kept_of(scan, tmp_path / "out", "--row", "1.3", "--column", "3.85")
    assert report["row"] == {"y": pytest.approx(1.3), "index": 1, "n": 6, "n_kept": 6}
    row = pd.read_csv(tmp_path / "out" / "row_profile.csv")
    wanted = table[table["row"] == 1].sort_values("x")
    np.testing.assert_array_equal(row["bandcontrast"], wanted["bandcontrast"])
    assert report["column"]["x"] == pytest.approx(3.8)  # the nearest
    column = pd.read_csv(tmp_path / "out" / "column_profile.csv")
    assert column["y"].is_monotonic_increasing
    assert len(column) == ROWS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--row", "7"), "The scan has no line at y = 7: its y runs from 1 to 2.2 in steps of 0.3"),
        (("--above", "300"), "No point has bandcontrast within these limits: its values run from"),
        (("--roi", "90", "99", "0", "9"), "The ROI x [90, 99), y [0, 9) holds no point"),
    ],
)
def test_what_keeps_nothing_is_refused(scan, tmp_path, capsys, options, said):
    assert main(["bandcontrast", str(scan), "--out", str(tmp_path / "out"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_extract_takes_the_points_that_are_kept(tmp_path):
    places = full_grid(12, 10)
    scan = write_kikuchi(tmp_path / "scan.h5", places, patterns(120))
    table = tmp_path / "bands.csv"
    contrast = np.random.default_rng(1).integers(0, 256, 120)
    columns = {"x": places[:, 0], "y": places[:, 1], "bandcontrast": contrast}
    pd.DataFrame(columns).to_csv(table, index=False)
    report, _ = kept_of(table, tmp_path / "kept", "--above", "90")
    asked = ["extract", str(scan), "--checkpoint", "pca:2", "--out"]
    kept = str(tmp_path / "kept" / "kept.npy")
    assert main([*asked, str(tmp_path / "a"), "--keep-xy", kept]) == 0
    assert main([*asked, str(tmp_path / "b"), "--keep-above", str(table), "90"]) == 0
    first, second = (from_json((tmp_path / one / "run.json").read_text()) for one in "ab")
    assert first["summary"]["n_encoded"] == report["n_kept"] == second["summary"]["n_encoded"]
    assert report["n_kept"] == (contrast > 90).sum()


@pytest.mark.parametrize("color", ["tan", "black", "white", "gray", "transparent"])
def test_missing_points_have_the_color_asked_for(scan, tmp_path, color):
    kept_of(scan, tmp_path / "out", "--above", "240", "--missing-color", color)
    with Image.open(tmp_path / "out" / "kept.png") as picture:
        pixels = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
    painted = {
        "tan": (217, 208, 195, 255), "black": (0, 0, 0, 255), "white": (255, 255, 255, 255),
        "gray": (128, 128, 128, 255), "transparent": (255, 255, 255, 0),
    }[color]  # fmt: skip
    share = (pixels == painted).all(axis=1).mean()
    assert share > 0.4  # nearly all of the map, and the map is most of the figure


def test_the_snippet_computes_the_report_again(scan, tmp_path):
    report, _ = kept_of(scan, tmp_path / "out", "--above", "40")
    again = subprocess.run(
        [sys.executable, "-c", report["snippet"]],
        cwd=tmp_path / "out", capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert int(again[again.index("kept") + 1]) == report["n_kept"]
    assert float(again[again.index("mean") + 1]) == pytest.approx(report["all"]["mean"])
    assert float(again[-1]) == pytest.approx(report["kept"]["mean"])
