"""``regions``: labels and tables equal pandas' numbers, and bad input leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.region_files import regions_json, regions_of
from latentcore.cli import main
from latentcore.containers import Region, RegionSet, ScanGrid, ScanPoints, default_sample_ids

Y, X = (axis.ravel() for axis in np.mgrid[:20, :30])
LEFT, TOP = X < 10, (Y < 6) & (X >= 8)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions")
    random = np.random.default_rng(0)
    values = random.normal(size=(600, 3)) + 3 * np.column_stack([LEFT, TOP, LEFT])
    table = pd.DataFrame({"x": X / 2, "y": Y / 2})
    table = table.assign(**{f"latent_{dim}": values[:, dim] for dim in range(3)})
    table.loc[3, ["latent_0", "latent_1", "latent_2"]] = np.nan
    shuffled = table.sample(frac=1, random_state=1)
    shuffled.to_csv(folder / "latents.csv", index=False)
    fe = pd.DataFrame({"x": X / 2, "y": Y / 2, "Fe": 50 + 10 * LEFT + random.normal(size=600)})
    fe.to_csv(folder / "fe.csv", index=False)
    (folder / "regions.json").write_text(regions_json(_regions()))
    return folder


def _regions() -> RegionSet:
    points = ScanPoints(ScanGrid.from_coordinates(X / 2, Y / 2))
    empty = RegionSet(points.scan)
    placed = empty.place(points)
    return empty.added(
        Region("left, =cmd()", "#0072b2", placed.points(LEFT)),
        Region("<b>top</b>", "#d55e00", placed.points(TOP)),
    )


def called(folder: Path, *words: str, file: str = "regions.json") -> int:
    out = ("--out", str(folder / "run"), "--quiet")
    words = tuple(word.format(folder) for word in words)
    return main(["regions", str(folder / file), *words, *out])


def test_labels_and_tables(scan: Path) -> None:
    assert called(scan, "--samples", "{}/latents.csv", "--map", "{}/fe.csv:Fe") == 0
    run = scan / "run"
    source = pd.read_csv(scan / "latents.csv").merge(pd.read_csv(scan / "fe.csv"))
    labels = pd.read_csv(run / "labels.csv")
    np.testing.assert_array_equal(labels[["x", "y"]], source[["x", "y"]])
    left, top = source.x < 5, (source.y < 3) & (source.x >= 4)
    wanted = np.where(top, "<b>top</b>", np.where(left, "left, =cmd()", ""))
    assert labels.region.fillna("").tolist() == wanted.tolist()

    table = pd.read_csv(run / "region_table.csv").set_index("region")
    row = table.loc["left, =cmd()"]
    assert (row.n, row.area, row.perimeter, row.n_parts, row.largest_part) == (200, 200, 60, 1, 1)
    assert row.joins == 20 * 9 + 19 * 10
    for name, column in {"latent_d2": "latent_2", "Fe": "Fe"}.items():
        assert row[f"mean_{name}"] == pytest.approx(source[column][left].mean(), rel=1e-6)
        assert row[f"sd_{name}"] == pytest.approx(source[column][left].std(), rel=1e-6)
    values = pd.read_csv(run / "region_values.csv").set_index(["region", "quantity"])
    chosen = values.loc[("<b>top</b>", "Fe")]
    assert chosen.q75 == pytest.approx(source.Fe[top].quantile(0.75), rel=1e-6)
    assert (chosen.n, values.loc[("left, =cmd()", "latent_d0")].n_finite) == (132, 199)

    pairs = pd.read_csv(run / "region_pairs.csv").set_index("quantity")
    assert set(pairs.index) == {"Fe", "latent_d0", "latent_d1", "latent_d2"}
    fe = pairs.loc["Fe"]
    wanted_difference = source.Fe[left].mean() - source.Fe[top].mean()
    assert fe.difference == pytest.approx(wanted_difference, rel=1e-5)
    assert fe.overlap == 12
    assert fe.lower < fe.difference < fe.upper
    assert fe.p < 1e-6
    report = json.loads((run / "report.json").read_text())
    assert (report["n_regions"], report["n_labeled"]) == (2, 320)
    assert (run / "regions.png").read_bytes()[:4] == b"\x89PNG"
    assert regions_of((run / "regions.json").read_bytes()).names == _regions().names


def test_hidden_regions_are_left_out(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = _regions().changed("<b>top</b>", hidden=True)
    (scan / "hidden.json").write_text(regions_json(hidden))
    assert called(scan, "--samples", "{}/latents.csv", file="hidden.json") == 0
    assert "1 hidden regions were left out" in capsys.readouterr().err
    assert pd.read_csv(scan / "run/labels.csv").region.value_counts().to_dict() == {
        "left, =cmd()": 200
    }
    (scan / "none.json").write_text(regions_json(hidden.changed("left, =cmd()", hidden=True)))
    assert called(scan, "--samples", "{}/latents.csv", file="none.json") == 2
    assert "All 2 regions of the file are hidden" in capsys.readouterr().err


def test_labels_are_labels_to_other_verbs(scan: Path) -> None:
    assert called(scan, "--samples", "{}/fe.csv") == 0
    report = scan / "probe/probe_report.json"
    words = ["probe", str(scan / "latents.csv"), "--out", str(scan / "probe"), "--quiet"]
    assert main([*words, "--labels", str(scan / "run/labels.csv")]) == 0
    assert json.loads(report.read_text())["classes"] == ["<b>top</b>", "left, =cmd()"]
    words = ["agree", "--out", str(scan / "agreed"), "--quiet", "--reference", str(scan / "run")]
    assert main([*words, "--labels", str(scan / "run")]) == 0
    assert json.loads((scan / "agreed/report.json").read_text())["ari"] == 1


def test_classes_are_propagated(scan: Path) -> None:
    assert called(scan, "--samples", "{}/latents.csv", "--propagate") == 0
    table = pd.read_csv(scan / "run/propagated.csv")
    assert list(table.columns) == [
        "x", "y", "region", "probability", "margin", "p_left, =cmd()", "p_<b>top</b>",
    ]  # fmt: skip
    assert table.region.isna().sum() == 1
    assert np.abs(table.dropna().filter(like="p_").sum(axis=1) - 1).max() < 1e-9
    left = table.x < 4
    assert (table.region == "left, =cmd()")[left].mean() > 0.95
    nexts = pd.read_csv(scan / "run/label_next.csv")
    labeled = pd.read_csv(scan / "run/labels.csv").dropna()
    assert nexts.merge(labeled, on=["x", "y"]).empty
    found = json.loads((scan / "run/report.json").read_text())["propagation"]
    assert found["accuracy"] > 0.9
    assert found["split"]["kind"] == "blocked"
    assert {"propagated.png", "margin.png"} <= {path.name for path in (scan / "run").iterdir()}


def test_samples_without_a_grid(scan: Path, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    np.save(tmp_path / "features.npy", values)
    points = ScanPoints(None, default_sample_ids(30))
    empty = RegionSet(points.scan)
    placed = empty.place(points)
    halves = (np.arange(30) < 12, np.arange(30) >= 20)
    regions = empty.added(
        *(Region(f"r{n}", "#000000", placed.points(mask)) for n, mask in enumerate(halves))
    )
    (tmp_path / "regions.json").write_text(regions_json(regions))
    reader = ("--reader", "npy-with-coords")
    assert called(tmp_path, "--samples", "{}/features.npy", *reader, "--propagate") == 0
    labels = pd.read_csv(tmp_path / "run/labels.csv", dtype=str)
    assert labels.sample_id.tolist() == [str(n) for n in range(30)]
    assert labels.region.fillna("").tolist() == ["r0"] * 12 + [""] * 8 + ["r1"] * 10
    pairs = pd.read_csv(tmp_path / "run/region_pairs.csv")
    assert pairs.n_effective_a.tolist() == [12, 12]
    notes = json.loads((tmp_path / "run/report.json").read_text())["notes"]
    assert any("taken as independent" in note for note in notes)
    assert called(tmp_path, "--samples", f"{scan}/fe.csv") == 2


def _moved(frame: dict[str, object]) -> str:
    plain = json.loads(regions_json(_regions()))
    plain["scan"]["frame"] |= frame
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("{}", (), "is no file of regions"),
        (regions_json(RegionSet(_regions().scan)), (), "holds no region"),
        (_moved({"origin": [900, 900]}), (), "made on another scan"),
        (_moved({"step": [1, 1]}), (), "steps of 1 and 1, but this one has steps of 0.5"),
        (_moved({"unit": "nm"}), (), ""),
        (None, ("--compare", "nobody", "me"), "There is no region 'nobody'"),
        (None, ("--compare", "<b>top</b>"), "takes two regions or more"),
        (None, ("--dims", "one"), "takes 'all' or numbers"),
        (None, ("--dims", "7"), "Latent dimension 7 was asked for"),
        (None, ("--map", "{}/fe.csv", "--map", "{}/fe.csv"), "Two maps are called 'Fe'"),
        (None, ("--classifier", "oracle"), "oracle"),
    ],
)
def test_bad_input_says_what_to_do_and_leaves_nothing(
    scan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    words: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "r.json").write_text(content or regions_json(_regions()))
    words = tuple(word.format(scan) for word in ("--samples", "{}/latents.csv", *words))
    wanted = 2 if message else 0  # a scan whose unit is unknown may be any
    assert called(tmp_path, *words, file="r.json") == wanted
    if message:
        assert message in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_what_is_no_scan_is_refused(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(scan, "--samples", "{}/fe.csv", "--propagate", "--dims", "all") == 2
    assert "⟨" not in (said := capsys.readouterr().err)
    assert "names latent dimensions, but" in said
    assert called(scan, "--samples", "{}/fe.csv", "--propagate") == 2
    assert "--samples holds maps. Give latents of this scan" in capsys.readouterr().err
    assert called(scan, "--samples", "{}/regions.json") == 2
    assert "No reader recognizes" in capsys.readouterr().err
    assert called(scan, "--samples", "{}/latents.csv", file="nowhere.json") == 2
    assert "There is no file" in capsys.readouterr().err
