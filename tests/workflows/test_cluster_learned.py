"""``cluster --learn-from``: clusters of one scan of a collection, applied to the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, partitions_of

SIZES = {"deformed": 240, "annealed": 160}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two scans with the same three groups; the second has another mix of them, and an offset."""
    rng = np.random.default_rng(4)
    mixes = {"deformed": (0.4, 0.4, 0.2), "annealed": (0.1, 0.2, 0.7)}
    groups = np.concatenate([rng.choice(3, n, p=mixes[name]) for name, n in SIZES.items()])
    values = np.column_stack([5.0 * groups, -3.0 * groups]) + rng.normal(size=(len(groups), 2))
    values[3] = np.nan
    partition = partitions_of(np.repeat(list(SIZES), list(SIZES.values())))
    ids = np.array([f"{name}/{row}" for name, n in SIZES.items() for row in range(n)])
    write_latents(tmp_path / "latents.h5", LatentSet(
        values.astype(np.float32), ids, np.arange(2, dtype=np.int32), partition=partition
    ))  # fmt: skip
    table = pd.DataFrame({"sample_id": ids, "DT": groups + rng.normal(size=len(ids))})
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def run(folder: Path, verb: str, *words: str) -> int:
    asked = [verb, str(folder / "latents.h5"), *words, "--tag", "t"]
    return main([*asked, "--out", str(folder / "out"), "--quiet"])


@pytest.mark.parametrize("method", ["kmeans", "gmm", "hdbscan"])
def test_the_others_are_placed_by_what_one_scan_says(scans: Path, method: str) -> None:
    asked = ["--dims", "all", "--method", method, "--learn-from", "deformed"]
    asked += ["-k", "3"] if method != "hdbscan" else []
    assert run(scans, "cluster", *asked) == 0
    found = pd.read_csv(scans / "out/cluster_assignments__t.csv")
    values = found[["latent_d0", "latent_d1"]].to_numpy(float)
    learned = found["sample_id"].str.startswith("deformed").to_numpy()
    known = np.isfinite(values).all(axis=1)
    assert (found["cluster"][~known] == -1).all()
    mean, sd = values[learned & known].mean(axis=0), values[learned & known].std(axis=0)
    if method == "kmeans":
        model = KMeans(3, n_init=10, random_state=0).fit((values[learned & known] - mean) / sd)
        wanted = model.predict((values[known] - mean) / sd)
        assert adjusted_rand_score(wanted, found["cluster"][known]) == 1
    report = json.loads((scans / "out/cluster_report__t.json").read_text())
    assert report["learn_from"] == "deformed"
    assert report["parameters"]["n_learn_from"] == (learned & known).sum()
    np.testing.assert_allclose(
        [report["standardisation"]["of"][name]["mean"] for name in report["features"]], mean,
        rtol=1e-5,
    )  # fmt: skip
    again: dict[str, object] = {}
    exec((scans / "out/cluster_again__t.py").read_text(), again)
    np.testing.assert_array_equal(again["labels"], found["cluster"])


def test_each_scan_has_its_share_of_each_cluster(scans: Path) -> None:
    assert run(scans, "cluster", "--dims", "all", "--method", "kmeans", "-k", "3") == 0
    found = pd.read_csv(scans / "out/cluster_assignments__t.csv").query("latent_d0.notna()")
    scan = found["sample_id"].str.split("/").str[0]
    counts = pd.crosstab(found["cluster"], scan)
    table = pd.read_csv(scans / "out/cluster_shares__t.csv")
    assert len(table) == 6
    for row in table.itertuples():
        assert row.n == counts[row.partition][row.cluster]
        judged = binomtest(row.n, int(counts[row.partition].sum()))
        wanted = judged.proportion_ci(method="wilson")
        assert row.share == pytest.approx(judged.statistic)
        assert (row.lower, row.upper) == pytest.approx((wanted.low, wanted.high))


def test_a_session_learns_from_one_scan_too(scans: Path, capsys) -> None:
    asked = ["--dim", "0", "--map", f"{scans / 'table.csv'}:DT", "--method", "kmeans", "-k", "3"]
    assert run(scans, "session", *asked, "--learn-from", "annealed") == 0
    exec((scans / "out/session_again.py").read_text(), {})
    assert capsys.readouterr().out.count("equal: True") == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "dbscan", "--learn-from", "deformed"), "can't place points"),
        (("--method", "gmm", "--learn-from", "rolled"), "have: deformed, annealed"),
    ],
)
def test_what_can_not_be_learned_is_explained(scans: Path, capsys, words, message) -> None:
    assert run(scans, "cluster", "--dims", "all", *words) == 2
    assert message in capsys.readouterr().err
