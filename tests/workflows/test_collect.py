"""The verb ``collect``, called as the command line calls it, and other verbs on what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore import containers
from latentcore.analysis.mosaic import mosaic
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import ShapeError
from latentcore.readers import open_latents, open_maps
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

SIZES = {"first": (12, 8), "second": (7, 10), "third": (9, 9)}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three scans with phases; the second begins elsewhere and counts its grains anew."""
    rng = np.random.default_rng(0)
    for number, (name, (columns, rows)) in enumerate(SIZES.items()):
        y, x = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
        phase = (x * 2 // columns).astype(int)
        values = rng.normal(size=(len(x), 4)) + 5 * np.eye(4)[phase]
        values[5] = np.nan
        x, y = x + 100 * number, y + 7
        grid = ScanGrid.from_coordinates(x, y)
        dims = np.arange(4, dtype=np.int32)
        ids = default_sample_ids(len(x))
        latents = LatentSet(values.astype(np.float32), ids, dims, grid)
        write_latents(tmp_path / f"{name}_latents.h5", latents)
        table = {"x": x, "y": y, "phase": np.array(["ferrite", "austenite"])[phase]}
        table["bandcontrast"] = rng.integers(20, 200, len(x))
        if name != "third":
            table["grain_id"] = phase
        pd.DataFrame(table).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def called(folder: Path, *words: object, out: str = "all") -> int:
    named = [
        str(folder / str(word)) if ".h5" in str(word) or ".csv" in str(word) else str(word)
        for word in words
    ]
    return main(["collect", *named, "--out", str(folder / out), "--quiet"])


def collected(folder: Path, *words: object) -> dict:
    latents = [f"{name}_latents.h5" for name in SIZES]
    assert called(folder, *latents, *words) == 0
    return json.loads((folder / "all/collection.json").read_text())


def test_a_collection_holds_every_scan_at_a_place_of_its_own(scans, monkeypatch):
    monkeypatch.setattr(containers.latents, "_BLOCK_VALUES", 100)  # blocks reach over scans
    report = collected(scans, "--map", *(f"{name}.csv" for name in SIZES))
    latents = open_latents(scans / "all/collection_latents.h5")
    table = pd.read_parquet(scans / "all/collection_maps.parquet")
    assert len(latents) == sum(a * b for a, b in SIZES.values()) == len(table) == report["n"]
    np.testing.assert_array_equal(latents.partition.each, table["scan"])
    np.testing.assert_array_equal(latents.grid.x, table["x"])
    assert len(set(zip(table["x"], table["y"], strict=True))) == len(table)
    for name in SIZES:
        own = open_latents(scans / f"{name}_latents.h5")
        part = table[table["scan"] == name]
        np.testing.assert_array_equal(latents.values[part.index], own.values)
        np.testing.assert_array_equal(part["scan_x"], own.grid.x)
        np.testing.assert_array_equal(part["scan_y"], own.grid.y)
        assert latents.sample_ids[part.index[0]] == f"{name}/{own.sample_ids[0]}"
        # Within a scan points lie as they did; no point of another is near.
        moved = part["x"].to_numpy() - own.grid.x
        assert len(np.unique(moved)) == 1
        others = table[table["scan"] != name]
        apart = np.maximum(
            np.abs(part["x"].to_numpy()[:, None] - others["x"].to_numpy()),
            np.abs(part["y"].to_numpy()[:, None] - others["y"].to_numpy()),
        )
        assert apart.min() > 4
    maps = open_maps(scans / "all/collection_maps.parquet")
    assert set(maps.categories["scan"].values()) == set(SIZES)
    source = pd.concat([pd.read_csv(scans / f"{name}.csv") for name in SIZES])
    assert table["bandcontrast"].tolist() == source["bandcontrast"].tolist()
    assert table["phase"].tolist() == source["phase"].tolist()
    # Grains of two scans are not one; where a scan has no such map there is none.
    grains = [set(table.loc[table["scan"] == name, "grain_id"].dropna()) for name in SIZES]
    assert grains == [{0, 1}, {2, 3}, set()]
    assert any("grain_id is missing in third" in note for note in report["notes"])


def test_other_verbs_take_a_collection_as_one_scan(scans):
    collected(scans, "--map", *(f"{name}.csv:phase" for name in SIZES))
    latents, maps = (scans / "all" / name for name in
                     ("collection_latents.h5", "collection_maps.parquet"))  # fmt: skip
    words = ["probe", latents, "--labels", f"{maps}:phase", "--groups", f"{maps}:scan"]
    assert main([*map(str, words), "--out", str(scans / "probe"), "--quiet"]) == 0
    found = json.loads((scans / "probe/probe_report.json").read_text())["cross_validation"]
    assert [fold["tested"] for fold in found["folds"]] == [f"scan {name}" for name in SIZES]
    assert found["summary"]["accuracy"]["mean"] > 0.9
    words = ["domains", latents, "--min-size", "5", "--out", scans / "domains", "--quiet"]
    assert main(list(map(str, words))) == 0
    table = pd.read_csv(scans / "domains/domains.csv").merge(
        pd.read_parquet(maps)[["x", "y", "scan"]], on=["x", "y"]
    )
    found = table[table["domain"] >= 0].groupby("domain")["scan"].nunique()
    assert (found == 1).all(), "no domain reaches into another scan"
    words = ["project", latents, "--method", "pca", "--out", scans / "pca", "--quiet"]
    assert main(list(map(str, words))) == 0


def test_domains_of_a_collection_are_those_of_the_scan_learned_from(scans, capsys):
    collected(scans)
    latents = str(scans / "all/collection_latents.h5")
    out = {name: scans / f"domains_{name}" for name in ("all", "alone", "typo")}
    for name, words in (
        ("all", [latents, "--learn-from", "second"]),
        ("alone", [str(scans / "second_latents.h5")]),
    ):
        words = ["domains", *words, "--scaling", "standard", "--out", str(out[name]), "--quiet"]
        assert main(words) == 0
    done = ("all", "alone")
    reports = {name: json.loads((out[name] / "report.json").read_text()) for name in done}
    for key in ("threshold", "automatic_threshold", "confidence", "distance"):
        assert reports["all"][key] == reports["alone"][key]
    assert reports["all"]["learn_from"] == "second"
    assert "domain_partitions.csv" in reports["all"]["files"]
    tables = {name: pd.read_csv(out[name] / "domain_table.csv") for name in done}
    own = tables["all"][tables["all"]["partition"] == "second"]
    columns = ["n", "area", "touches_border", "aspect_ratio", "mean_deviation"]
    pd.testing.assert_frame_equal(own[columns].reset_index(drop=True), tables["alone"][columns])
    by_scan = pd.read_csv(out["all"] / "domain_partitions.csv").set_index("partition")
    assert by_scan["n_points"].to_dict() == {name: a * b for name, (a, b) in SIZES.items()}
    assert by_scan["n_domains"].sum() == reports["all"]["n_domains"]
    assert main(["domains", latents, "--learn-from", "fourth", "--out", str(out["typo"])]) == 2
    assert "first, second, third" in capsys.readouterr().err


def test_samples_without_coordinates_are_joined_by_name(tmp_path):
    for name in "ab":
        values = np.random.default_rng(ord(name)).normal(size=(20, 3)).astype(np.float32)
        dims = np.arange(3, dtype=np.int32)
        write_latents(tmp_path / f"{name}.h5", LatentSet(values, default_sample_ids(20), dims))
    assert called(tmp_path, "a.h5", "b.h5", "--scans", "year 1", "year 2", "--name", "years") == 0
    latents = open_latents(tmp_path / "all/years_latents.h5")
    assert latents.grid is None
    assert sorted(latents.partition.names) == ["year 1", "year 2"]
    table = pd.read_parquet(tmp_path / "all/years_maps.parquet")
    assert table["sample_id"][20] == latents.sample_ids[20]


def test_other_encoders_are_refused_and_one_is_known_again(tmp_path, capsys):
    for name in ("one", "two"):
        write_kikuchi(tmp_path / f"{name}.h5", full_grid(8, 6), patterns(48, (8, 8)))
    both = [str(tmp_path / f"{name}.h5") for name in ("one", "two")]
    words = ["extract", *both, "--checkpoint", "pca:3", "--out", str(tmp_path / "same")]
    assert main([*words, "--quiet"]) == 0
    words = ["extract", both[1], "--checkpoint", "pca:3", "--prepare", "scale=demean"]
    assert main([*words, "--out", str(tmp_path / "other"), "--quiet"]) == 0
    assert called(tmp_path, "same/one_latents.h5", "same/two_latents.h5") == 0
    report = json.loads((tmp_path / "all/collection.json").read_text())
    assert report["notes"] == []
    assert report["encoder"]
    capsys.readouterr()
    assert called(tmp_path, "same/one_latents.h5", "other/two_latents.h5", out="x") == 2
    assert "made by different encoders" in capsys.readouterr().err
    again = ("all/collection_latents.h5", "same/two_latents.h5")
    assert called(tmp_path, *again, out="x") == 2
    assert "is a collection itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("first_latents.h5",), "a collection has 2 to 50"),
        (("first_latents.h5", "first_latents.h5"), "was named twice"),
        (("first_latents.h5", "second_latents.h5", "--map", "first.csv"), "one of each scan"),
        (("first_latents.h5", "second_latents.h5", "--scans", "a"), "1 --scans names were given"),
        (("first_latents.h5", "second_latents.h5", "--name", "../up"), "part of a file's name"),
        (("first_latents.h5", "bare.h5"), "scans have no coordinates"),
    ],
)
def test_what_makes_no_collection_is_refused(scans, capsys, words, why):
    values = np.zeros((20, 4), np.float32)
    dims = np.arange(4, dtype=np.int32)
    write_latents(scans / "bare.h5", LatentSet(values, default_sample_ids(20), dims))
    assert called(scans, *words) == 2
    assert why in capsys.readouterr().err
    assert not (scans / "all").exists()


def test_scans_of_other_steps_are_laid_out_in_steps():
    y, x = (axis.ravel() for axis in np.mgrid[0:4, 0:5])
    fine, coarse = (ScanGrid.from_coordinates(x * step, y * step) for step in (0.5, 2.0))
    found = mosaic([fine, coarse])
    assert found.in_steps
    assert found.grid.step == (1.0, 1.0)
    same = mosaic([fine, fine])
    assert (same.in_steps, same.grid.step) == (False, (0.5, 0.5))


def test_hexagonal_and_square_scans_lie_on_no_common_grid():
    y, x = (axis.ravel() for axis in np.mgrid[0:4, 0:5])
    square = ScanGrid.from_coordinates(x, y)
    hexagonal = ScanGrid.from_coordinates(x + 0.5 * (y % 2), y * 3**0.5 / 2)
    assert hexagonal.hexagonal
    with pytest.raises(ShapeError, match="can't lie on one grid"):
        mosaic([square, hexagonal])
    both = mosaic([hexagonal, hexagonal])
    assert both.grid.hexagonal
    again = ScanGrid.from_coordinates(both.grid.x, both.grid.y)
    assert again.kind == both.grid.kind
    assert len(set(zip(both.grid.row.tolist(), both.grid.col.tolist(), strict=True))) == 40
