"""``rank`` on samples without a grid, against a table of them: which latent follows ΔT?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, partitions_of

N, PLACES = 1200, 40


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """1,200 cutouts at 40 places: latent 0 follows ΔT, latent 1 is the place, 2 is noise."""
    rng = np.random.default_rng(3)
    place = rng.integers(0, PLACES, N)
    warm, hidden = rng.normal(size=(2, PLACES))
    delta = 0.3 * rng.normal(size=N) + warm[place]
    values = np.column_stack([
        delta + rng.normal(size=N), hidden[place] + 0.1 * rng.normal(size=N), rng.normal(size=N),
    ]).astype(np.float32)  # fmt: skip
    values[5] = np.nan
    ids = np.array([f"valid/{row}" for row in range(N)])
    write_latents(tmp_path / "latents.h5", LatentSet(
        values, ids, np.arange(3, dtype=np.int32), partition=partitions_of(np.repeat("valid", N))
    ))  # fmt: skip
    lon = -170 + 340 * (place % 8) / 8
    lat = -60 + 120 * (place // 8) / 5
    table = pd.DataFrame({
        "sample_id": ids, "DT": delta, "lat": lat, "lon": lon, "orbit": place,
        "day": 2010 + rng.integers(0, 24, N) / 12 + 0.01, "sea": np.where(place % 2, "a", "b"),
    })  # fmt: skip
    table.drop(index=11).sample(frac=1, random_state=0).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def ranked(folder: Path, *more: str, column: str = "DT", out: str = "out"):
    asked = ["rank", str(folder / "latents.h5"), "--map", str(folder / f"table.csv:{column}")]
    status = main([*asked, "--out", str(folder / out), "--quiet", *more])
    if status:
        return status, None
    return status, json.loads((folder / out / "report.json").read_text())


def test_scores_are_those_of_the_joined_pairs(cutouts):
    status, report = ranked(cutouts)
    assert status == 0
    assert report["metrics"] == ["pearson", "spearman", "kendall", "mi", "dcorr", "hsic"]
    assert report["roi"] is None
    scores = pd.read_csv(cutouts / "out/latent_scores.csv").set_index("dim")
    reference = pd.read_csv(cutouts / "out/reference.csv").set_index("sample_id")["reference"]
    source = pd.read_csv(cutouts / "table.csv").set_index("sample_id")["DT"]
    np.testing.assert_allclose(reference[source.index], source, rtol=1e-6)
    from latentcore.readers import open_latents

    values = open_latents(cutouts / "latents.h5").values
    known = np.isfinite(reference.to_numpy()) & np.isfinite(values[:, 0])
    assert known.sum() == N - 2  # one has no latent, one isn't in the table
    assert report["unmatched"] == 1
    for dim in range(3):
        pair = values[known, dim].astype(float), reference.to_numpy()[known]
        assert scores["pearson"][dim] == pytest.approx(pearsonr(*pair).statistic, abs=1e-6)
        assert scores["spearman"][dim] == pytest.approx(spearmanr(*pair).statistic, abs=1e-6)
    assert report["rankings"]["pearson"][0]["dim"] == 0
    assert (cutouts / "out/latent_d0_vs_reference.png").exists()


def uncertainty(folder: Path, *more: str, out: str):
    _, report = ranked(folder, "--top", "0", "--metric", "pearson", *more, out=out)
    table = pd.read_csv(folder / out / "latent_uncertainty.csv").set_index("dim")
    return report, table


def test_places_are_drawn_as_one_and_chance_knows_it(cutouts):
    report, by_place = uncertainty(cutouts, out="place")
    assert report["uncertainty"]["intervals"]["n_blocks"] == PLACES
    assert report["uncertainty"]["chance"]["null"] == "groups"
    assert "40 groups (cell of equal area" in " ".join(report["notes"])
    alone, by_sample = uncertainty(cutouts, "--groups", "none", out="none")
    assert alone["uncertainty"]["intervals"]["n_blocks"] == N - 1
    assert "each sample as independent" in " ".join(alone["notes"])
    width = by_place["upper"] - by_place["lower"]
    # Of the latent that is a place, 1,198 pairs tell no more than 40.
    assert width[1] > 3 * (by_sample["upper"] - by_sample["lower"])[1]
    assert by_place["lower"][0] < by_place["score"][0] < by_place["upper"][0]
    assert by_place["p_corrected"][0] < 0.05
    assert by_place["p"][1] > 0.05
    assert by_sample["p"][1] < 0.05  # what groups are for


@pytest.mark.parametrize(
    ("groups", "n", "what"),
    [("orbit", PLACES, "orbit"), ("day", 24, "month of day"), ("sea", None, "fewer")],
)
def test_groups_are_a_column_of_the_table(cutouts, groups, n, what):
    _, report = ranked(cutouts, "--top", "0", "--metric", "pearson", "--groups", groups)
    if n is None:
        assert "There are 2 groups" in " ".join(report["notes"])
        assert report["uncertainty"] is None
        return
    assert report["uncertainty"]["intervals"]["n_blocks"] == n
    assert report["uncertainty"]["intervals"]["block"] == what


def test_intervals_of_groups_hold_the_truth_as_often_as_they_say():
    """Of 60 sets of 50 groups of 6, about 95 % of the intervals hold the correlation."""
    from latentcore.analysis.ranking.uncertainty import group_intervals

    rng, held = np.random.default_rng(0), 0
    for _ in range(60):
        shared = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 50).repeat(6, axis=0)
        own = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 300)
        x, y = (shared + own).T
        found = group_intervals(x[:, None], y, np.arange(300) // 6, metrics=["pearson"])
        held += found.lower["pearson"][0] <= 0.5 <= found.upper["pearson"][0]
    assert 52 <= held <= 60


@pytest.mark.parametrize(
    ("words", "column", "said"),
    [
        (
            ("--metric", "pp_spatial"),
            "DT",
            "removes a trend over the scan, but the latents have no",
        ),
        (("--groups", "DT"), "DT", "holds a quantity, of which no two samples"),
        (("--groups", "partition2"), "DT", "No column is called 'partition2'"),
        (("--seed-names",), "DT", "--seed-names are of maps"),
        ((), "sea", "holds names, such as"),
        ((), "SST", "No column is called 'SST'"),
        (("--roi", "0", "1", "0", "1"), "DT", "coord"),
    ],
)
def test_what_makes_no_sense_is_refused(cutouts, capsys, words, column, said):
    more = ("--uncertainty", "pearson") if words[:1] == ("--groups",) else ()
    status, _ = ranked(cutouts, *words, *more, column=column)
    assert status == 2
    assert said in capsys.readouterr().err


def test_a_table_without_a_column_named_says_which_there_are(cutouts, capsys):
    asked = ["rank", str(cutouts / "latents.h5"), "--map", str(cutouts / "table.csv")]
    assert main([*asked, "--out", str(cutouts / "out")]) == 2
    assert "holds several columns: DT, lat, lon" in capsys.readouterr().err
