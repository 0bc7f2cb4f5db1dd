"""A column of names holds categories: refused where numbers are needed, used where labels are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.cli import main
from tests.factories.ebsd import write_oxford
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

COLUMNS, ROWS = 20, 15
X, Y = full_grid(COLUMNS, ROWS).T
PHASE = np.array(["Iron", "Ore", "pore"])[X % 3]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Latents and patterns of one grid, and maps of names, of whole numbers and of quantities."""
    rng = np.random.default_rng(0)
    latents = {"x": X, "y": Y}
    for dim in range(3):
        latents[f"latent_d{dim}"] = (dim == X % 3) + rng.normal(0, 0.2, len(X))
    pd.DataFrame(latents).astype(dict.fromkeys(list(latents)[2:], np.float32)).to_parquet(
        tmp_path / "latents.parquet"
    )
    write_kikuchi(tmp_path / "scan.h5", full_grid(COLUMNS, ROWS), patterns(len(X), (16, 16)))
    maps = pd.DataFrame({"x": X, "y": Y, "phase": PHASE, "cluster": X // 7})
    maps["quality"] = rng.uniform(1, 2, len(X)).round(3)
    maps.to_csv(tmp_path / "maps.csv", index=False)
    maps[["x", "y", "phase"]].to_csv(tmp_path / "names.csv", index=False)
    maps[["x", "y"]].assign(state="good").to_csv(tmp_path / "one_name.csv", index=False)
    maps[["x", "y", "phase", "cluster"]].to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


# Every way of asking for numbers of a map, as the command line has it.
NUMBERS = {
    "cluster": ("cluster", "latents.parquet", "--dim", "0", "--method", "kmeans", "--map", "{}"),
    "session": ("session", "latents.parquet", "--dim", "0", "--method", "kmeans", "--map", "{}"),
    "also": (
        "session", "latents.parquet", "--dim", "0", "--method", "kmeans",
        "--map", "maps.csv:quality", "--also", "{}",
    ),
    "rank": ("rank", "latents.parquet", "--metric", "pearson", "--top", "0", "--map", "{}"),
    "extract": ("extract", "scan.h5", "--checkpoint", "pca:2", "--keep-above", "{}", "0"),
    "train": (
        "train", "scan.h5", "--epochs", "1", "--latent-dim", "2", "--prepare", "size=16x16",
        "--keep-above", "{}", "0",
    ),
    "reconstruct": ("reconstruct", "scan.h5", "--checkpoint", "none.h5", "--keep-above", "{}", "0"),
}  # fmt: skip


def called(scan: Path, words: tuple[str, ...], spec: str = "") -> int:
    filled = [spec if word == "{}" else word for word in words]
    full = [str(scan / word) if (scan / word.split(":")[0]).is_file() else word for word in filled]
    return main([*full, "--out", str(scan / "run"), "--quiet"])


@pytest.mark.parametrize("verb", NUMBERS)
def test_a_column_of_names_is_refused_and_those_of_numbers_are_named(scan, capsys, verb):
    assert called(scan, NUMBERS[verb], "maps.csv:phase") == 2
    message = capsys.readouterr().err
    assert "'phase' holds names, such as 'Iron', where numbers are needed" in message
    assert "numbers: quality, cluster" in message
    assert not (scan / "run").exists()


@pytest.mark.parametrize("verb", NUMBERS)
@pytest.mark.parametrize("spec", ["names.csv", "names.csv:phase", "one_name.csv"])
def test_a_file_of_nothing_but_names_is_refused(scan, capsys, verb, spec):
    assert called(scan, NUMBERS[verb], spec) == 2
    message = capsys.readouterr().err
    assert "holds names, such as" in message
    assert "no column of numbers" in message
    assert not (scan / "run").exists()


@pytest.mark.parametrize("verb", ["cluster", "session", "rank", "extract"])
def test_without_a_name_only_numbers_are_chosen_from(scan, verb):
    assert called(scan, NUMBERS[verb], "maps.csv") == 0
    run = scan / "run"
    if verb in ("cluster", "session"):
        (report,) = run.glob("cluster_report__*.json")
        assert json.loads(report.read_text())["map_column"] == "quality"
    elif verb == "rank":
        assert json.loads((run / "report.json").read_text())["reference"]["columns"] == ["quality"]
    else:
        assert json.loads((run / "run.json").read_text())["summary"]["n_encoded"] == len(X)


def test_whole_numbers_are_numbers_and_labels(scan):
    assert called(scan, NUMBERS["cluster"], "labels.csv") == 0
    (report,) = (scan / "run").glob("cluster_report__*.json")
    assert json.loads(report.read_text())["map_column"] == "cluster"
    assert called(scan, NUMBERS["rank"], "maps.csv:cluster") == 0
    agree = ("agree", "latents.parquet", "--reference", "{}", "--k-max", "3", "--top", "0")
    assert called(scan, agree, "maps.csv:cluster") == 0
    assert json.loads((scan / "run/report.json").read_text())["reference"]["kind"] == "labels"


def test_an_even_choice_of_numbers_names_them_and_not_the_names(scan, capsys):
    table = pd.read_csv(scan / "maps.csv").assign(Fe=np.arange(len(X)))
    table.to_csv(scan / "maps.csv", index=False)
    assert called(scan, NUMBERS["cluster"], "maps.csv") == 2
    assert "holds 2: quality, Fe." in capsys.readouterr().err


def test_where_labels_are_wanted_names_are_labels(scan):
    for spec in ("maps.csv:phase", "names.csv"):
        agree = ("agree", "latents.parquet", "--reference", "{}", "--k-max", "3", "--top", "1")
        assert called(scan, agree, spec) == 0
        report = json.loads((scan / "run/report.json").read_text())
        assert set(report["reference"]["labels"].values()) == {"Iron", "Ore", "pore"}
        assert called(scan, ("probe", "latents.parquet", "--labels", "{}"), spec) == 0
        report = json.loads((scan / "run/probe_report.json").read_text())
        assert report["classes"] == ["Iron", "Ore", "pore"]


def test_mixed_columns_are_numbers_and_lose_their_text(scan, capsys):
    table = pd.read_csv(scan / "maps.csv").astype({"quality": object})
    table.loc[:9, "quality"] = "n. d."
    table.to_csv(scan / "maps.csv", index=False)
    assert called(scan, NUMBERS["extract"], "maps.csv:quality") == 0
    summary = json.loads((scan / "run/run.json").read_text())["summary"]
    assert summary["n_encoded"] == len(X) - 10


def test_a_vendors_phases_are_names(scan, capsys):
    coords = full_grid(COLUMNS, ROWS)
    vendor = write_oxford(
        scan / "scan.h5oina", coords, patterns(len(X))[:, 0], np.arange(len(X)) % 200,
        step=1.0, phase=1 + X % 2,
    )  # fmt: skip
    extract = ("extract", "scan.h5oina", "--checkpoint", "pca:2", "--keep-above", "{}", "0")
    assert called(scan, extract, f"{vendor}:Phase") == 2
    message = capsys.readouterr().err
    assert "'phase' holds names, such as 'Aluminium'" in message
    assert "bandcontrast" in message
    assert called(scan, NUMBERS["rank"], f"{vendor}:phase") == 2
    assert called(scan, NUMBERS["cluster"], str(vendor)) == 0
