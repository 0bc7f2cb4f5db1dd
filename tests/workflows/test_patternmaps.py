from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentcore.cli import main
from latentcore.readers import open_maps, open_samples
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi


@pytest.fixture
def location(tmp_path):
    coords = np.random.default_rng(2).permutation(full_grid(6, 5, x0=10))
    return write_kikuchi(tmp_path / "scan.h5", coords, patterns(30))


def test_writes_a_map_with_figures_and_definitions(location, tmp_path, capsys):
    out = tmp_path / "run"
    asked = ["--map", "adp", "--detector", "low $=0:8:6:8", "--detector", "mid=disk:4:4:2",
             "--detector-value", "mean", "--combine", "d=mid/low $"]  # fmt: skip
    assert main(["patternmaps", str(location), "--out", str(out), "--quiet", "--json", *asked]) == 0
    with open_samples(str(location)) as samples:
        values = samples.read(slice(None))[:, 0].astype(float)
        grid = samples.grid
    table = pd.read_csv(out / "pattern_maps.csv")
    assert list(table.columns) == ["x", "y", "adp", "low $", "mid", "d"]
    np.testing.assert_array_equal(table[["x", "y"]], np.column_stack([grid.x, grid.y]))
    low = values[:, 6:8].mean((1, 2))
    y, x = np.mgrid[0:8, 0:8] - 3.5
    mid = values[:, x**2 + y**2 <= 4].mean(1)
    np.testing.assert_allclose(table["low $"], low)
    np.testing.assert_allclose(table["d"], mid / low)
    report = json.loads((out / "report.json").read_text())
    assert (report["maps"]["mid"]["detector"], report["maps"]["mid"]["n_pixels"]) == (
        "disk:4:4:2",
        12,
    )
    assert "kikuchipy" in report["maps"]["adp"]["definition"] and report["notes"] == []
    for one in report["maps"].values():
        assert (out / one["figure"]).read_bytes()[:4] == b"\x89PNG"
    assert len({one["figure"] for one in report["maps"].values()}) == 4
    maps = open_maps(str(out / "pattern_maps.csv"))
    np.testing.assert_allclose(maps.at(grid)[0][maps.names.index("low $")], low, rtol=1e-6)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--map", "quality"], "No pattern map is called 'quality'"),
        (["--detector", "A=0:9:0:3"], "8 × 8 pixels"),
        (["--map", "adp", "--detector", "adp=0:1:0:1"], "another name"),
        (["--combine", "d=A-B"], "There are: none"),
    ],
)
def test_bad_requests_leave_nothing(asked, said, location, tmp_path, capsys):
    assert main(["patternmaps", str(location), "--out", str(tmp_path / "run"), *asked]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["scan.h5"]
