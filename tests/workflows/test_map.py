from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentcore.cli import main


@pytest.fixture
def scan(tmp_path):
    y, x = np.divmod(np.arange(60), 10)
    values = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    values[4, 0] = np.nan
    table = pd.DataFrame({"x": x, "y": y, "latent_d1": values[:, 0], "latent_d8": values[:, 1]})
    table.sample(frac=1, random_state=0).to_parquet(tmp_path / "latents.parquet", index=False)
    return tmp_path


def called(scan, *more):
    return main(
        ["map", str(scan / "latents.parquet"), "--out", str(scan / "run"), "--quiet", "--json",
         *more]
    )  # fmt: skip


def test_writes_table_array_and_figure_per_dimension(scan, capsys):
    assert called(scan, "--dim", "1", "8", "1") == 0
    source = pd.read_parquet(scan / "latents.parquet")
    for dim in (1, 8):
        table = pd.read_csv(
            scan / f"run/latent_full_d{dim}.csv", dtype={f"latent_d{dim}": np.float32}
        )
        pd.testing.assert_frame_equal(
            table, source[["x", "y", f"latent_d{dim}"]].reset_index(drop=True)
        )
        field = np.load(scan / f"run/latent_full_d{dim}.npy")
        assert field.shape == (6, 10)
        assert field.dtype == np.float32
        ordered = source.sort_values(["y", "x"])[f"latent_d{dim}"].to_numpy()
        np.testing.assert_array_equal(field.ravel(), ordered)
        assert (scan / f"run/latent_full_d{dim}.png").read_bytes()[:4] == b"\x89PNG"
    summary = json.loads(capsys.readouterr().out)
    assert [message["dim"] for message in summary["maps"]] == [1, 8]
    assert summary["maps"][0]["n_finite"] == 59


def test_roi_cuts_table_and_array(scan):
    assert called(scan, "--dim", "8", "--roi", "2", "5", "1", "3") == 0
    assert len(pd.read_csv(scan / "run/latent_full_d8.csv")) == 6
    assert np.load(scan / "run/latent_full_d8.npy").shape == (2, 3)


def test_limits_and_color_map_are_the_users(scan, capsys):
    assert called(scan, "--dim", "8", "--limits", "-0.5", "0.5", "--cmap", "cividis") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["maps"][0]["limits"] == [-0.5, 0.5]
    assert summary["cmap"] == "cividis"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--dim", "3"), "Latent dimension 3"),
        (("--dim", "1", "--cmap", "jet"), "No color map is called 'jet'"),
        (("--dim", "1", "--limits", "1", "0"), "finite with lo ≤ hi, but are 1 and 0"),
        (("--dim", "1", "--roi", "50", "60", "0", "9"), "holds no point"),
        (("--dim", "1", "--roi", "4", "5", "0", "1"), "no value at any of 1 points"),
    ],
)
def test_senseless_requests_exit_with_2_and_leave_nothing(scan, capsys, more, message):
    assert called(scan, *more) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


def test_array_without_coordinates_asks_for_them(scan, capsys):
    np.save(scan / "field.npy", np.zeros((5, 2)))
    out = str(scan / "run")
    assert main(["map", str(scan / "field.npy"), "--dim", "1", "--out", out]) == 2
    assert "give --coords" in capsys.readouterr().err
