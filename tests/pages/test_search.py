"""The Search page without a browser: what it finds, what it says, what it asks of the verbs."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.analysis.similarity import SearchTable
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from latentcore.readers import open_latents
from latentcore.workflows import VERBS, execute
from latentcore.workflows.extract.verb import ExtractRequest
from pages.access import places
from pages.jobs.panel import runner
from pages.regions.kept import kept
from pages.scan.state import ScanState
from pages.view.question import SIMILARITY, Question
from pages.view.question_link import from_query
from pages.view.scene import open_scene
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.use import address, page_text

__all__ = ["one_thread"]

LATENTS = "folder:measured/scan_latents.h5"
SAMPLES = "folder:measured/scan.h5"
MAPS = "folder:measured/maps.csv"


@pytest.fixture
def scan(data_root: Path) -> LatentSet:
    """A scan of 12 × 9 points from (3, 2) on, one not encoded, its latents and a map of phases."""
    rng = np.random.default_rng(0)
    coords = full_grid(12, 9, x0=3, y0=2)
    write_kikuchi(data_root / "scan.h5", coords, patterns(108, (8, 8)))
    x, y = coords.T
    values = (rng.normal(size=(108, 3)) + 2 * np.eye(3)[x % 3]).astype(np.float32)
    values[4] = np.nan
    grid = ScanGrid.from_coordinates(x, y)
    latents = LatentSet(values, default_sample_ids(108), np.arange(3, dtype=np.int32), grid)
    write_latents(data_root / "scan_latents.h5", latents)
    table = pd.DataFrame({"x": x, "y": y, "bandcontrast": rng.integers(9, 99, 108)})
    table["phase"] = np.array(["bcc", "fcc", "hcp"])[x % 3]
    table.to_csv(data_root / "maps.csv", index=False)
    return latents


def found_rows(app: AppTest) -> list[int]:
    return app.dataframe[0].value["row"].tolist()


def expected_rows(latents: LatentSet, row: int, k: int = 11, metric: str = "cosine") -> list[int]:
    table = SearchTable.of(latents.values)
    return table.nearest(latents.values[row], k, metric=metric, exclude=row).rows.tolist()


def test_without_latents_it_says_what_to_do(open_page: OpenPage, scan: LatentSet) -> None:
    app = open_page("search", samples=SAMPLES)
    assert "No latents are in view" in page_text(app)


def test_finds_at_once_what_is_like_the_middle_of_the_scan(open_page, scan) -> None:
    app = open_page("search", samples=SAMPLES, latents=LATENTS)
    row = int(address(app)["like"])
    assert (app.number_input(key="search.x").value, app.number_input(key="search.y").value) == (
        3 + row % 12, 2 + row // 12,
    )  # fmt: skip
    assert found_rows(app) == expected_rows(scan, row)
    assert "Most similar samples" in page_text(app)


def test_a_row_in_the_link_is_searched_for_by_either_metric(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, like="77")
    assert found_rows(app) == expected_rows(scan, 77)
    assert "Open the samples that these latents were made of" in page_text(app)
    app.button_group(key="search.metric").set_value("euclidean").run()
    assert found_rows(app) == expected_rows(scan, 77, metric="euclidean")
    app.number_input(key="search.k").set_value(3).run()
    assert found_rows(app) == expected_rows(scan, 77, 3, "euclidean")


def test_the_map_that_all_share_is_marked_for_one_search_only(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, like="77")
    for _ in range(2):
        (chart,) = app.get("plotly_chart")
        assert len(json.loads(chart.proto.spec)["data"]) == 4  # the map, rings, and the query
        app.run()


def test_another_place_is_searched_for_and_one_outside_is_refused(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, like="0")
    app.number_input(key="search.x").set_value(5.0).run()
    assert address(app)["like"] == "2"
    assert found_rows(app) == expected_rows(scan, 2)
    app.number_input(key="search.y").set_value(99.0).run()
    assert "There is no sample at x = 5, y = 99. The nearest is at x = 5, y = 10" in page_text(app)
    assert found_rows(app) == expected_rows(scan, 2)


def test_a_sample_without_a_latent_is_reported(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, like="4")
    assert "The sample in row 4 has no latent" in page_text(app)
    assert not app.dataframe


def test_neighbors_are_kept_as_a_region(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, maps=[MAPS], like="50")
    named(app, "Keep as a region").click().run()
    assert not app.exception
    latents = open_latents(places.resolve(LATENTS))
    regions = kept(latents)
    (region,) = regions.regions.regions
    assert region.source == {"kind": "search", "k": 11, "metric": "cosine", "row": 50}
    assert set(np.flatnonzero(regions.mask(region))) == set(expected_rows(scan, 50))


def test_neighbors_are_selected_in_explore(open_page, scan) -> None:
    app = open_page("search", samples="", latents=LATENTS, maps=[MAPS], like="50", embedding="pca")
    named(app, "Highlight in Explore").click().run()
    assert not app.exception
    assert app.title[0].value == "Explore"
    assert "Selection A: 11 points" in page_text(app)
    asked = from_query(address(app))
    assert asked.pinned == 50
    centers = {
        row
        for shape in asked.selections["A"]
        for row in range(int(shape.points[0][0] + 0.5), int(shape.points[1][0] + 0.5))
    }
    assert centers == set(expected_rows(scan, 50))


def test_latents_without_places_are_searched_by_row(open_page, data_root: Path) -> None:
    values = np.random.default_rng(0).normal(size=(40, 3))
    np.save(data_root / "latents.npy", values.astype(np.float32))
    app = open_page("search", samples="", latents="folder:measured/latents.npy")
    assert len(app.dataframe[0].value) == 11
    assert app.dataframe[0].value["x"].isna().all()
    (row,) = (field for field in app.number_input if field.label.startswith("Row"))
    row.set_value(33).run()
    table = SearchTable.of(values)
    assert found_rows(app) == table.nearest(values[33], 11, exclude=33).rows.tolist()


def test_the_nearest_of_each_scan_are_found_shown_and_kept(open_page, data_root, scan) -> None:
    names = np.repeat(["deformed", "annealed"], [60, 48])
    parted = dataclasses.replace(scan, partition=partitions_of(names))
    write_latents(data_root / "both.h5", parted)
    app = open_page("search", samples=SAMPLES, latents="folder:measured/both.h5", like="33")
    app.toggle(key="search.across").set_value(True).run()
    (k,) = (field for field in app.number_input if field.label == "Neighbors")
    assert k.max == 100
    k.set_value(3).run()
    text = page_text(app)
    assert "**deformed**" in text and "**annealed**" in text
    table = app.dataframe[0].value
    assert table["partition"].tolist() == ["deformed"] * 3 + ["annealed"] * 3
    for name, first in (("deformed", 0), ("annealed", 60)):
        own = scan.values[names == name]
        exclude = 33 if name == "deformed" else None
        wanted = SearchTable.of(own).nearest(scan.values[33], 3, exclude=exclude).rows + first
        assert table.loc[table["partition"] == name, "row"].tolist() == wanted.tolist()
    next(one for one in app.button if one.label == "Keep as a run").click().run()
    (record,) = runner().list()
    assert runner().wait(record.id, 60).finished
    assert (record.folder / "neighbours_by_partition.csv").exists()


def test_latents_of_nothing_are_reported(open_page, data_root: Path) -> None:
    np.save(data_root / "latents.npy", np.full((9, 3), np.nan, np.float32))
    app = open_page("search", samples="", latents="folder:measured/latents.npy")
    assert "Not one sample of this file has a latent" in page_text(app)


def test_an_uploaded_sample_is_encoded_and_searched_for(
    open_page, scan, data_root: Path, workspace: Path
) -> None:
    asked = ExtractRequest((str(data_root / "scan.h5"),), checkpoint="pca:4", device="cpu")
    execute("extract", asked, workspace / "runs/extract-1")
    app = open_page("search", samples=SAMPLES, latents="run:extract-1/scan_latents.h5")
    app.button_group(key="search.way.point").set_value("image").run()
    assert "Give a sample, and the model that made the latents" in page_text(app)
    assert "The model that made these latents was found" in page_text(app)
    path = data_root / "query.npy"
    np.save(path, patterns(108, (8, 8))[66, 0])
    app.file_uploader(key="search.image").upload("query.npy", path.read_bytes()).run()
    assert found_rows(app)[0] == 66
    assert app.dataframe[0].value["similarity"][0] == pytest.approx(1, abs=1e-6)
    np.save(path, np.ones((30, 30)))
    app.file_uploader(key="search.image").upload("wide.npy", path.read_bytes()).run()
    assert "takes samples of 1 × 8 × 8" in page_text(app)


def test_the_model_of_the_latents_is_found_among_others(
    open_page, scan, data_root: Path, workspace: Path
) -> None:
    write_kikuchi(data_root / "other.h5", full_grid(12, 9), patterns(108, (8, 8), seed=5))
    for number, name in enumerate(("scan", "other"), start=1):
        asked = ExtractRequest((str(data_root / f"{name}.h5"),), checkpoint="pca:4", device="cpu")
        execute("extract", asked, workspace / f"runs/extract-{number}")
    made = workspace / "runs/extract-1/scan_latents.h5"
    (data_root / "copy_latents.h5").write_bytes(made.read_bytes())
    np.save(data_root / "query.npy", patterns(108, (8, 8))[66, 0])
    query = (data_root / "query.npy").read_bytes()
    app = open_page("search", samples="", latents="folder:measured/copy_latents.h5")
    app.button_group(key="search.way.point").set_value("image").run()
    assert "The model that made these latents was found" in page_text(app)
    app.file_uploader(key="search.image").upload("query.npy", query).run()
    assert found_rows(app)[0] == 66
    assert app.dataframe[0].value["similarity"][0] == pytest.approx(1, abs=1e-6)


def test_no_model_is_taken_for_the_one_of_the_latents(
    open_page, scan, data_root: Path, workspace: Path
) -> None:
    asked = ExtractRequest((str(data_root / "scan.h5"),), checkpoint="pca:4", device="cpu")
    execute("extract", asked, workspace / "runs/extract-1")
    app = open_page("search", samples=SAMPLES, latents=LATENTS)
    app.button_group(key="search.way.point").set_value("image").run()
    assert "These latents don't say which model made them. Choose it." in page_text(app)
    [model] = [box for box in app.selectbox if box.label == "Model"]
    assert model.value is None
    assert len(model.options) == 1
    np.save(data_root / "query.npy", patterns(108, (8, 8))[66, 0])
    query = (data_root / "query.npy").read_bytes()
    app.file_uploader(key="search.image").upload("query.npy", query).run()
    assert not app.error
    assert "Give a sample, and the model that made the latents" in page_text(app)


def probe_page(open_page: OpenPage, **query: object) -> AppTest:
    app = open_page("search", samples="", latents=LATENTS, **query)
    return app.button_group(key="search.task").set_value("probe").run()


def named(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def finished(app: AppTest, seconds: float = 90.0) -> AppTest:
    end = time.monotonic() + seconds
    while not app.metric and not app.error and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    return app


def test_a_probe_without_labels_says_where_they_come_from(open_page, scan) -> None:
    app = probe_page(open_page)
    assert "A probe needs labels" in page_text(app)
    assert named(app, "Probe").disabled


def test_a_probe_of_continuous_maps_says_so(open_page, scan, data_root: Path) -> None:
    table = pd.read_csv(data_root / "maps.csv").assign(Fe=np.linspace(0, 9, 108))
    table.drop(columns="phase").to_csv(data_root / "quantities.csv", index=False)
    app = probe_page(open_page, maps=["folder:measured/quantities.csv"])
    assert "looks continuous (bandcontrast, Fe), but a probe learns classes" in page_text(app)
    assert named(app, "Probe").disabled


def test_a_probe_is_a_job_and_its_figures_are_shown(
    open_page, scan, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker process takes seconds to start, and is tested elsewhere.
    here = dataclasses.replace(VERBS.get("probe"), pool="thread")
    monkeypatch.setitem(VERBS._parts, "probe", here)
    app = probe_page(open_page, maps=[MAPS])
    assert app.selectbox(key="probe.labels").options == ["phase"]
    app.multiselect(key="probe.without.phase").set_value(["hcp"]).run()
    app.slider(key="probe.fraction").set_value(0.3).run()
    named(app, "Probe").click().run()
    app = finished(app)
    (folder,) = (workspace / "runs").glob("probe-*")
    report = json.loads((folder / "probe_report.json").read_text())
    assert report["classes"] == ["bcc", "fcc"]
    assert report["split"] | {"n_train": 0, "n_test": 0, "block": 0} == {
        "kind": "blocked", "test_fraction": 0.3, "seed": 0, "block": 0, "n_train": 0, "n_test": 0,
    }  # fmt: skip
    assert {one.label: one.value for one in app.metric}["Accuracy"] == f"{report['accuracy']:.3f}"
    for shown in ("label", "wrong"):
        app.button_group(key="probe.map").set_value(shown).run()
        assert not app.exception


def test_a_probe_is_cross_validated_by_place_and_by_group(
    open_page, scan, workspace: Path, monkeypatch: pytest.MonkeyPatch, data_root: Path
) -> None:
    here = dataclasses.replace(VERBS.get("probe"), pool="thread")
    monkeypatch.setitem(VERBS._parts, "probe", here)
    table = pd.read_csv(data_root / "maps.csv")
    table["half"] = np.where(table["x"] > 8, "right", "left")
    table.to_csv(data_root / "maps.csv", index=False)
    app = probe_page(open_page, maps=[MAPS])
    app.selectbox(key="probe.labels").set_value("phase").run()
    app.toggle(key="probe.validate").set_value(True).run()
    app.slider(key="probe.folds").set_value(3).run()
    app.select_slider(key="probe.permutations").set_value(19).run()
    app.checkbox(key="probe.curve").set_value(True).run()
    named(app, "Probe").click().run()
    app = finished(app)
    (folder,) = (workspace / "runs").glob("probe-*")
    found = json.loads((folder / "probe_report.json").read_text())["cross_validation"]
    assert (found["kind"], found["n_folds"], found["chance"]["times"]) == ("blocked", 3, 19)
    mean = found["summary"]["accuracy"]["mean"]
    shown = next(one.value for one in app.dataframe if "accuracy, 95 %" in one.value)
    assert shown["accuracy"].tolist() == [mean]
    assert f"p = {found['chance']['p']['accuracy']:.3g}" in page_text(app)
    app.button_group(key="probe.split").set_value("groups").run()
    assert app.selectbox(key="probe.groups").options == ["half"]
    named(app, "Probe").click().run()
    app = finished(app)
    tested = [one.value["tested"] for one in app.dataframe if "tested" in one.value]
    assert tested[0].tolist() == ["half left", "half right"]


def test_explore_colors_by_similarity_to_the_pinned_point(open_page, scan) -> None:
    query = {"samples": "", "latents": LATENTS, "maps": [MAPS], "embedding": "pca"}
    app = open_page("explore", **query, color=SIMILARITY, pinned="50")
    assert not app.exception
    assert app.selectbox(key="explore.color").value == SIMILARITY
    scene = open_scene(ScanState(maps=(MAPS,), latents=LATENTS))
    wide = scan.values.astype(np.float64)
    expected = wide @ wide[50] / np.linalg.norm(wide, axis=1) / np.linalg.norm(wide[50])
    np.testing.assert_allclose(scene.similarity(50), expected, atol=1e-6)
    assert np.isnan(scene.similarity(None)).all()
    assert np.isnan(scene.similarity(4)).all(), "a point without a latent is like nothing"
    asked = Question(dim=0, color=SIMILARITY, pinned=50)
    assert scene.limits(asked, SIMILARITY, symmetric=False) == pytest.approx(
        tuple(np.nanpercentile(expected, [2, 98])), abs=1e-6
    )
