"""A session's report holds what numpy says, and its snippet computes the same arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import InputError
from latentcore.workflows import VERBS, execute

BOX = {"panel": "map", "kind": "box", "points": [[12, 5], [20, 9]], "mode": "replace"}
LASSO = {"panel": "pca", "kind": "lasso", "points": [[-9, -9], [0, 9], [9, -9]], "mode": "add"}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Latents and two maps of a grid of 20 × 15 points in shuffled order."""
    random = np.random.default_rng(3)
    y, x = (axis.ravel() for axis in np.mgrid[0:15, 10:30])
    order = random.permutation(len(x))
    x, y = x[order], y[order]
    values = random.normal(size=(len(x), 4)).astype(np.float32)
    values[:, 2] += np.where(x < 20, -3, 3)
    values[5] = np.nan
    grid = ScanGrid.from_coordinates(x, y)
    dims = np.arange(4, dtype=np.int32)
    write_latents(
        tmp_path / "scan_latents.h5", LatentSet(values, default_sample_ids(len(x)), dims, grid)
    )
    contrast = np.where(y < 7, 80, 160) + random.integers(0, 9, len(x))
    table = pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast, "Fe": random.random(len(x))})
    table[["x", "y", "bandcontrast"]].to_csv(tmp_path / "bc.csv", index=False)
    table[["x", "y", "Fe"]].sample(frac=1, random_state=1).to_csv(tmp_path / "fe.csv", index=False)
    return tmp_path


def _request(scan: Path, **given: object) -> object:
    settings = {
        "latents": str(scan / "scan_latents.h5"),
        "dim": 2,
        "map": f"{scan / 'bc.csv'}:bandcontrast",
        "method": "kmeans",
        "k": 4,
        "roi": (12.0, 28.0, 0.0, 12.0),
        "also": (f"iron={scan / 'fe.csv'}:Fe",),
        "selection": json.dumps({"A": [BOX], "B": [LASSO]}),
        "view": json.dumps({"anything": [1, 2]}),
    }
    return VERBS.get("session").request(**{**settings, **given})


def test_report_holds_what_numpy_says(scan: Path) -> None:
    out = scan / "out"
    execute("session", _request(scan), out)
    report = json.loads((out / "session_report.json").read_text())
    table = pd.read_csv(out / "cluster_assignments__d2_x_12_28_y_0_12_kmeans.csv")
    assert report["points"]["n_roi"] == len(table) == 16 * 12
    inside = table[(table.x >= 12) & (table.x < 20) & (table.y >= 5) & (table.y < 9)]
    told = report["statistics"]["A"]
    assert report["selections"]["A"]["n"] == told["n"] == len(inside) == 8 * 4
    latent = inside["latent"].dropna().astype(np.float32).astype(float)
    assert told["values"]["latent_d2"]["n_finite"] == len(latent)
    assert told["values"]["latent_d2"]["mean"] == pytest.approx(latent.mean(), rel=1e-6)
    iron = pd.read_csv(scan / "fe.csv").merge(inside[["x", "y"]], on=["x", "y"])["Fe"]
    assert told["values"]["iron"]["mean"] == pytest.approx(iron.mean(), rel=1e-6)
    selected = pd.read_csv(out / "selection.csv")
    assert selected["in_A"].sum() == len(inside)
    assert selected["in_B"].sum() == report["selections"]["B"]["n"] > 0
    assert report["view"] == {"anything": [1, 2]}
    assert [entry["role"] for entry in report["inputs"]] == ["latents", "map", "map"]
    assert all(entry["fingerprint"].startswith("blake2b:") for entry in report["inputs"])
    assert {"numpy", "scikit-learn", "latentcore"} <= set(report["versions"])


def test_snippet_computes_the_same_arrays(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = scan / "out"
    execute("session", _request(scan), out)
    made: dict[str, object] = {}
    exec((out / "session_again.py").read_text(), made)
    said = capsys.readouterr().out
    assert "labels equal: True" in said
    assert said.count("equal: True") == 3
    table = pd.read_csv(out / "cluster_assignments__d2_x_12_28_y_0_12_kmeans.csv")
    labels = made["labels"]
    inside = made["found"].inside  # type: ignore[attr-defined]
    assert np.array_equal(labels[inside], table["cluster"])  # type: ignore[index]


def test_umap_that_another_run_left_is_used(scan: Path) -> None:
    project = VERBS.get("project").request(latents=str(scan / "scan_latents.h5"), method="pca")
    execute("project", project, scan / "embedding")
    request = _request(
        scan, embedding=str(scan / "embedding" / "embedding.parquet"), selection=None
    )
    execute("session", request, scan / "out")
    report = json.loads((scan / "out" / "session_report.json").read_text())
    run = json.loads((scan / "embedding" / "run.json").read_text())
    assert report["embedding"]["panel"] == f"umap-{run['run_id'][:8]}"
    assert run["run_id"] in json.loads((scan / "out" / "run.json").read_text())["parents"]
    assert not (scan / "out" / "selection.csv").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"selection": "no such file"}, "neither JSON nor a file"),
        ({"selection": '{"A": [{"panel": "map"}]}'}, r"selection can't be read.*kind"),
        ({"selection": json.dumps({"A": [{**BOX, "panel": "umap-1"}]})}, "not at hand"),
        ({"view": "{"}, "view is no JSON"),
        ({"dim": 9}, "dimension"),
        ({"also": ("x=nothing.csv",)}, "nothing.csv"),
        ({"embedding": "bc.csv"}, "bc.csv"),
    ],
)
def test_wrong_requests_are_explained_and_leave_nothing(
    scan: Path, given: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        execute("session", _request(scan, **given), scan / "out")
    assert not (scan / "out").exists()


def test_command_line(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        ["session", str(scan / "scan_latents.h5"), "--dim", "2", "--map", str(scan / "bc.csv"),
         "--method", "kmeans", "--k", "3", "--out", str(scan / "out"), "--json", "--quiet"]
    )  # fmt: skip
    assert status == 0
    assert json.loads(capsys.readouterr().out)["clusters"]["k"] == 3


def test_table_that_is_no_embedding_is_told_in_one_line(scan: Path) -> None:
    table = scan / "other.parquet"
    pd.DataFrame({"sample_id": ["0"], "U0": [1.0]}).to_parquet(table)
    with pytest.raises(InputError, match=r"'other\.parquet' is no embedding: it lacks U1\. Give"):
        execute("session", _request(scan, embedding=str(table)), scan / "out")
    table.write_text("x,y\n")
    with pytest.raises(InputError, match=r"'other\.parquet' is no embedding: .+ Give"):
        execute("session", _request(scan, embedding=str(table)), scan / "out")
