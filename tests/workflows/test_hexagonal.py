"""A hexagonal scan from its table to domains, grains and other programs' files."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.artifacts.region_files import regions_json, regions_of
from latentcore.cli import main
from latentcore.containers import (
    Region,
    RegionSet,
    Roi,
    ScanGrid,
    ScanPoints,
    match_rows,
)
from latentcore.containers.scan_points import placement
from latentcore.readers import open_latents, open_maps
from tests.factories.ebsd_text import read_ang
from tests.factories.hexagonal import hexagonal_points

ROWS, COLUMNS, STEP = 11, 13, 0.4
HEIGHT = np.sqrt(3) / 2


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Write latents and labels of three columns of a hexagonal scan, in a random order."""
    monkeypatch.chdir(tmp_path)
    points = hexagonal_points(ROWS, COLUMNS, STEP, shorter=True)
    part = np.digitize(points[:, 0], [1.7, 3.3])
    random = np.random.default_rng(0)
    values = random.normal(0, 0.05, (len(points), 3)) + np.eye(3)[part] * 5
    table = pd.DataFrame(np.round(points, 5), columns=["x", "y"])
    for d in range(3):
        table[f"latent_{d}"] = values[:, d].astype(np.float32)
    table["part"] = part
    table = table.sample(frac=1, random_state=3).reset_index(drop=True)
    table.drop(columns="part").to_csv("latents.csv", index=False)
    table[["x", "y", "part"]].to_csv("parts.csv", index=False)
    return table


def run(*words: str, status: int = 0) -> None:
    assert main([*words, "--quiet"]) == status


def test_tables_open_by_themselves_and_say_what_they_are(
    tables: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    run("inspect", "latents.csv", "--json")
    grid = json.loads(capsys.readouterr().out)["grid"]
    assert (grid["kind"], grid["shape"]) == ("hexagonal", [ROWS, COLUMNS])
    assert grid["step"] == pytest.approx([STEP, STEP * HEIGHT], rel=1e-3)


def test_latents_keep_their_kind(tables: pd.DataFrame, tmp_path: Path) -> None:
    latents = open_latents("latents.csv")
    write_latents(tmp_path / "latents.h5", latents)
    again = open_latents(str(tmp_path / "latents.h5"))
    assert latents.grid is not None and again.grid is not None
    assert again.grid.shifted_rows == "odd"
    np.testing.assert_array_equal(again.grid.col, latents.grid.col)
    with h5py.File(tmp_path / "latents.h5") as file:
        assert file.attrs["grid"] == b"hexagonal"


def test_domains_of_a_table(tables: pd.DataFrame) -> None:
    run("domains", "latents.csv", "--out", "domains", "--threshold", "1", "--min-size", "1")
    found = pd.read_csv("domains/domain_table.csv")
    sizes = np.bincount(tables.part)
    assert sorted(found["n"]) == sorted(sizes)
    area = found["n"] * STEP**2 * HEIGHT
    np.testing.assert_allclose(found["area"], area, rtol=1e-3)
    assert found["n_neighbors"].tolist() == [1, 2, 1]
    assert json.loads(Path("domains/report.json").read_text())["grid"]["kind"] == "hexagonal"


def test_ang_holds_the_rows_as_they_are(tables: pd.DataFrame) -> None:
    run("export", "parts.csv:part", "--format", "ang", "--out", "out")
    found = read_ang(Path("out/parts.ang"))
    sides = [found.header[f"NCOLS_{side}"] for side in ("ODD", "EVEN")]
    assert (found.header["GRID"], sides) == ("HexGrid", [str(COLUMNS), str(COLUMNS - 1)])
    assert len(found.rows) == len(tables) == ROWS * COLUMNS - ROWS // 2
    ordered = tables.sort_values(["y", "x"])
    np.testing.assert_allclose(found.rows[["x", "y"]], ordered[["x", "y"]], atol=1e-5)
    np.testing.assert_array_equal(found.rows["part"], ordered["part"])
    grid = ScanGrid.from_coordinates(found.rows["x"].to_numpy(), found.rows["y"].to_numpy())
    assert grid.hexagonal


def test_other_formats_hold_what_they_can(
    tables: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    run("export", "parts.csv:part", "--format", "ctf", "--out", "out", status=2)
    assert "square grids only" in capsys.readouterr().err
    assert not Path("out").exists()
    run("export", "parts.csv:part", "--format", "orix", "--out", "orix")
    with h5py.File("orix/parts.h5") as file:
        data = file["crystal_map/data"]
        there = data["is_in_data"][()]
        assert (len(there), there.sum()) == (ROWS * 2 * COLUMNS, len(tables))
        assert len(np.unique(data["x"][()])) == 2 * COLUMNS
        assert len(np.unique(data["y"][()])) == ROWS
    again = open_maps("orix/parts.h5").grid
    assert (again.hexagonal, again.shape) == (True, (ROWS, COLUMNS))
    run("export", "parts.csv:part", "--format", "dream3d-csv", "--out", "dream3d")
    lines = Path("dream3d/parts.csv").read_text().splitlines()
    assert lines[-3:] == ["1,1,2", "2,2,1,3", "3,1,2"]
    assert not Path("dream3d/parts_FeatureIds.txt").exists()
    run("export", "parts.csv:part", "--format", "hdf5", "--out", "hdf5")
    with h5py.File("hdf5/parts.h5") as file:
        assert dict(file["grid"].attrs)["shifted_rows"] == "odd"


def test_grains_by_disorientation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbors of one grain are 2° apart at most, of two grains 13° and more."""
    monkeypatch.chdir(tmp_path)
    points = hexagonal_points(14, 15, 1.0, "even")
    grain = (points[:, 0] > 5) + (points[:, 1] > 6.5).astype(int) * 2
    angle = np.array([0.0, 15, 30, 45])[grain] + np.random.default_rng(0).uniform(0, 2, len(grain))
    table = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "phase": 1, "grain": grain})
    table = table.assign(euler1=angle, euler2=0.0, euler3=0.0)
    table.to_csv("map.csv", index=False)
    run("grains", "map.csv", "--laue", "6/mmm", "--angle", "10", "--out", "grains")
    found = pd.read_csv("grains/domain_table.csv")
    assert sorted(found["n"]) == sorted(np.bincount(grain))
    np.testing.assert_allclose(found["area"], found["n"] * HEIGHT)


def test_regions_lie_on_the_same_points_of_a_part(tables: pd.DataFrame) -> None:
    latents = open_latents("latents.csv")
    assert latents.grid is not None
    points = ScanPoints.of_latents(latents)
    where = placement(points.scan, points)
    mask = latents.grid.x < 1.3
    kept = RegionSet(points.scan, (Region("left", "#ff0000", where.points(mask)),))
    kept = regions_of(regions_json(kept))
    assert kept.scan.frame is not None and kept.scan.frame.shifted_rows == "odd"
    # The part begins with a shifted row: its own grid counts from there.
    roi = Roi((0.0, 2.0), (STEP * 0.8, 9.0)).mask(latents.grid)
    part = latents.take(np.flatnonzero(roi))
    assert part.grid is not None
    cut = part.grid.cut(np.ones(len(part), bool))
    assert cut.shifted_rows == "even"
    inside = placement(kept.scan, ScanPoints(cut)).mask(kept.regions[0].points)
    np.testing.assert_array_equal(inside, cut.x < 1.3)


def test_rows_are_joined_by_place(tables: pd.DataFrame) -> None:
    maps = open_maps("parts.csv")
    latents = open_latents("latents.csv")
    assert latents.grid is not None
    part = latents.grid.take(latents.grid.row > 2)
    shifted = ScanGrid.from_coordinates(part.x, part.y)
    rows = match_rows(shifted, maps.grid)
    np.testing.assert_allclose(maps.grid.x[rows], shifted.x)
    np.testing.assert_allclose(maps.grid.y[rows], shifted.y)
    assert (match_rows(maps.grid, shifted) == -1).sum() == len(maps.grid) - len(part)
