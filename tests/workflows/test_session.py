"""A session's report holds what numpy says, and its snippet computes the same arrays."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import cbook
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from latentcore.analysis import exploration
from latentcore.analysis.cluster_numbers import numbers_of
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.artifacts.region_files import regions_json
from latentcore.cli import main
from latentcore.containers import (
    Embedding,
    LatentSet,
    Region,
    RegionSet,
    ScanGrid,
    ScanPoints,
    default_sample_ids,
)
from latentcore.errors import InputError
from latentcore.figures import embedding as embedding_module
from latentcore.figures.embedding import embedding_figure
from latentcore.inputs import latents as latents_input
from latentcore.outputs import clustered_points
from latentcore.readers import open_latents
from latentcore.workflows import VERBS, execute
from latentcore.workflows.session import inputs as session_inputs

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
    reported = report["statistics"]["A"]
    assert report["selections"]["A"]["n"] == reported["n"] == len(inside) == 8 * 4
    latent = inside["latent"].dropna().astype(np.float32).astype(float)
    assert reported["values"]["latent_d2"]["n_finite"] == len(latent)
    assert reported["values"]["latent_d2"]["mean"] == pytest.approx(latent.mean(), rel=1e-6)
    iron = pd.read_csv(scan / "fe.csv").merge(inside[["x", "y"]], on=["x", "y"])["Fe"]
    assert reported["values"]["iron"]["mean"] == pytest.approx(iron.mean(), rel=1e-6)
    selected = pd.read_csv(out / "selection.csv")
    assert selected["in_A"].sum() == len(inside)
    assert selected["in_B"].sum() == report["selections"]["B"]["n"] > 0
    assert not {"bandcontrast", "iron"} - set(selected)
    latents = pd.DataFrame(open_latents(str(scan / "scan_latents.h5")).values[selected["row"]])
    written = selected[[f"latent_d{dim}" for dim in latents]]
    np.testing.assert_array_equal(written.to_numpy(np.float32), latents.to_numpy())
    assert report["view"] == {"anything": [1, 2]}
    assert [entry["role"] for entry in report["inputs"]] == ["latents", "map", "map"]
    assert all(entry["fingerprint"].startswith("blake2b:") for entry in report["inputs"])
    assert {"numpy", "scikit-learn", "latentcore"} <= set(report["versions"])


def test_map_called_like_another_column_stays_beside_it(scan: Path) -> None:
    names = ("x", "cluster", "in_A", "latent_d0")
    also = tuple(f"{name}={scan / 'fe.csv'}:Fe" for name in names)
    execute("session", _request(scan, also=also), scan / "out")
    selected = pd.read_csv(scan / "out" / "selection.csv")
    iron = pd.read_csv(scan / "fe.csv")
    expected = selected[["x", "y"]].merge(iron, on=["x", "y"], how="left")["Fe"]
    for name in names:
        np.testing.assert_allclose(selected[f"{name} (map)"], expected)


def test_latents_are_read_once_clustered_once_and_projected_once(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        real = getattr(module, name)

        def counted(*args: Any, **options: Any) -> Any:
            calls[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(module, name, counted)

    count(latents_input, "open_latents")
    count(clustered_points, "cluster_features")
    count(exploration, "cluster_features")
    count(session_inputs, "pca")
    execute("session", _request(scan), scan / "out")
    assert calls == {"open_latents": 1, "cluster_features": 1, "pca": 1}


def drawn(scan: Path, monkeypatch: pytest.MonkeyPatch, **given: object) -> dict[str, Any]:
    """Carry out a session and return what its embedding is drawn from."""
    seen: dict[str, Any] = {}

    def record(embedding: Embedding, **reported: Any) -> Figure:
        seen.update(reported, embedding=embedding)
        return embedding_figure(embedding, **reported)

    monkeypatch.setattr(embedding_module, "embedding_figure", record)
    execute("session", _request(scan, **given), scan / "out")
    assert (scan / "out" / "embedding.png").stat().st_size > 1000
    return seen


def test_embedding_is_colored_by_what_the_page_shows(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = open_latents(str(scan / "scan_latents.h5"))
    seen = drawn(scan, monkeypatch, color="latent", cmap="magma", limits=(-2.0, 2.0))
    np.testing.assert_array_equal(seen["values"], latents.dimension(2))
    assert (seen["cmap"], seen["limits"], seen["label"]) == ("magma", (-2.0, 2.0), "latent 2")
    box = pd.DataFrame({"x": latents.grid.x, "y": latents.grid.y})
    assert seen["inside"].tolist() == ((box.x >= 12) & (box.x < 28) & (box.y < 12)).tolist()
    assert seen["selected"].sum() == 8 * 4


@pytest.mark.parametrize(
    ("color", "label"),
    [("cluster", "cluster"), ("map={}/fe.csv:Fe", "Fe (%)"), ("map={}/grain.csv", "grain_id"),
     ("map={}/phase.csv:phase", "phase"), ("similarity", "cosine similarity to point 7")],
)  # fmt: skip
def test_embedding_has_each_coloring_of_the_page(
    scan: Path, labeled: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, color: str, label: str
) -> None:
    seen = drawn(scan, monkeypatch, color=color.format(scan), pinned=7, selection=None)
    assert seen["label"] == label
    assert seen["selected"] is None
    latents = open_latents(str(scan / "scan_latents.h5"))
    if label in labeled:
        at = labeled.set_index(["x", "y"])[label]
        expected = [str(at[x, y]) for x, y in zip(latents.grid.x, latents.grid.y, strict=True)]
        assert [seen["names"][code] for code in seen["labels"]] == expected
    elif color == "similarity":
        assert seen["values"][7] == pytest.approx(1)


def test_regions_have_their_colors_in_the_embedding_but_hidden_ones(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = open_latents(str(scan / "scan_latents.h5"))
    points = ScanPoints.of_latents(latents)
    left, all_of_it = latents.grid.x < 14, np.ones(len(latents), bool)
    regions = RegionSet(points.scan)
    placed = regions.place(points)
    regions = regions.added(Region("left", "#123456", placed.points(left)))
    regions = regions.added(Region("rest", "#ff00ff", placed.points(all_of_it), hidden=True))
    (scan / "regions.json").write_text(regions_json(regions))
    monkeypatch.setattr(embedding_module, "_scatter", lambda axes, pair, rgb: colors.append(rgb))
    colors: list[np.ndarray] = []
    seen = drawn(scan, monkeypatch, regions=str(scan / "regions.json"), color="latent=0",
                 roi=None, selection=None, limits=(9.0, 10.0))  # fmt: skip
    np.testing.assert_array_equal(seen["values"], latents.dimension(0))
    assert seen["limits"] is None  # those are of the latent in view
    marked = (colors[0] == (0x12, 0x34, 0x56)).all(axis=1)
    assert marked.sum() == (left & latents.encoded).sum()
    assert not (colors[0] == (255, 0, 255)).all(axis=1).any()


def test_violins_of_the_screen_are_in_the_report(scan: Path, labeled: pd.DataFrame) -> None:
    asked = [[0, "phase"], [2, "@clusters"], ["iron", "@selections"]]
    labels = (f"phase={scan / 'phase.csv'}:phase",)
    execute("session", _request(scan, labels=labels, distributions=json.dumps(asked)), scan / "out")
    report = json.loads((scan / "out" / "session_report.json").read_text())
    by_phase, by_cluster, by_selection = report["distributions"]
    latents = open_latents(str(scan / "scan_latents.h5"))
    grid, values = latents.grid, latents.dimension(0).astype(float)
    inside = (grid.x >= 12) & (grid.x < 28) & (grid.y < 12) & np.isfinite(values)
    for one, chosen in zip(by_phase["groups"], (grid.y < 7, grid.y >= 7), strict=True):
        exact = values[inside & chosen]
        stats = cbook.boxplot_stats(exact)[0]
        assert one["n"] == len(exact)
        assert one["quartiles"] == pytest.approx([stats["q1"], stats["med"], stats["q3"]])
        assert one["whiskers"] == pytest.approx([stats["whislo"], stats["whishi"]])
        wide = min(exact.std(ddof=1), (stats["q3"] - stats["q1"]) / 1.34)
        assert one["bandwidth"] == pytest.approx(0.9 * wide * len(exact) ** -0.2)
    assert [one["group"] for one in by_phase["groups"]] == ["Fe", "Ni"]
    assert [one["group"] for one in by_cluster["groups"]] == ["0", "1", "2", "3"]
    shares = {one["label"]: one["n"] for one in report["statistics"]["ROI"]["clusters"]}
    assert [one["n"] for one in by_cluster["groups"]] == [shares[k] for k in range(4)]
    counts = {one["group"]: one["n"] for one in by_selection["groups"]}
    assert counts == {
        "in view": 16 * 12,
        **{slot: report["selections"][slot]["n"] for slot in "AB"},
    }


def test_pca_is_drawn_where_it_is_shown_whatever_strokes_were_drawn_in(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = VERBS.get("project").request(latents=str(scan / "scan_latents.h5"), method="pca")
    execute("project", project, scan / "embedding")
    stored = str(scan / "embedding" / "embedding.parquet")
    seen = drawn(scan, monkeypatch, embedding=stored, draw_pca=True)
    assert seen["embedding"].method == "pca"
    report = json.loads((scan / "out" / "session_report.json").read_text())
    assert report["embedding"]["panel"] == "pca"


@pytest.fixture
def labeled(scan: Path) -> pd.DataFrame:
    y, x = (axis.ravel() for axis in np.mgrid[0:15, 10:30])
    table = pd.DataFrame({"x": x, "y": y, "grain_id": x // 7, "phase": np.where(y < 7, "Fe", "Ni")})
    table[["x", "y", "grain_id"]].to_csv(scan / "grain.csv", index=False)
    table.drop(columns="grain_id").to_csv(scan / "phase.csv", index=False)
    return table


def test_selected_points_are_listed_with_their_labels(scan: Path, labeled: pd.DataFrame) -> None:
    labels = (f"{scan / 'grain.csv'}:grain_id", f"what={scan / 'phase.csv'}:phase")
    execute("session", _request(scan, labels=labels), scan / "out")
    selected = pd.read_csv(scan / "out" / "selection.csv")
    expected = selected[["x", "y"]].merge(labeled, on=["x", "y"])
    assert selected["grain_id"].tolist() == expected["grain_id"].tolist()
    assert selected["what"].tolist() == expected["phase"].tolist()
    report = json.loads((scan / "out" / "session_report.json").read_text())
    assert set(report["statistics"]["A"]["values"]) == {"latent_d2", "bandcontrast", "iron"}


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


def test_clusters_of_a_roi_have_the_numbers_of_the_whole_scan(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, part = scan / "whole", scan / "part"
    execute("session", _request(scan, roi=None, tag="t"), whole)
    execute("session", _request(scan, numbers="scan", tag="t"), part)
    tables = [pd.read_csv(folder / "cluster_assignments__t.csv") for folder in (whole, part)]
    joined = tables[0].merge(tables[1], on=["x", "y"], suffixes=("_whole", ""))
    assert numbers_of(joined["cluster"], joined["cluster_whole"]) == {k: k for k in range(4)}
    assert (joined["cluster"] == joined["cluster_whole"]).mean() > 0.5
    exec((part / "session_again.py").read_text(), {})
    assert capsys.readouterr().out.count("equal: True") == 3
    again: dict[str, object] = {}
    exec((part / "cluster_again__t.py").read_text(), again)
    assert np.array_equal(again["labels"], tables[1]["cluster"])  # type: ignore[arg-type]


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


def test_view_of_a_selection_with_chosen_features_is_written_and_computed_again(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latents = open_latents(str(scan / "scan_latents.h5"))
    rows = np.flatnonzero(latents.grid.x < 22)
    np.save(scan / "rows.npy", rows)
    project = VERBS.get("project").request(
        latents=str(scan / "scan_latents.h5"), method="pca", rows=str(scan / "rows.npy")
    )
    execute("project", project, scan / "embedding")
    own = PCA(2).fit_transform(latents.values[rows[latents.encoded[rows]]])
    embedded = pd.read_parquet(scan / "embedding" / "embedding.parquet")
    assert embedded["sample_id"].tolist() == latents.sample_ids[rows].tolist()
    assert np.allclose(np.abs(embedded[["U0", "U1"]].dropna()), np.abs(own), atol=1e-4)
    request = _request(
        scan, dims=("all",), map=(str(scan / "bc.csv"), f"{scan / 'fe.csv'}:Fe"),
        weights=("Fe=2", "latent_d1=0.5"), rows=str(scan / "rows.npy"),
        embedding=str(scan / "embedding" / "embedding.parquet"),
    )  # fmt: skip
    execute("session", request, scan / "out")
    report = json.loads((scan / "out" / "session_report.json").read_text())
    assert report["points"]["n_roi"] == report["clusters"]["n_points"] == 10 * 12
    assert report["clusters"]["features"] == [
        "latent_d0", "latent_d1", "latent_d2", "latent_d3", "bandcontrast", "Fe",
    ]  # fmt: skip
    assert report["statistics"]["ROI"]["n"] == 10 * 12
    drawn_at = pd.read_csv(scan / "out" / "embedding.csv")
    assert set(np.flatnonzero(drawn_at["U0"].notna())) == set(rows[latents.encoded[rows]])
    exec((scan / "out" / "session_again.py").read_text(), {})
    assert capsys.readouterr().out.count("equal: True") == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dims": ("all",), "dim": None}, "one latent dimension"),
        ({"selection": "no such file"}, "neither JSON nor a file"),
        ({"selection": '{"A": [{"panel": "map"}]}'}, r"selection can't be read.*kind"),
        ({"selection": json.dumps({"A": [{**BOX, "panel": "umap-1"}]})}, "not available"),
        ({"view": "{"}, "view is no JSON"),
        ({"dim": 9}, "dimension"),
        ({"color": "mood"}, "can't be colored by 'mood'"),
        ({"color": "map"}, "can't be colored by 'map'"),
        ({"color": "orientation={}/bc.csv"}, "Euler angles"),
        ({"color": "similarity"}, "pinned must name"),
        ({"color": "similarity", "pinned": 5}, "row 5"),
        ({"also": ("x=nothing.csv",)}, "nothing.csv"),
        ({"embedding": "bc.csv"}, "bc.csv"),
    ],
)
def test_wrong_requests_are_explained_and_leave_nothing(
    scan: Path, given: dict[str, object], message: str
) -> None:
    if "color" in given:
        given = {**given, "color": str(given["color"]).format(scan)}
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


def test_table_that_is_no_embedding_is_reported_in_one_line(scan: Path) -> None:
    table = scan / "other.parquet"
    pd.DataFrame({"sample_id": ["0"], "U0": [1.0]}).to_parquet(table)
    with pytest.raises(InputError, match=r"'other\.parquet' is no embedding: it lacks U1\. Give"):
        execute("session", _request(scan, embedding=str(table)), scan / "out")
    table.write_text("x,y\n")
    with pytest.raises(InputError, match=r"'other\.parquet' is no embedding: .+ Give"):
        execute("session", _request(scan, embedding=str(table)), scan / "out")
