"""A vendor's file through the verbs: patterns in, its own maps as references."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.cli import main
from tests.factories.ebsd import write_bruker, write_kikuchipy, write_oxford
from tests.factories.kikuchi import full_grid, patterns

COORDS = full_grid(8, 6)
IMAGES = patterns(48)[:, 0]
CONTRAST = np.arange(48) * 5


def _run(*arguments: str | Path) -> None:
    assert main([*map(str, arguments), "--quiet"]) == 0


def test_band_contrast_of_the_scan_is_the_reference(tmp_path: Path) -> None:
    scan = write_oxford(tmp_path / "scan.h5oina", COORDS, IMAGES, CONTRAST)
    latents = tmp_path / "latents" / "scan_latents.h5"
    keep = ("--keep-above", f"{scan}:Band Contrast", "20")
    _run("extract", scan, "--checkpoint", "pca:3", *keep, "--out", latents.parent)
    for spec in (f"{scan}:Band Contrast", f"{scan}:bandcontrast", f"{scan}"):
        out = tmp_path / f"clusters {len(spec)}"
        _run(
            "cluster", latents, "--dim", "0", "--map", spec, "--method", "kmeans", "--k", "2",
            "--out", out,
        )  # fmt: skip
        table = pd.read_csv(next(out.glob("cluster_assignments__*.csv")))
        np.testing.assert_array_equal(table.bandcontrast, CONTRAST)
        np.testing.assert_array_equal(table.cluster == -1, CONTRAST <= 20)
        np.testing.assert_allclose(table.x, COORDS[:, 0] * 0.25)
    _run("map", latents, "--dim", "1", "--out", tmp_path / "maps")
    drawn = np.load(tmp_path / "maps" / "latent_full_d1.npy")
    assert drawn.shape == (6, 8)


def test_scrambled_region_gives_the_same_latents_at_the_same_places(tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(48)
    write_oxford(tmp_path / "a.h5oina", COORDS, IMAGES, CONTRAST)
    write_bruker(tmp_path / "b.h5", COORDS[order], IMAGES[order], CONTRAST[order])
    maps = []
    for name in ("a.h5oina", "b.h5"):
        out = tmp_path / f"latents {name}"
        _run("extract", tmp_path / name, "--checkpoint", "pca:2", "--out", out)
        _run("map", next(out.glob("*_latents.h5")), "--dim", "0", "--out", out / "maps")
        maps.append(np.abs(np.load(out / "maps" / "latent_full_d0.npy")))
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-3, atol=1e-3)


def test_options_of_the_reader_are_given_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = write_kikuchipy(tmp_path / "scan.h5", COORDS, IMAGES, CONTRAST, scans=2)
    _run(
        "extract", scan, "--reader", "kikuchipy-hdf5:scan=2", "--checkpoint", "pca:2",
        "--out", tmp_path / "latents",
    )  # fmt: skip
    record = json.loads((tmp_path / "latents" / "run.json").read_text())
    assert record["request"]["reader"] == "kikuchipy-hdf5:scan=2"
    capsys.readouterr()
    assert main(["inspect", str(scan), "--reader", "kikuchipy-hdf5:scan=2", "--json"]) == 0
    message = json.loads(capsys.readouterr().out)
    assert (message["reader"], message["maps_reader"]) == ("kikuchipy-hdf5", "kikuchipy-maps")
    assert "This is 'Scan 2'" in message["notes"][0]
