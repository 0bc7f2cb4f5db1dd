"""The Rank page without a browser: what it says, and what its widgets do to the question."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import read_run
from pages.access import places
from pages.jobs.panel import runner
from pages.tasks.rank.question import RankQuestion, from_text, to_text
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text, press

PATIENCE = 120
LATENTS = "folder:measured/latents.csv"
MAPS = "folder:measured/maps.csv"
PHASES = "folder:measured/phases.csv"
# No job: the quick metrics without intervals are computed on the page.
QUICK = RankQuestion(metrics=("pearson", "spearman", "pp_spatial"), sure=())


@pytest.fixture
def scan(data_root: Path) -> Path:
    """Latents on 12 × 9 points: 4 follows band contrast downwards, 7 is constant; maps."""
    random = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:9, 0:12])
    contrast = random.integers(40, 200, 108)
    latents = {
        "latent_d0": random.normal(size=108),
        "latent_d4": -contrast + random.normal(size=108),
    }
    pd.DataFrame({"x": x, "y": y, **latents, "latent_d7": 1.0}).to_csv(
        data_root / "latents.csv", index=False
    )
    maps = {"bandcontrast": contrast, "Fe": random.random(108), "Al": random.random(108), "O": 3.0}
    pd.DataFrame({"x": x, "y": y, **maps}).to_csv(data_root / "maps.csv", index=False)
    phase = np.where(contrast > 120, "Iron", "Magnetite")
    pd.DataFrame({"x": x, "y": y, "phase": phase, "cluster": x % 3}).to_csv(
        data_root / "phases.csv", index=False
    )
    return data_root


@pytest.fixture
def rank(scan: Path, open_page: OpenPage):
    def open_(asked: RankQuestion = QUICK, **query: str | list[str]) -> AppTest:
        given = {"samples": "", "latents": LATENTS, "maps": [MAPS, PHASES], "rank": to_text(asked)}
        return open_page("rank", **{**given, **query})

    return open_


def asked(app: AppTest) -> RankQuestion:
    value = app.query_params.get("rank", "")
    return from_text(value if isinstance(value, str) else value[0])


def table(app: AppTest) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "strength" in frame.value)


def test_the_strongest_dimension_by_band_contrast_comes_first(rank, scan: Path) -> None:
    app = rank()
    shown = table(app)
    latents, maps = pd.read_csv(scan / "latents.csv"), pd.read_csv(scan / "maps.csv")
    wanted = np.corrcoef(latents["latent_d4"].astype(np.float32), maps["bandcontrast"])[0, 1]
    assert shown["dim"].tolist() == [4, 0, 7]
    assert shown["pearson"][0] == pytest.approx(wanted, rel=1e-9)
    assert shown["strength"][0] == abs(shown["pearson"][0])
    assert shown["reason"][2].startswith("constant")
    text = page_text(app)
    assert "Latent 4" in text
    assert "**3** dimensions" in text
    assert "1 of 3 dimensions lack a score" in text
    assert "R² " in text
    assert not runner().list()


def test_another_metric_sorts_and_another_map_is_followed(rank, scan: Path) -> None:
    app = rank()
    app = app.segmented_control(key="rank.by").set_value("spearman").run()
    assert asked(app).by == "spearman"
    app = app.selectbox(key="rank.map").set_value("Fe").run()
    shown = table(app)
    latents, maps = pd.read_csv(scan / "latents.csv"), pd.read_csv(scan / "maps.csv")
    wanted = spearmanr(latents["latent_d0"].astype(np.float32), maps["Fe"])[0]
    assert shown.set_index("dim")["spearman"][0] == pytest.approx(wanted, rel=1e-9)
    assert asked(app).columns == ("Fe",)


def test_a_sum_of_maps_takes_weights(rank) -> None:
    app = rank()
    app = app.segmented_control(key="rank.synthesis").set_value("sum").run()
    assert asked(app).columns == ("Fe", "Al", "O")
    app = app.multiselect(key="rank.columns").set_value(["bandcontrast", "Fe"]).run()
    whole = table(app).set_index("dim")["pearson"][4]
    app = app.text_input(key="rank.weights").set_value("1 0").run()
    assert asked(app).weights == (1, 0)
    assert abs(table(app).set_index("dim")["pearson"][4]) > abs(whole)
    app = app.text_input(key="rank.weights").set_value("1 2 3").run()
    assert "3 weights were given for 2 maps" in page_text(app)


def test_three_maps_make_a_picture(rank) -> None:
    app = rank()
    app = app.segmented_control(key="rank.synthesis").set_value("rgb").run()
    assert asked(app).columns == ("Fe", "Al", "O")
    app = app.selectbox(key="rank.blue").set_value("bandcontrast").run()
    assert asked(app).columns == ("Fe", "Al", "bandcontrast")
    assert "luminance of Fe, Al, bandcontrast" in page_text(app)


def test_a_browser_that_lags_behind_does_not_take_the_reference_back(rank) -> None:
    app = rank()
    app.segmented_control(key="rank.synthesis").set_value("rgb")
    # With the click it tells of the one map, and so does the next, before it hears that it is gone.
    late = app._tree.get_widget_states()
    for _ in range(2):
        app._run(late)
        assert (asked(app).synthesis, asked(app).columns) == ("rgb", ("Fe", "Al", "O"))


def test_the_roi_is_that_of_the_explore_page(rank) -> None:
    app = rank(roi="[0,6,0,9]")
    assert "**54** of 54 points in the ROI" in page_text(app)
    app = app.slider(key="explore.roi.y").set_value((0, 4)).run()
    assert "**24** of 24 points" in page_text(app)
    app = app.slider(key="explore.roi.y").set_value((0, 2)).run()
    assert "Only 12 of 12 points have both a latent and a value of bandcontrast" in page_text(app)
    assert "[0.0,6.0,0.0,2.0]" in str(app.query_params["roi"])


def test_a_dimension_is_picked_and_taken_to_the_explore_page(rank) -> None:
    app = rank(RankQuestion(**{**vars(QUICK), "pick": 0, "columns": ("Fe",)}))
    assert "Latent 0" in page_text(app)
    explore = press(app, "Open in Explore")
    assert explore.selectbox(key="explore.dim").value == 0
    assert explore.query_params["reference"] in ("Fe", ["Fe"])


def test_a_dimension_without_a_score_says_why(rank) -> None:
    app = rank(RankQuestion(**{**vars(QUICK), "pick": 7}))
    assert "constant: 1 at all 108 points" in page_text(app)
    assert "No line" in page_text(app)


def test_a_constant_map_is_refused_and_another_can_be_chosen(rank) -> None:
    app = rank()
    app = app.selectbox(key="rank.map").set_value("O").run()
    assert "The reference O is 3 at each of the 108 points" in page_text(app)
    app = app.selectbox(key="rank.map").set_value("Al").run()
    assert "Latent" in page_text(app)


def test_all_metrics_and_what_chance_would_give_come_from_a_job(rank) -> None:
    app = rank(RankQuestion())
    [job] = runner().list()
    assert job.verb == "rank"
    assert "kendall" not in table(app) or runner().get(job.id).finished
    record = runner().wait(job.id, PATIENCE)
    assert record.state == "finished", record.error
    app = app.run()
    shown = table(app)
    assert {"kendall", "mi", "dcorr", "hsic", "interval", "chance"} <= set(shown)
    assert shown["chance"][0] < 0.05
    assert "**p (chance)**" in page_text(app)
    assert "corrected p < 0.05" in page_text(app)
    written = pd.read_csv(record.folder / "latent_scores.csv")
    np.testing.assert_array_equal(shown["hsic"], written["hsic"])


def test_files_are_prepared_under_the_seeds_names_too(rank) -> None:
    app = rank()
    app.number_input(key="rank.files.top").set_value(1)
    app = app.toggle(key="rank.files.seed").set_value(True).run()
    app = press(app, "Prepare the files")
    [job] = runner().list()
    record = runner().wait(job.id, PATIENCE)
    assert record.state == "finished", record.error
    app = app.run()
    names = {one.label.split("  ·  ")[0] for one in app.get("download_button")}
    assert names >= {
        "latent_scores.csv", "report.json", "bandcontrast_latent_scores.csv",
        "report_bandcontrast_multi_metric.json", "latent_full_d4.csv", "latent_full_d4.png",
        "latent_d4_roi_vs_bandcontrast_pearson.npy", "ranks_by_metric.png",
    }  # fmt: skip


def test_dimensions_are_held_against_labels_by_a_job(rank) -> None:
    app = rank()
    app = app.segmented_control(key="rank.task").set_value("agreement").run()
    app = app.number_input(key="rank.agree.kmax").set_value(3).run()
    app = press(app, "Compare all dimensions")
    [job] = runner().list()
    record = runner().wait(job.id, PATIENCE)
    assert record.state == "finished", record.error
    app = app.run()
    assert "Best by adjusted Rand index: **latent 4**" in page_text(app)
    shown = app.dataframe[0].value
    assert shown["dim"][0] == 4
    assert (read_run(record.folder) or {})["request"]["reference"] == (
        f"{places.resolve(PHASES)}:phase"
    )


def test_two_label_maps_are_compared_at_once(rank) -> None:
    app = rank()
    app = app.segmented_control(key="rank.task").set_value("labels").run()
    metrics = {one.label: one.value for one in app.metric}
    assert metrics["Points"] == "108"
    assert metrics["Border recall"] == "100.0 %"  # no point is far from a stripe of width 1
    app = app.selectbox(key="rank.labels").set_value("phase").run()
    metrics = {one.label: one.value for one in app.metric}
    assert (metrics["ARI"], metrics["Mapped accuracy"]) == ("1.0000", "100.0 %")
    assert (metrics["Border recall"], metrics["Points that differ"]) == ("100.0 %", "0.0 %")
    assert metrics["Variation of information"] == "0.0000"
    mapping = app.dataframe[0].value
    assert mapping["is mostly"].tolist() == ["Iron", "Magnetite"]


def test_features_are_offered_where_no_label_map_is_open(rank) -> None:
    app = rank(maps=[MAPS])
    app = app.segmented_control(key="rank.task").set_value("agreement").run()
    chosen = next(one for one in app.multiselect if one.label == "Clustered together")
    assert chosen.value == ["bandcontrast", "Fe", "Al", "O"]
    app = app.segmented_control(key="rank.task").set_value("labels").run()
    assert "Two maps of labels are needed" in page_text(app)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"latents": ""}, "No latents are in view"),
        ({"maps": []}, "No map is open to rank against"),
        ({"maps": [PHASES]}, "All open maps hold labels, not numbers"),
    ],
)
def test_what_is_missing_is_reported(rank, query, text) -> None:
    assert text in page_text(rank(**query))


def test_latents_without_places_can_not_be_ranked(rank, scan: Path) -> None:
    np.save(scan / "bare.npy", np.random.default_rng(0).normal(size=(108, 3)))
    assert "have no coordinates" in page_text(rank(latents="folder:measured/bare.npy"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"by": 3, "x": 1}', '{"synthesis": "mean"}', "1"])
def test_a_broken_link_is_as_if_it_were_not_there(text) -> None:
    assert from_text(text) == RankQuestion()


def test_a_link_carries_the_whole_question(rank) -> None:
    whole = RankQuestion("sum", ("Fe", "Al"), (2.0, 1.0), 2, ("mi",), ("mi",), "mi", 4)
    assert from_text(to_text(whole)) == whole
    assert json.loads(to_text(QUICK)).keys() == {"metrics", "sure"}
    # Maps that are not open any more, an unknown metric: the page mends its question.
    app = rank(RankQuestion(columns=("gone",), metrics=("pearson", "cosine"), by="mi", sure=()))
    assert asked(app).columns == ("bandcontrast",)
    assert asked(app).metrics == ("pearson",)
