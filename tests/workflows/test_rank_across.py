"""``rank --across``: does the dimension that all other scans choose hold in the one left out?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, partitions_of

SCANS, SIDE = ("a", "b", "c"), 12
METRICS = {"pearson": pearsonr, "spearman": spearmanr}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Three scans: latent 1 follows the map in all, latent 0 in the first and much more."""
    rng = np.random.default_rng(6)
    n = SIDE * SIDE
    y, x = np.divmod(np.arange(n), SIDE)
    grid = ScanGrid.from_coordinates(
        np.concatenate([x + 20 * k for k in range(len(SCANS))]), np.tile(y, len(SCANS))
    )
    scan = np.repeat(np.arange(len(SCANS)), n)
    reference = rng.normal(size=len(scan))
    values = rng.normal(size=(len(scan), 3))
    values[:, 1] += 0.5 * reference
    values[:, 0] += np.where(scan == 0, 6 * reference, 0)
    values[9] = np.nan
    ids = np.array([f"{SCANS[k]}/{row % n}" for row, k in enumerate(scan)])
    write_latents(tmp_path / "all.h5", LatentSet(
        values.astype(np.float32), ids, np.arange(3, dtype=np.int32), grid,
        partition=partitions_of(np.array(SCANS)[scan]),
    ))  # fmt: skip
    table = pd.DataFrame({"x": grid.x, "y": grid.y, "bc": reference})
    table.to_csv(tmp_path / "map.csv", index=False)
    return tmp_path


def test_each_scan_is_left_out_in_turn(collection: Path) -> None:
    asked = ["rank", str(collection / "all.h5"), "--map", str(collection / "map.csv:bc")]
    asked += ["--metric", "pearson", "--metric", "spearman", "--across", "--uncertainty", "none"]
    out = collection / "out"
    assert main([*asked, "--top", "0", "--out", str(out), "--quiet"]) == 0
    from latentcore.readers import open_latents

    latents = open_latents(collection / "all.h5")
    values, partition = latents.values.astype(float), latents.partition.each
    reference = pd.read_csv(collection / "map.csv")["bc"].to_numpy()
    known = np.isfinite(values).all(axis=1)
    scores = pd.read_csv(out / "partition_scores.csv").set_index(["partition", "dim"])
    left_out = pd.read_csv(out / "left_out_scores.csv").set_index(["metric", "partition"])
    for metric, score in METRICS.items():
        for name in SCANS:
            own, others = known & (partition == name), known & (partition != name)
            here = [score(values[own, dim], reference[own]).statistic for dim in range(3)]
            there = [score(values[others, dim], reference[others]).statistic for dim in range(3)]
            np.testing.assert_allclose(scores.loc[name][metric], here, atol=1e-6)
            chosen = int(np.argmax(np.abs(there)))
            row = left_out.loc[(metric, name)]
            assert row["dim"] == chosen
            assert row["score_others"] == pytest.approx(there[chosen], abs=1e-6)
            assert row["score"] == pytest.approx(here[chosen], abs=1e-6)
            assert row["rank"] == 1 + sum(abs(one) > abs(here[chosen]) for one in here)
            assert row["best_dim"] == int(np.argmax(np.abs(here)))
            assert row["best"] == pytest.approx(here[int(row["best_dim"])], abs=1e-6)
    report = json.loads((out / "report.json").read_text())
    assert report["across"]["partitions"] == list(SCANS)
    # Where the first is among the others, its strong latent is chosen for all, and fails.
    assert set(left_out.loc["pearson"].loc[["b", "c"], "dim"]) == {0}
    assert left_out.loc[("pearson", "a"), "dim"] == 1
    assert not report["across"]["same_dim"]["pearson"]


def test_one_scan_alone_is_refused(collection: Path, capsys) -> None:
    from latentcore.readers import open_latents

    one = open_latents(collection / "all.h5")
    write_latents(collection / "one.h5", one.take(np.flatnonzero(one.partition.mask(["a"]))))
    asked = [
        "rank",
        str(collection / "one.h5"),
        "--map",
        str(collection / "map.csv:bc"),
        "--across",
    ]
    assert main([*asked, "--out", str(collection / "out"), "--quiet"]) == 2
    assert "have not 2 to 50 of them" in capsys.readouterr().err
