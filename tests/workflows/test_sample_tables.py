"""``cluster``, ``agree`` and ``session`` on samples without a grid, beside a table of them."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import rmtree

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from latentcore.analysis.geography import EarthCells
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, partitions_of

N = 600


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """600 cutouts of three seas: latent 0 tells them apart, 1 is noise; ΔT goes with the sea."""
    rng = np.random.default_rng(5)
    sea = rng.integers(0, 3, N)
    values = np.column_stack([4.0 * sea, np.zeros(N)]) + rng.normal(size=(N, 2))
    values[7] = np.nan
    ids = np.array([f"valid/{row}" for row in range(N)])
    write_latents(tmp_path / "latents.h5", LatentSet(
        values.astype(np.float32), ids, np.arange(2, dtype=np.int32),
        partition=partitions_of(np.repeat("valid", N)),
    ))  # fmt: skip
    table = pd.DataFrame({
        "sample_id": ids, "DT": 3.0 * (sea == 1) + rng.normal(size=N),
        "lat": rng.uniform(-60, 60, N), "sea": np.array(["Arctic", "Baltic", "Coral"])[sea],
    })  # fmt: skip
    table.drop(index=11).sample(frac=1, random_state=0).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def run(folder: Path, verb: str, *words: str) -> int:
    paths = [str(folder / word) if word.startswith("table.csv") else word for word in words]
    latents, out = str(folder / "latents.h5"), str(folder / "out")
    return main([verb, latents, *paths, "--out", out, "--quiet"])


def values_of(folder: Path) -> np.ndarray:
    from latentcore.readers import open_latents

    return open_latents(folder / "latents.h5").values.astype(float)


def test_a_latent_is_clustered_with_a_column(cutouts):
    asked = ["--dim", "0", "--map", "table.csv:DT", "--method", "kmeans", "-k", "3", "--tag", "t"]
    assert run(cutouts, "cluster", *asked) == 0
    found = pd.read_csv(cutouts / "out/cluster_assignments__t.csv")
    assert list(found) == ["sample_id", "latent", "bandcontrast", "cluster"]
    table = pd.read_csv(cutouts / "table.csv").set_index("sample_id").reindex(found["sample_id"])
    np.testing.assert_allclose(found["bandcontrast"], table["DT"], rtol=1e-6)
    pair = np.column_stack([values_of(cutouts)[:, 0], table["DT"]])
    known = np.isfinite(pair).all(axis=1)
    assert (found["cluster"][~known] == -1).all()
    assert (~known).sum() == 2
    scaled = (pair[known] - pair[known].mean(axis=0)) / pair[known].std(axis=0)
    wanted = KMeans(3, n_init=10, random_state=0).fit_predict(scaled)
    assert adjusted_rand_score(wanted, found["cluster"][known]) > 0.95
    report = json.loads((cutouts / "out/cluster_report__t.json").read_text())
    assert (report["unmatched"], report["n_no_value"]) == (1, 2)
    again: dict[str, object] = {}
    exec((cutouts / "out/cluster_again__t.py").read_text(), again)
    np.testing.assert_array_equal(again["labels"], found["cluster"])


def test_latents_are_held_against_a_column_of_names(cutouts):
    assert run(cutouts, "agree", "--reference", "table.csv:sea") == 0
    scores = pd.read_csv(cutouts / "out/agreement.csv").set_index("dim")
    table = pd.read_csv(cutouts / "out/clusters.csv")
    assert set(table["reference"].dropna()) == {"Arctic", "Baltic", "Coral"}
    both = table.dropna(subset=["reference", "cluster_d0"])
    assert len(both) == N - 2
    wanted = adjusted_rand_score(both["reference"], both["cluster_d0"])
    assert scores["ari"][0] == pytest.approx(wanted)
    assert wanted > 0.8 > abs(scores["ari"][1])
    report = json.loads((cutouts / "out/report.json").read_text())
    assert (report["roi"], report["unmatched"], report["k_reference"]) == (None, 1, 3)


def test_columns_of_numbers_are_clustered_to_be_held_against(cutouts):
    assert run(cutouts, "agree", "--reference", "table.csv:DT,lat", "--k-max", "4") == 0
    report = json.loads((cutouts / "out/report.json").read_text())
    assert report["reference"]["columns"] == ["DT", "lat"]


def test_a_probe_never_divides_the_groups_of_a_table(cutouts):
    table = pd.read_csv(cutouts / "table.csv")
    rng = np.random.default_rng(0)
    table["orbit"] = rng.integers(0, 9, len(table))
    table["lon"] = rng.uniform(-170, 170, len(table))
    table["day"] = 2010 + table["orbit"] / 12 + 0.01
    table.to_csv(cutouts / "table.csv", index=False)
    asked = ["probe", "--labels", "table.csv:sea", "--groups"]
    for column, names in (("orbit", "orbit 3"), ("day", "2010-04")):
        assert run(cutouts, *asked, f"table.csv:{column}") == 0
        report = json.loads((cutouts / "out/probe_report.json").read_text())
        assert report["cross_validation"]["n_groups"] == 9
        assert names in set(pd.read_csv(cutouts / "out/folds.csv")["tested"])
        rmtree(cutouts / "out")
    assert run(cutouts, *asked, "table.csv:place", "--folds", "4") == 0
    tested = pd.read_csv(cutouts / "out/predictions.csv").merge(table, on="sample_id")
    tested = tested[tested["fold"] > 0]
    cells = EarthCells.of_size(10.0).of(tested["lat"].to_numpy(), tested["lon"].to_numpy())
    assert (tested.groupby(cells)["fold"].nunique() == 1).all()
    assert run(cutouts, *asked, "table.csv:DT") == 2


def test_a_session_is_written_and_computed_again(cutouts, capsys):
    stroke = {"panel": "pca", "kind": "lasso", "points": [[0, 9], [9, 0], [0, -9]]}
    asked = ["--dim", "0", "--map", "table.csv:DT", "--method", "gmm", "--also", "table.csv:lat"]
    asked += ["--selection", json.dumps({"A": [stroke | {"mode": "replace"}]}), "--tag", "t"]
    labels = f"{cutouts / 'table.csv'}:sea"
    colored = f"map={cutouts / 'table.csv'}:DT"
    assert run(cutouts, "session", *asked, "--labels", labels, "--color", colored) == 0
    report = json.loads((cutouts / "out/session_report.json").read_text())
    selected = pd.read_csv(cutouts / "out/selection.csv").set_index("sample_id")
    assert report["selections"]["A"]["n"] == len(selected) > 20
    source = pd.read_csv(cutouts / "table.csv").set_index("sample_id")
    known = [one for one in selected.index if one in source.index]
    assert (selected["sea"][known] == source["sea"][known]).all()
    mean = report["statistics"]["A"]["values"]["lat"]["mean"]
    assert mean == pytest.approx(source["lat"][known].mean(), rel=1e-6)
    exec((cutouts / "out/session_again.py").read_text(), {})
    assert capsys.readouterr().out.count("equal: True") == 3


def test_a_map_of_a_scan_is_refused_with_what_to_do(cutouts, capsys):
    pd.DataFrame({"x": [0, 1], "y": [0, 0], "bc": [1.0, 2.0]}).to_csv(cutouts / "map.csv")
    for words in (
        ["cluster", "--dim", "0", "--map", str(cutouts / "map.csv:bc"), "--method", "kmeans"],
        ["agree", "--reference", str(cutouts / "map.csv:bc")],
    ):
        assert run(cutouts, *words) == 2
        assert "give --coords" in capsys.readouterr().err
