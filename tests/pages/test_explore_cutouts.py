"""The Explore page for samples without a scan grid: tables, filters, graticule, gallery."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.analysis.cutout_statistics import temperature_difference
from latentcore.analysis.selection import Shape
from latentcore.artifacts import to_json
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from pages.jobs.panel import runner
from pages.scan.state import ScanState
from pages.tasks.explore.reports import read_report
from pages.tasks.explore.sample_report import report, samples_table
from pages.view.question import Question
from pages.view.question_link import from_query, to_query
from pages.view.scene import complete, open_scene
from tests.factories.nenya import cutouts, write_cutouts
from tests.pages.conftest import OpenPage
from tests.pages.use import asked, open_server_folder, page_text

LATENTS = "folder:measured/MODIS_latents.h5"
TABLE = "folder:measured/MODIS_cutouts.csv"
NAMELESS = "folder:measured/nameless.csv"
SAMPLES = "folder:measured/MODIS_preproc.h5"
N = 60


@pytest.fixture
def ocean(data_root: Path) -> pd.DataFrame:
    """Cutouts of two partitions, their latents, and tables that name them, in another order."""
    images = cutouts(N, 16)
    write_cutouts(
        data_root / "MODIS_preproc.h5", metadata=True, train=images[:40], valid=images[40:]
    )
    values = np.random.default_rng(1).normal(size=(N, 5)).astype(np.float32)
    with h5py.File(data_root / "MODIS_latents.h5", "w") as file:
        file["train"], file["valid"] = values[:40], values[40:]
    row = np.arange(N)
    table = pd.DataFrame(
        {
            "partition": np.where(row < 40, "train", "valid"),
            "row": np.where(row < 40, row, row - 40),
            "lat": row - 30.5,
            "lon": (170 + row / 2 + 180) % 360 - 180,
            "DT": temperature_difference(images),
        }
    )
    table.iloc[::-1].to_csv(data_root / "MODIS_cutouts.csv", index=False)
    table[["lat", "DT"]].to_csv(data_root / "nameless.csv", index=False)
    return table


@pytest.fixture
def explore(ocean: pd.DataFrame, open_page: OpenPage):
    def open_(question: Question | None = None, **query: str | list[str]) -> AppTest:
        asked = {"samples": SAMPLES, "latents": LATENTS, "maps": [TABLE], **query}
        return open_page("explore", **to_query(question or Question(embedding="pca")), **asked)

    return open_


def test_columns_are_colors_and_the_second_axis_and_their_join_is_reported(explore) -> None:
    app = explore()
    assert {"lat", "lon", "DT"} <= set(app.selectbox(key="explore.color").options)
    assert app.selectbox(key="explore.reference").value == "DT"
    assert "MODIS_cutouts.csv · measured is joined by sample" in page_text(app)
    app.selectbox(key="explore.reference").set_value("lat").run()
    app.selectbox(key="explore.color").set_value("lon").run()
    question = asked(app)
    assert (question.reference, question.color) == ("lat", "lon")


def test_rows_find_their_samples_whatever_their_order(ocean: pd.DataFrame, workspace) -> None:
    scene = open_scene(ScanState(latents=LATENTS, maps=(TABLE,)))
    np.testing.assert_allclose(scene.maps.get("DT"), ocean["DT"], rtol=1e-6)
    assert scene.maps.joined_by == {TABLE: "id"}


def test_a_table_that_names_no_samples_is_joined_by_order_only_if_asked(explore, ocean) -> None:
    app = explore(maps=[NAMELESS])
    assert "doesn't say which samples its rows are about" in page_text(app)
    assert "DT" not in app.selectbox(key="explore.color").options
    app.button(key=f"explore.by_order.{NAMELESS}").click().run()
    assert "joined by order, as you said" in page_text(app)
    assert asked(app).by_order
    scene = open_scene(ScanState(latents=LATENTS, maps=(NAMELESS,)), by_order=True)
    np.testing.assert_allclose(scene.maps.get("DT"), ocean["DT"], rtol=1e-6)


def test_a_table_of_other_length_is_not_offered_by_order(explore, data_root: Path) -> None:
    pd.read_csv(data_root / "nameless.csv")[:-1].to_csv(data_root / "short.csv", index=False)
    app = explore(maps=["folder:measured/short.csv"])
    assert "is not joined" in page_text(app)
    assert not [one for one in app.button if one.key and one.key.startswith("explore.by_order")]


def test_bins_of_the_temperature_difference_keep_what_numpy_keeps(explore, ocean) -> None:
    app = explore()
    app.multiselect(key="explore.filter.dt").set_value([1, 5]).run()
    kept = ((ocean["DT"] >= 0.5) & (ocean["DT"] < 1)) | (ocean["DT"] >= 4)
    assert 0 < kept.sum() < N
    text = page_text(app)
    assert f"{kept.sum()} of {N} samples** are in view: DT 0.5–1 or ≥ 4" in text
    assert f"Samples in view: {kept.sum()} samples" in text
    assert asked(app).filters == {"DT": ((0.5, 1.0), (4.0, np.inf))}
    app.button(key="explore.filter.none").click().run()
    assert f"Samples in view: {N} samples" in page_text(app)


def test_any_column_can_be_kept_by_a_range(explore, ocean) -> None:
    app = explore()
    app.selectbox(key="explore.filter.column").set_value("lat").run()
    app.number_input(key="explore.filter.from.lat").set_value(-10.0).run()
    app.number_input(key="explore.filter.below.lat").set_value(5.0).run()
    kept = (ocean["lat"] >= -10) & (ocean["lat"] < 5)
    assert f"Samples in view: {kept.sum()} samples" in page_text(app)
    assert asked(app).filters == {"lat": ((-10.0, 5.0),)}


def test_filters_that_leave_nothing_say_so(explore) -> None:
    app = explore(Question(embedding="pca", filters={"lat": ((80.0, 90.0),)}))
    assert "No sample is left by lat 80–90" in page_text(app)
    app.button(key="explore.filter.none").click().run()
    assert f"Samples in view: {N} samples" in page_text(app)


def test_strokes_on_the_graticule_select_samples_within_the_filters(explore, ocean) -> None:
    box = Shape("graticule", "box", ((170, -40), (185.2, 0)), "replace")
    question = Question(
        embedding="pca", filters={"lat": ((-10.0, 90.0),)}, selections={"A": (box,), "B": ()}
    )
    longitude = ocean["lon"] % 360
    chosen = (longitude >= 170) & (longitude < 185.2) & (ocean["lat"] >= -10) & (ocean["lat"] < 0)
    assert chosen.sum() > 0
    assert f"Selection A: {chosen.sum()} samples" in page_text(explore(question))


@pytest.mark.parametrize(
    "tab", ["selection", "against", "clusters", "patterns", "gallery", "worth", "downloads"]
)
def test_every_tab_shows_something_and_nothing_of_scans(explore, tab: str) -> None:
    app = explore(Question(embedding="pca", filters={"lat": ((-10.0, 20.0),)}))
    app.selectbox(key="explore.tab").set_value(tab).run()
    text = page_text(app).lower()
    assert not app.error
    for word in ("roi", "band contrast", "pattern"):
        assert word not in text.replace("roi or filters", ""), (tab, word)


def test_gallery_draws_the_samples_in_view(explore, ocean) -> None:
    app = explore(Question(embedding="pca", filters={"lat": ((-10.0, 20.0),)}))
    app.selectbox(key="explore.tab").set_value("gallery").run()
    app.slider(key="explore.gallery.cells").set_value(4).run()
    kept = ((ocean["lat"] >= -10) & (ocean["lat"] < 20)).sum()
    assert f"of 16 cells hold one of {kept} samples, kept by lat -10–20; seed 0" in page_text(app)
    app.segmented_control(key="explore.gallery.limits").set_value("one for all").run()
    assert not app.exception


def test_report_opens_the_same_view_and_repeats_its_numbers(ocean, workspace) -> None:
    scan = ScanState(samples=SAMPLES, latents=LATENTS, maps=(TABLE,))
    scene = open_scene(scan)
    question = complete(Question(embedding="pca", filters={"DT": ((1.0, np.inf),)}), scene)
    inside = scene.maps.get("DT") >= 1
    masks = {"A": np.arange(N) < 30, "B": np.zeros(N, bool)}
    text = to_json(report(scene, question, inside, masks, None))
    assert read_report(text.encode()) == (scan, question)
    written = json.loads(text)
    assert [one["joined_by"] for one in written["tables"].values()] == ["id"]
    assert written["filters"] == {"DT": [[1.0, None]]}
    described = written["statistics"]["ROI"]["values"]["DT"]
    assert described["mean"] == pytest.approx(ocean["DT"][ocean["DT"] >= 1].mean(), rel=1e-6)
    table = samples_table(scene, question, inside, masks, None)
    assert table["sample_id"].tolist() == scene.latents.sample_ids[inside].tolist()


@pytest.mark.parametrize("page", ["data", "extract", "search"])
def test_other_pages_speak_of_samples_where_there_is_no_grid(page: str, ocean, open_page) -> None:
    app = open_page(page, samples=SAMPLES, latents=LATENTS, maps=[TABLE])
    shown = "\n".join([page_text(app), *(one.value for one in app.header)]).lower()
    shown = shown.partition("a polycrystal")[0] + shown.partition("of each point).")[2]
    for word in ("pattern", "kikuchi", "band contrast", "roi"):
        assert word not in shown, word
    radios = [option for radio in app.radio for option in radio.options]
    assert not [option for option in radios if "Kikuchi" in option]


def test_a_table_joins_the_samples_in_view_and_no_scan(ocean, open_page) -> None:
    app = open_server_folder(open_page("data", samples="", latents=LATENTS))
    app.multiselect(key="files_folder:measured").set_value([TABLE]).run()
    app.button[[one.label for one in app.button].index("Open")].click().run()
    assert app.query_params["maps"] in (TABLE, [TABLE])
    assert "opened as table of samples" in "\n".join(one.value for one in app.success)
    app = open_server_folder(open_page("data"))
    app.multiselect(key="files_folder:measured").set_value([TABLE]).run()
    app.button[[one.label for one in app.button].index("Open")].click().run()
    assert "is a table about samples that lie on no grid" in page_text(app)


@pytest.fixture
def run(ocean: pd.DataFrame, data_root: Path, workspace: Path) -> str:
    """Return the folder of an extraction with the statistics of its cutouts."""
    asked = ExtractRequest(
        (str(data_root / "MODIS_preproc.h5"),), checkpoint="pca:4", device="cpu", cutouts=True
    )
    execute("extract", asked, workspace / "runs/extract-1")
    return "run:extract-1"


def test_an_uploaded_cutout_is_measured_and_placed(run, data_root: Path, open_page) -> None:
    app = open_page("search", samples=SAMPLES, latents=f"{run}/MODIS_preproc_latents.h5")
    app.button_group(key="search.way.row").set_value("image").run()
    sample = cutouts(N, 16)[17, 0]
    np.save(data_root / "query.npy", sample)
    query = (data_root / "query.npy").read_bytes()
    app.file_uploader(key="search.image").upload("query.npy", query).run()
    assert "the star is where the fitted embedding itself places the sample" in page_text(app)
    assert "it can't be new" in page_text(app)  # it is one of them
    metrics = {one.label: one.value for one in app.metric}
    assert metrics["ΔT"] == f"{temperature_difference(sample):.3g}"
    assert metrics["Mean"] == f"{sample.mean(dtype=float):.3g}"
    assert "Novelty (percentile)" not in metrics
    np.save(data_root / "other.npy", cutouts(1, 16, seed=5)[0, 0])
    other = (data_root / "other.npy").read_bytes()
    app.file_uploader(key="search.image").upload("other.npy", other).run()
    assert not app.exception
    metrics = {one.label: one.value for one in app.metric}
    assert 0 <= float(metrics["Novelty (percentile)"]) <= 100


def test_extract_measures_cutouts_and_brings_them_into_view(ocean, open_page) -> None:
    app = open_page("extract", samples=SAMPLES, latents="")
    assert app.toggle(key="extract.cutouts").value
    app.number_input(key="extract.components").set_value(3).run()
    [button] = [one for one in app.button if one.label == "Extract latents"]
    app = button.click().run()
    [record] = runner().list()
    runner().wait(record.id, 60)
    app.run()
    folder = f"run:{record.folder.name}"
    app.button(key=f"explore_{folder}/MODIS_preproc_latents.h5").click().run()
    table = f"{folder}/MODIS_preproc_cutouts.parquet"
    assert app.query_params["maps"] in (table, [table])
    assert app.selectbox(key="explore.reference").value == "DT"


def test_a_scan_has_no_cutouts_to_measure(open_page) -> None:
    keys = [one.key for one in open_page("extract").toggle]
    assert "extract.cutouts" not in keys


def test_statistics_of_a_run_come_into_view_with_its_latents(run, open_page) -> None:
    app = open_page("extract", samples=SAMPLES, latents="")
    key = f"earlier_{run}/MODIS_preproc_latents.h5"
    app.button(key=key).click().run()
    assert app.query_params["maps"] in (table := f"{run}/MODIS_preproc_cutouts.parquet", [table])
    assert {"DT", "mean", "sd"} <= set(app.selectbox(key="explore.color").options)


def test_filters_outlive_a_visit_to_another_page(explore) -> None:
    app = explore(maps=[NAMELESS])
    app.button(key=f"explore.by_order.{NAMELESS}").click().run()
    app.multiselect(key="explore.filter.dt").set_value([1]).run()
    app.switch_page("pages/tasks/rank/rank.py").run()
    assert "no map can be joined to them" in page_text(app)
    app.switch_page("pages/tasks/explore/explore.py").run()
    assert asked(app).filters == {"DT": ((0.5, 1.0),)}


def test_question_with_filters_survives_the_url() -> None:
    question = Question(filters={"DT": ((-np.inf, 0.5), (4.0, np.inf))}, by_order=True)
    assert from_query(to_query(question)) == question


def test_latents_alone_show_no_empty_parts(explore) -> None:
    app = explore(samples="", maps=[])
    text = page_text(app)
    assert "Open a table about the samples" in text
    tabs = app.selectbox(key="explore.tab").options
    assert not [tab for tab in tabs if "Patterns" in tab or "Samples" in tab or "Gallery" in tab]
