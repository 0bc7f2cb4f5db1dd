"""The verb ``geography``, called as the command line calls it, against pandas and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, default_sample_ids

N = 2500


@pytest.fixture(scope="module")
def cutouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples whose first latent follows latitude: the embedding's U0 tells the hemisphere."""
    tmp_path = tmp_path_factory.mktemp("cutouts")
    rng = np.random.default_rng(0)
    latitude = np.rad2deg(np.arcsin(rng.uniform(-1, 1, N)))
    values = rng.normal(size=(N, 4)) * 0.1
    values[:, 0] += latitude / 30
    ids = default_sample_ids(N)
    dims = np.arange(4, dtype=np.int32)
    write_latents(tmp_path / "z.h5", LatentSet(values.astype(np.float32), ids, dims, None))
    days = rng.integers(0, 731, N)
    table = pd.DataFrame(
        {
            "sample_id": ids,
            "lat": latitude,
            "lon": rng.uniform(0, 360, N),
            "DT": rng.normal(size=N),
            "datetime": pd.Timestamp("2012-01-01") + pd.to_timedelta(days, unit="D"),
        }
    )
    table.loc[0, "lat"] = np.nan
    table.sample(frac=1, random_state=1).to_parquet(tmp_path / "table.parquet")
    run = ["project", str(tmp_path / "z.h5"), "--method", "pca", "--out", str(tmp_path / "run")]
    assert main([*run, "--quiet"]) == 0
    return tmp_path


def call(folder: Path, out: Path, *words: object) -> int:
    named = ["--embedding", folder / "run", "--table", folder / "table.parquet"]
    words = ("geography", folder / "z.h5", *named, *words, "--out", out, "--quiet")
    return main([*map(str, words)])


def known(folder: Path) -> pd.DataFrame:
    places = pd.read_parquet(folder / "run/embedding.parquet")
    table = pd.read_parquet(folder / "table.parquet")
    return places.merge(table, on="sample_id").dropna(subset=["lat"])


def test_shares_of_a_region_by_cell_season_and_year_are_those_of_pandas(cutouts, tmp_path):
    truth = known(cutouts)
    inside = truth["U0"].between(0, 2)
    assert (
        call(cutouts, tmp_path / "out", "--box", 0, 2, -9, 9, "--cell", 30, "--min-count", 20) == 0
    )
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["n_used"] == N - 1
    assert report["share_of_region"] == pytest.approx(inside.mean())
    earth = pd.read_csv(tmp_path / "out/earth.csv")
    # 30° at the equator: 12 columns, and 120/π, rounded to 4, rows of equal steps of the sine.
    row = np.floor((np.sin(np.deg2rad(truth["lat"])) + 1) / 2 * 4)
    column = np.floor((truth["lon"] + 180) % 360 / 30)
    times = {
        "all": truth["lat"] > -99,
        "December to February": truth["datetime"].dt.month.isin([12, 1, 2]),
        "June to August": truth["datetime"].dt.month.isin([6, 7, 8]),
        "2013": truth["datetime"].dt.year == 2013,
    }
    for period, then in times.items():
        wanted = inside[then].groupby([row[then], column[then]]).agg(["size", "mean"])
        found = earth[earth["period"] == period]
        assert found["n"].tolist() == wanted["size"].tolist()
        share = wanted["mean"].where(wanted["size"] >= 20)
        np.testing.assert_allclose(found["share"], share)
        np.testing.assert_allclose(found["enrichment"], share / inside.mean())
    assert earth["latitude"].min() == pytest.approx(-np.rad2deg(np.arcsin(0.75)))
    assert set(earth["period"]) == {*times, "March to May", "September to November", "2012"}
    for name in ("earth", "seasons", "years", "bins"):
        assert (tmp_path / f"out/{name}.png").stat().st_size > 5_000


def test_pictures_without_a_single_share_are_left_out_and_said(cutouts, tmp_path):
    truth = known(cutouts)
    words = ("--box", 0, 2, -9, 9, "--cell", 90, "--min-count", len(truth) // 6)
    assert call(cutouts, tmp_path / "out", *words) == 0
    earth = pd.read_csv(tmp_path / "out/earth.csv")
    shares = earth.groupby("period")["share"].count()
    years = [period for period in shares.index if period.isdecimal()]
    seasons = [period for period in shares.index if " to " in period]
    notes = json.loads((tmp_path / "out/report.json").read_text())["notes"]
    drawn = {"earth": shares["all"], "seasons": shares[seasons].sum(), "years": shares[years].sum()}
    assert 0 in drawn.values()
    for name, known_shares in drawn.items():
        assert (tmp_path / f"out/{name}.png").exists() == (known_shares > 0)
        assert any(f"no {name}.png" in note for note in notes) == (known_shares == 0)


def test_shares_of_a_place_and_medians_by_bin_are_those_of_pandas(cutouts, tmp_path):
    truth = known(cutouts)
    # Across the date line, from 170° E to 160° W.
    inside = truth["lon"].between(170, 200) & truth["lat"].between(-60, 60)
    words = ("--place", 170, -160, -60, 60, "--median", "DT", "--bins", 4, "--min-count", 5)
    assert call(cutouts, tmp_path / "out", *words) == 0
    found = pd.read_csv(tmp_path / "out/bins.csv")
    everyone = pd.read_parquet(cutouts / "run/embedding.parquet")
    code = [
        pd.cut(truth[axis], np.linspace(everyone[axis].min(), everyone[axis].max(), 5),
               labels=False, include_lowest=True)
        for axis in ("U1", "U0")
    ]  # fmt: skip
    wanted = truth.assign(inside=inside).groupby(code).agg(
        n=("DT", "size"), k=("inside", "sum"), middle=("DT", "median")
    )  # fmt: skip
    enough = wanted["n"] >= 5
    assert found["n"].tolist() == wanted["n"].tolist()
    assert found["n_place"].tolist() == wanted["k"].tolist()
    np.testing.assert_allclose(found["share"], (wanted["k"] / wanted["n"]).where(enough))
    np.testing.assert_allclose(found["median_DT"], wanted["middle"].where(enough), rtol=1e-6)
    earth = pd.read_csv(tmp_path / "out/earth.csv")
    assert list(earth.columns) == ["period", "latitude", "longitude", "n"]
    assert earth["n"].sum() == N - 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--box", 50, 60, 0, 1), "No sample lies in the --box. The embedding covers U0"),
        (("--box", 2, 1, 0, 1), "The --box is empty"),
        (("--place", 0, 9, 40, 20), "Give SOUTH below NORTH"),
        (("--median", "salinity"), "No column is called 'salinity'"),
        (("--time", "DT"), "--time 'DT' holds no times"),
        (("--cell", 0), "can't be counted in"),
    ],
)
def test_what_can_not_be_counted_is_refused(cutouts, tmp_path, capsys, words, why):
    assert call(cutouts, tmp_path / "out", *words) == 2
    assert why in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
