"""The Explore page without a browser: what it says, and what its widgets do to the question."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from streamlit.testing.v1 import AppTest

from latentcore.analysis.panel_ids import label_stroke
from latentcore.analysis.selection import Shape
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, Roi, ScanGrid, default_sample_ids
from latentcore.errors import InputError
from latentcore.workflows import execute
from pages.frame.units import mean_sd_text
from pages.jobs import work
from pages.scan.state import ScanState
from pages.tasks.explore import clusters, explorer
from pages.tasks.explore.downloads import file_names, session_request, zipped
from pages.tasks.explore.reports import read_report
from pages.view import only
from pages.view.embeddings import pca_view
from pages.view.question import ALL_LATENTS, CLUSTER, NO_SELECTION, SIMILARITY, Question
from pages.view.question_link import to_query
from pages.view.scene import complete, open_scene
from tests.pages.conftest import OpenPage
from tests.pages.use import asked, page_text

LATENTS = "folder:measured/scan_latents.h5"
MAPS = "folder:measured/scan_maps.csv"
BOX = Shape("map", "box", ((2, 1), (7, 5)), "replace")


@pytest.fixture
def scan(data_root: Path) -> Path:
    """Latents of three dimensions on 12 × 9 points, with one point not encoded, and maps."""
    random = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:9, 0:12])
    values = random.normal(size=(len(x), 3)).astype(np.float32)
    values[:, 1] += np.where(x < 6, -4, 4)
    values[3] = np.nan
    dims = np.array([0, 4, 7], np.int32)
    grid = ScanGrid.from_coordinates(x, y)
    write_latents(
        data_root / "scan_latents.h5", LatentSet(values, default_sample_ids(len(x)), dims, grid)
    )
    table = {"x": x, "y": y, "bandcontrast": np.where(y < 4, 60, 150) + random.integers(0, 9, 108)}
    table["cluster"] = x % 3
    table["latent"] = random.random(108)
    pd.DataFrame(table).to_csv(data_root / "scan_maps.csv", index=False)
    return data_root


@pytest.fixture
def explore(scan: Path, open_page: OpenPage):
    def open_(question: Question | None = None, **query: str | list[str]) -> AppTest:
        asked = to_query(question or Question(embedding="pca"))
        return open_page("explore", samples="", latents=LATENTS, maps=[MAPS], **{**asked, **query})

    return open_


def test_opens_with_the_widest_dimension_and_describes_the_roi(explore) -> None:
    app = explore()
    assert app.selectbox(key="explore.dim").value == 4
    assert "ROI: 108 points" in page_text(app)
    assert "Nothing is selected yet" in page_text(app)


def test_selection_in_the_url_is_described_as_numpy_says(explore, scan: Path) -> None:
    app = explore(Question(embedding="pca", dim=4, selections={"A": (BOX,), "B": ()}))
    table = pd.read_csv(scan / "scan_maps.csv")
    inside = (table.x >= 2) & (table.x < 7) & (table.y >= 1) & (table.y < 5)
    contrast = table["bandcontrast"][inside]
    assert f"Selection A: {inside.sum()} points" in page_text(app)
    assert f"bandcontrast: {mean_sd_text(contrast.mean(), contrast.std())}" in page_text(app)


def test_widgets_change_the_question_and_the_url(explore) -> None:
    app = explore()
    app.selectbox(key="explore.dim").set_value(7).run()
    app.selectbox(key="explore.method").set_value("kmeans").run()
    app.selectbox(key="explore.missing").set_value("black").run()
    assert asked(app).missing == "black"
    app.number_input(key="explore.roi.x0").set_value(2.0).run()
    app.number_input(key="explore.roi.x1").set_value(8.0).run()
    assert not app.exception
    question = asked(app)
    assert (question.dim, question.method, question.roi) == (7, "kmeans", (2, 8, 0, 9))
    assert "ROI: 54 points" in page_text(app)
    app.button[0].click().run()


def test_an_empty_roi_is_not_taken_from_the_fields(explore) -> None:
    app = explore()
    app.number_input(key="explore.roi.x1").set_value(5.0).run()
    app.number_input(key="explore.roi.x0").set_value(9.0).run()
    assert asked(app).roi == (0, 5, 0, 9), "an empty range is left alone"


def test_roi_that_reaches_beyond_the_scan_is_shown_as_what_it_covers(explore) -> None:
    app = explore(Question(embedding="pca", roi=(-5, 60, 2, 60)))
    shown = [app.number_input(key=f"explore.roi.{name}").value for name in ("x0", "x1", "y0", "y1")]
    assert shown == [0, 12, 2, 9]


def test_the_points_of_a_roi_are_looked_up_once(explore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many millions that takes longer than all else that follows a moved slider."""
    looked: list[Roi] = []
    mask = Roi.mask
    monkeypatch.setattr(Roi, "mask", lambda roi, grid: (looked.append(roi), mask(roi, grid))[1])
    app = explore(Question(embedding="pca", roi=(2, 8, 0, 9)))
    app.run()
    assert [roi.bounds for roi in looked] == [(2, 8, 0, 9)]


def test_a_roi_beside_the_scan_is_told_of_and_the_whole_scan_shown(explore) -> None:
    app = explore(Question(embedding="pca", roi=(300, 310, 0, 9)))
    assert asked(app).roi is None
    told = next(one.value for one in app.error if "holds no point" in one.value)
    assert told.endswith("The whole scan is shown.")
    assert app.number_input(key="explore.roi.x1").value == 12


def test_color_limits_are_locked_and_let_go(explore) -> None:
    app = explore()
    app.toggle(key="explore.lock").set_value(True).run()
    low, high = asked(app).limits
    app.number_input(key="explore.high").set_value(high + 1).run()
    assert asked(app).limits == pytest.approx((low, high + 1))
    app.selectbox(key="explore.dim").set_value(0).run()
    assert asked(app).limits is None


@pytest.mark.parametrize("tab", ["selection", "against", "clusters", "patterns", "downloads"])
def test_every_tab_shows_something(explore, tab: str) -> None:
    shapes = {"A": (BOX,), "B": (Shape("cluster-map", "box", ((8, 0), (12, 9)), "replace"),)}
    app = explore(Question(embedding="pca", dim=4, selections=shapes))
    app.selectbox(key="explore.tab").set_value(tab).run()
    assert not app.exception
    assert not app.error


def test_clusters_say_what_separates_them(explore) -> None:
    app = explore(Question(embedding="pca", dim=4, method="kmeans", scaling="none"))
    app.selectbox(key="explore.tab").set_value("clusters").run()
    assert "band" in page_text(app)


@pytest.mark.parametrize(("tab", "selected"), [("selection", True), ("downloads", False)])
def test_what_needs_clusters_waits_for_those_computed_beside_the_page(
    explore, monkeypatch: pytest.MonkeyPatch, tab: str, selected: bool
) -> None:
    question = Question(embedding="pca", dim=4, method="kmeans")
    explore()
    scene = open_scene(ScanState(latents=LATENTS, maps=(MAPS,)))
    asked_first = complete(question, scene)
    found = clusters.clusters(scene, asked_first).clustering
    labels = found.told_apart(scene.inside(asked_first))
    key = clusters.work_key(clusters.cluster_key(scene, asked_first))
    work.works().forget(key)

    computed, compute = threading.Event(), clusters._computed
    monkeypatch.setattr(clusters, "_AT_ONCE", 0)
    monkeypatch.setattr(work, "_MOMENT_S", 0)
    monkeypatch.setattr(
        clusters, "_computed", lambda *args: compute(*args) if computed.wait(60) else None
    )
    strokes = (label_stroke(labels, 1),) if selected else ()
    app = explore(question.changed(selections={"A": strokes, "B": ()}))
    app.selectbox(key="explore.tab").set_value(tab).run()
    assert not app.error
    assert "The clusters are being computed" in page_text(app)
    assert not app.get("download_button")
    computed.set()
    work.works().get(key).result(60)
    app.selectbox(key="explore.tab").set_value("selection").run()
    assert "being computed" not in page_text(app)
    numbers = f"Selection A: {(labels == 1).sum()} points"
    assert (numbers in page_text(app)) == selected


def test_clusters_that_another_session_has_are_shown_in_the_first_run(
    explore, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(embedding="pca", dim=4, method="kmeans")
    explore(question)
    seen = []
    monkeypatch.setattr(
        explorer,
        "linked_panels",
        lambda view, **_options: seen.append([panel.id for panel in view.panels]),
    )
    explore(question)
    assert len(seen) == 1
    assert "cluster-map" in seen[0]


def test_maps_named_like_our_own_words_are_distinguished(explore) -> None:
    app = explore()
    options = app.selectbox(key="explore.color").options
    assert {"latent 4", "clusters", "latent", "cluster"} <= set(options)
    app.selectbox(key="explore.color").set_value("latent").run()
    assert asked(app).color == "latent"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"dim": "three"}, "can't be read"),
        ({"roi": "[50,60,0,9]"}, "holds no point"),
        ({"parameters": '{"k": "many"}', "method": "kmeans"}, ""),
        ({"method": "astrology"}, "astrology"),
        ({"scaling": "log"}, "standard"),
    ],
)
def test_damaged_links_are_explained(explore, query: dict[str, str], message: str) -> None:
    app = explore(**query)
    assert not app.exception
    shown = page_text(app)
    assert app.error or app.warning
    assert message in shown


def test_report_that_is_none_is_refused() -> None:
    for content in (b"", b"[]", b"{}", b"\xff", json.dumps({"encoding-type": "x"}).encode()):
        with pytest.raises(InputError, match="no session report"):
            read_report(content)


def test_nothing_to_explore_leads_to_the_next_step(open_page: OpenPage, scan: Path) -> None:
    app = open_page("explore", samples="", latents="", maps=[MAPS])
    assert "Open latents" in page_text(app)


def report_of(question: Question, folder: Path) -> bytes:
    """Return the report that the Download tab makes of a view."""
    view = ScanState(latents=LATENTS, maps=(MAPS,))
    request = session_request(open_scene(view), question)
    execute("session", request, folder)
    return (folder / "session_report.json").read_bytes()


def test_report_opens_the_same_view_again(explore, tmp_path: Path) -> None:
    question = Question(
        embedding="pca", dim=4, method="kmeans", parameters={"k": 2}, roi=(1, 9, 0, 8),
        selections={"A": (BOX,), "B": ()},
    )  # fmt: skip
    explore()  # puts the workspace and its places there
    report = report_of(question, tmp_path / "session")
    app = explore()
    app.selectbox(key="explore.tab").set_value("downloads").run()
    app.file_uploader[0].set_value(("session_report.json", report, "application/json")).run()
    assert not app.exception
    assert not app.error
    assert asked(app) == question


def test_clusters_of_what_one_chooses_are_shown_written_and_opened_again(
    explore, tmp_path: Path
) -> None:
    app = explore(Question(embedding="pca", dim=4, method="kmeans"))
    app.segmented_control(key="explore.features.preset").set_value("all").run()
    assert asked(app).features == (ALL_LATENTS,)
    app.segmented_control(key="explore.features.preset").set_value("choice").run()
    app.multiselect(key="explore.features.dims").set_value([4, 7]).run()
    app.multiselect(key="explore.features.maps").set_value(["latent", "bandcontrast"]).run()
    app.selectbox(key="explore.scatter.x").set_value("latent").run()
    app.selectbox(key="explore.tab").set_value("clusters").run()
    question = asked(app).changed(weights={"latent_d7": 0.25})
    assert question.features == (4, 7, "latent", "bandcontrast")
    assert question.scatter == ("latent", 7)
    assert not app.exception
    shares = next(one.value for one in app.dataframe if "share of the variance" in one.value)
    assert set(shares["feature"]) == {"latent_d4", "latent_d7", "latent", "bandcontrast"}
    report = report_of(question, tmp_path / "session")
    assert set(json.loads(report)["clusters"]["features"]) == set(shares["feature"])
    variance = json.loads(report)["clusters"]["standardisation"]["of"]["latent_d7"]
    assert variance["variance_share"] == pytest.approx(0.25 / 3.25)
    assert read_report(report)[1] == question


def test_selection_alone_is_clustered_embedded_and_written_until_one_goes_back(
    explore, tmp_path: Path
) -> None:
    selected = {"A": (BOX,), "B": ()}
    before = Question(
        embedding="pca", dim=4, method="kmeans", parameters={"k": 2}, roi=(0, 6, 0, 9),
        selections=selected,
    )  # fmt: skip
    app = explore(before)
    app.button(key="explore.only.enter").click().run()
    assert "Only a selection is in view: 16 of 108 points" in page_text(app)
    assert "Points in view: 16 points" in page_text(app)
    question = asked(app)
    assert question.selections == NO_SELECTION
    assert question.roi is None
    app = explore(question)  # as the link carries it
    assert not app.exception
    scene = only.narrowed(
        open_scene(ScanState(latents=LATENTS, maps=(MAPS,))), question, lambda _: {}
    )
    grid = scene.latents.grid
    expected = (grid.x >= 2) & (grid.x < 6) & (grid.y >= 1) & (grid.y < 5)
    np.testing.assert_array_equal(scene.only, expected)
    view = pca_view(scene)
    own = PCA(2).fit_transform(scene.latents.values[expected])
    np.testing.assert_allclose(np.abs(view.coordinates[expected]), np.abs(own), atol=1e-4)
    assert np.isnan(view.coordinates[~expected]).all()
    request = session_request(scene, question)
    execute("session", request, tmp_path / "session")
    report = json.loads((tmp_path / "session" / "session_report.json").read_text())
    assert report["clusters"]["n_points"] == report["statistics"]["ROI"]["n"] == 16
    app.button(key="explore.only.leave").click().run()
    assert asked(app).only == ()
    assert "Selection A: 16 points" in page_text(app)


def test_view_of_a_selection_that_is_not_there_shows_all_points(explore) -> None:
    gone = Shape("region-nothing", "box", ((0, 0), (2, 2)))
    app = explore(Question(embedding="pca", only=((gone,),)))
    assert "All points are shown" in page_text(app)
    assert not app.exception
    app.button(key="explore.only.leave").click().run()
    assert asked(app).only == ()


def test_report_opens_its_view_in_place_of_another_scan(
    explore, open_page: OpenPage, scan: Path, tmp_path: Path
) -> None:
    question = Question(embedding="pca", dim=4, roi=(1, 9, 0, 8), pinned=7)
    explore()
    report = report_of(question, tmp_path / "session")
    x = np.arange(10)
    pd.DataFrame({"x": x, "y": 0 * x, "latent_0": x / 3, "latent_1": x % 2}).to_csv(
        scan / "line.csv", index=False
    )
    pd.DataFrame({"x": x, "y": 0 * x, "quality": x % 5}).to_csv(scan / "quality.csv", index=False)
    app = open_page(
        "explore", samples="", latents="folder:measured/line.csv",
        maps=["folder:measured/quality.csv"], embedding="pca",
    )  # fmt: skip
    assert "ROI: 10 points" in page_text(app)
    app.selectbox(key="explore.tab").set_value("downloads").run()
    app.file_uploader[0].set_value(("session_report.json", report, "application/json")).run()
    assert not app.error
    assert asked(app) == question


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(embedding="pca", limits=(-1.0, 1.0)), {"color": "latent", "limits": (-1.0, 1.0)}),
        (Question(color=CLUSTER, active="B"), {"color": "cluster", "active": "B"}),
        (Question(color=SIMILARITY, pinned=8), {"color": "similarity", "pinned": 8}),
        (Question(color=SIMILARITY), {"color": "latent"}),
        (
            Question(color="bandcontrast", limits=(0.0, 9.0), cmap="magma"),
            {"color": "map={}:bandcontrast", "color_limits": (0.0, 9.0), "color_cmap": "magma"},
        ),
        (Question(missing="black"), {"missing_color": "black"}),
        (Question(missing="mauve"), {"missing_color": "tan"}),
        (Question(color="cluster", roi=(1, 5, 0, 4)), {"color": "map={}:cluster"}),
        (
            Question(color="cluster", panels=(("embedding", "pca", 7), ("violin", 4, ""))),
            {"color": "latent=7", "color_limits": None, "distributions": '[[4, "@clusters"]]'},
        ),
    ],
)
def test_files_are_asked_for_in_the_colors_of_the_screen(
    explore, scan: Path, question: Question, expected: dict[str, object]
) -> None:
    explore()
    scene = open_scene(ScanState(latents=LATENTS, maps=(MAPS,)))
    request = session_request(scene, complete(question.changed(embedding="pca"), scene))
    given = {name: getattr(request, name) for name in expected}
    path = str(scan / "scan_maps.csv")
    assert given == {
        name: value.format(path) if isinstance(value, str) else value
        for name, value in expected.items()
    }
    assert request.labels == (f"cluster={path}:cluster",)
    # The map of the latent has the limits of the whole scan, as on the screen, whatever the ROI.
    of_latent = question.limits if "limits" in expected else None
    whole = np.nanpercentile(scene.latents.dimension(request.dim).astype(float), [2, 98])
    assert request.limits == pytest.approx(of_latent or whole)


def test_all_files_of_a_view_are_zipped_once(explore, tmp_path: Path) -> None:
    explore()
    report_of(Question(embedding="pca", dim=4, selections={"A": (BOX,)}), tmp_path / "session")
    names = file_names(tmp_path / "session")
    with zipfile.ZipFile(io.BytesIO(zipped(tmp_path / "session", names))) as archive:
        held = [Path(name).name for name in archive.namelist()]
    assert sorted(held) == sorted(path.name for path in (tmp_path / "session").iterdir())
    assert {"run.json", "embedding.png", "selection.csv"} <= set(held)


def test_report_of_latents_that_have_changed_is_refused(
    explore, scan: Path, tmp_path: Path
) -> None:
    explore()
    report = json.loads(report_of(Question(embedding="pca", dim=4), tmp_path / "session"))
    report["latents_fingerprint"] = "blake2b:0"
    with pytest.raises(InputError, match="have changed since the report"):
        read_report(json.dumps(report).encode())
