"""Regions on the Explore page without a browser: made, kept, changed, combined, found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.analysis.panel_ids import ROW_PANEL, region_stroke
from latentcore.analysis.selection import Shape, row_shapes
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.artifacts.region_files import regions_json
from latentcore.containers import LatentSet, Region, ScanGrid, default_sample_ids
from latentcore.readers import open_latents
from latentcore.workflows import execute
from pages.regions.files import kept_file, regions_request
from pages.regions.kept import Candidate, keep, kept
from pages.scan import loading
from pages.scan.state import ScanState
from pages.tasks.explore.downloads import session_request
from pages.view.question import REGION, Question
from pages.view.question_link import to_query
from pages.view.scene import open_scene
from tests.pages.conftest import OpenPage
from tests.pages.use import asked, page_text

LATENTS = "folder:measured/scan_latents.h5"
MAPS = "folder:measured/scan_maps.csv"
BOX = Shape("map", "box", ((2, 1), (7, 5)), "replace")
COLUMNS, ROWS = 12, 9


@pytest.fixture
def scan(data_root: Path) -> Path:
    """Latents on 12 × 9 points, in another order than along the rows, and maps."""
    random = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    order = random.permutation(len(x))
    x, y = x[order], y[order]
    values = random.normal(size=(len(x), 3)).astype(np.float32)
    values[:, 1] += np.where(x < 6, -4, 4)
    grid = ScanGrid.from_coordinates(x, y)
    dims = np.arange(3, dtype=np.int32)
    write_latents(
        data_root / "scan_latents.h5", LatentSet(values, default_sample_ids(len(x)), dims, grid)
    )
    table = {"x": x, "y": y, "bandcontrast": np.where(y < 4, 60, 150), "phase": x // 6}
    pd.DataFrame(table).to_csv(data_root / "scan_maps.csv", index=False)
    return data_root


@pytest.fixture
def explore(scan: Path, open_page: OpenPage):
    def open_(question: Question | None = None) -> AppTest:
        query = to_query(question or Question(embedding="pca", dim=1, method="kmeans"))
        return open_page("explore", samples="", latents=LATENTS, maps=[MAPS], **query)

    return open_


@pytest.fixture
def latents(explore, scan: Path) -> LatentSet:
    return open_latents(scan / "scan_latents.h5")


def regions(latents: LatentSet) -> tuple[Region, ...]:
    return kept(latents).regions.regions


def places_of(latents: LatentSet, region: Region) -> set[tuple[int, int]]:
    """Return x and y of each point of a region."""
    mask, grid = kept(latents).mask(region), latents.grid
    assert grid is not None
    return {(int(x), int(y)) for x, y in zip(grid.x[mask], grid.y[mask], strict=True)}


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_a_brush_is_kept_and_there_after_a_reload(explore, latents: LatentSet) -> None:
    app = explore(Question(embedding="pca", selections={"A": (BOX,), "B": ()}))
    click(app, "regions.keep.A")
    (region,) = regions(latents)
    assert places_of(latents, region) == {(x, y) for x in range(2, 7) for y in range(1, 5)}
    assert region.source["strokes"] == [BOX.as_plain()]
    again = explore()
    assert again.button(key=f"regions.choose.{region.id}").label == "Region 1"
    assert "20 · 1 part" in [one.value for one in again.caption]
    click(again, f"regions.choose.{region.id}")
    assert asked(again).selections["A"] == (region_stroke(region),)
    assert "Selection A: 20 points" in page_text(again)
    click(again, f"regions.choose.{region.id}")
    assert asked(again).selections["A"] == ()


def two_regions(latents: LatentSet) -> tuple[Region, Region]:
    """Keep columns 0 to 5 and rows 0 to 3."""
    assert latents.grid is not None
    made = [
        Candidate("left", latents.grid.x < 6, {"kind": "brush"}),
        Candidate("top", latents.grid.y < 4, {"kind": "brush"}),
    ]
    left, top = keep(latents, made)
    return left, top


def test_a_region_is_renamed_hidden_moved_doubled_and_deleted_and_all_is_undone(
    explore, latents: LatentSet
) -> None:
    left, top = two_regions(latents)
    assert left.color != top.color
    app = click(explore(), f"regions.choose.{left.id}")
    app.text_input(key=f"regions.name.{left.id}.left").set_value("grain *A*").run()
    assert regions(latents)[0].name == "grain *A*"
    assert app.button(key=f"regions.choose.{left.id}").label == r"grain \*A\*"
    app.color_picker(key=f"regions.color.{left.id}.{left.color}").set_value("#123456").run()
    assert regions(latents)[0].color == "#123456"
    click(app, f"regions.hide.{left.id}")
    assert [one.hidden for one in regions(latents)] == [True, False]
    assert kept(latents).shown.names == ("top",)
    click(app, f"regions.up.{left.id}")
    assert [one.id for one in regions(latents)] == [top.id, left.id]
    click(app, f"regions.duplicate.{left.id}")
    assert kept(latents).regions.names == ("top", "grain *A*", "grain *A* 2")
    click(app, f"regions.delete.{left.id}")
    assert kept(latents).regions.names == ("top", "grain *A* 2")
    for _ in range(6):
        click(app, "regions.undo")
    assert kept(latents).regions.names == ("left", "top")
    assert regions(latents)[0].color == left.color
    click(app, "regions.redo")
    assert kept(latents).regions.names == ("grain *A*", "top")


def test_a_name_that_is_taken_is_refused_and_nothing_changes(explore, latents: LatentSet) -> None:
    left, _ = two_regions(latents)
    app = click(explore(), f"regions.choose.{left.id}")
    app.text_input(key=f"regions.name.{left.id}.left").set_value("top").run()
    assert "Two regions have the name 'top'" in page_text(app)
    assert kept(latents).regions.names == ("left", "top")


@pytest.mark.parametrize(
    ("how", "count"), [("union", 6 * 9 + 6 * 4), ("intersection", 6 * 4), ("difference", 6 * 5)]
)
def test_regions_are_combined(explore, latents: LatentSet, how: str, count: int) -> None:
    left, _ = two_regions(latents)
    app = click(explore(), f"regions.choose.{left.id}")
    click(app, f"regions.{how}.{left.id}")
    assert len(regions(latents)[-1]) == count


def test_regions_color_the_panels_and_their_points_can_be_chosen_for_b(
    explore, latents: LatentSet
) -> None:
    left, top = two_regions(latents)
    app = explore(
        Question(
            embedding="pca", dim=1, color=REGION, active="B",
            selections={"A": (region_stroke(left),), "B": (region_stroke(top),)},
        )
    )  # fmt: skip
    text = page_text(app)
    assert "Selection A: 54 points" in text and "Selection B: 48 points" in text
    assert "regions" in app.selectbox(key="explore.color").options
    assert asked(app).color == REGION


def test_what_selected_a_region_that_is_gone_is_dropped(explore, latents: LatentSet) -> None:
    left, _ = two_regions(latents)
    gone = Shape("region-0000", "box", ((0.5, -1), (1.5, 1)))
    app = explore(Question(embedding="pca", selections={"A": (region_stroke(left), gone), "B": ()}))
    assert asked(app).selections["A"] == (region_stroke(left),)
    assert "their region was deleted" in app.toast[0].value


def new_region(app: AppTest, made_of: str) -> AppTest:
    click(app, "regions.new")
    if app.segmented_control(key="regions.of").value != made_of:
        app.segmented_control(key="regions.of").set_value(made_of).run()
    return app


def test_regions_are_made_of_clusters_values_and_a_polygon(explore, latents: LatentSet) -> None:
    grid = latents.grid
    assert grid is not None
    app = new_region(explore(), "Clusters")
    app.multiselect(key="regions.clusters").set_value([0]).run()
    click(app, "regions.make")
    app = new_region(explore(), "A map's values")
    app.selectbox(key="regions.map").set_value("phase").run()
    app.multiselect(key="regions.values.phase").set_value([0, 1]).run()
    click(app, "regions.make")
    app = new_region(explore(), "Polygon")
    app.text_area(key="regions.polygon").set_value("-1 -1\n3.5, -1\n3.5;3.5\n-1\t3.5").run()
    click(app, "regions.make")
    cluster, first, second, polygon = regions(latents)
    assert (first.name, second.name, polygon.name) == ("phase 0", "phase 1", "polygon")
    assert cluster.source["kind"] == "cluster"
    assert (kept(latents).mask(first) == (grid.x < 6)).all()
    assert (kept(latents).mask(polygon) == ((grid.x < 4) & (grid.y < 4))).all()


def test_a_polygon_that_is_none_is_explained(explore) -> None:
    app = new_region(explore(), "Polygon")
    for text, message in (
        ("1 2\nthree 4", "Line 2 is"),
        ("1 2\n3 4", "3 to 2,000 vertices"),
        ("90 90\n91 90\n91 91", "holds no point"),
        ("nan 1\n2 2\n3 3", "Line 1 is"),
    ):
        app.text_area(key="regions.polygon").set_value(text).run()
        assert message in page_text(app)


def test_regions_travel_in_the_session_report_and_come_back_with_it(
    explore, latents: LatentSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, top = two_regions(latents)
    question = Question(
        embedding="pca", dim=1, method="kmeans", color=REGION,
        selections={"A": (region_stroke(left), BOX), "B": (region_stroke(top),)},
    )  # fmt: skip
    scene = open_scene(ScanState(latents=LATENTS, maps=(MAPS,)))
    execute("session", session_request(scene, question), tmp_path / "session")
    content = (tmp_path / "session" / "session_report.json").read_bytes()
    report = json.loads(content)
    assert (report["selections"]["A"]["n"], report["selections"]["B"]["n"]) == (20, 48)
    assert report["embedding"]["color"] == "region"
    made: dict[str, Any] = {}
    exec((tmp_path / "session" / "session_again.py").read_text(), made)
    assert made["masks"]["B"].sum() == 48
    assert capsys.readouterr().out.count("equal: True") == 3
    app = explore()
    click(app, f"regions.choose.{left.id}")
    click(app, f"regions.delete.{left.id}")
    app.selectbox(key="explore.tab").set_value("downloads").run()
    app.file_uploader[0].set_value(("session_report.json", content, "application/json")).run()
    assert not app.exception and not app.error
    assert sorted(kept(latents).regions.names) == ["left", "top"]
    assert asked(app) == question
    assert places_of(latents, kept(latents).regions.get("left")) == {
        (x, y) for x in range(6) for y in range(ROWS)
    }


def open_files(app: AppTest) -> AppTest:
    return app.selectbox(key="explore.tab").set_value("regions").run()


def give(app: AppTest, content: bytes) -> str:
    """Upload a file of regions; return what the page says."""
    uploader = next(one for one in app.file_uploader if "Add regions" in one.label)
    uploader.set_value(("regions.json", content, "application/json")).run()
    assert not app.exception
    return page_text(app) + "".join(one.value for one in app.toast)


def test_a_file_of_regions_is_added_once_and_refused_where_it_is_of_another_scan(
    explore, latents: LatentSet
) -> None:
    two_regions(latents)
    content = regions_json(kept(latents).regions).encode()
    app = open_files(explore())
    assert "0 of 2 regions were added; the others are there already" in give(app, content)
    for region in regions(latents):
        click(app, f"regions.choose.{region.id}")
        click(app, f"regions.delete.{region.id}")
    assert "2 of 2 regions were added." in give(app, content)
    assert kept(latents).regions.names == ("left", "top")
    other = json.loads(content)
    other["scan"]["frame"]["step"] = [0.5, 0.5]
    assert "steps of" in give(app, json.dumps(other).encode())
    assert "is no JSON" in give(app, b"{")
    twice = json.loads(content)
    twice["regions"][1]["name"] = "left"
    assert "Two regions have the name 'left'" in give(app, json.dumps(twice).encode())
    assert kept(latents).regions.names == ("left", "top")


def test_regions_become_a_map_of_labels(explore, latents: LatentSet) -> None:
    left, _ = two_regions(latents)
    assert latents.grid is not None
    app = click(open_files(explore()), "regions.as_map")
    assert "region" in app.selectbox(key="explore.color").options
    place = app.session_state["scan"].maps[-1]
    maps = loading.maps(place)
    values, _ = maps.at(latents.grid)
    named = [maps.categories["region"].get(v, "") for v in np.nan_to_num(values[0], nan=-1)]
    expected = np.select([latents.grid.y < 4, latents.grid.x < 6], ["top", "left"], "")
    assert named == expected.tolist()
    assert places_of(latents, left) >= {(0, 0), (5, 8)}


def table(app: AppTest, column: str) -> pd.DataFrame:
    return next(one.value for one in app.dataframe if column in one.value.columns)


def test_the_numbers_of_regions_are_those_of_numpy(explore, latents: LatentSet) -> None:
    left, top = two_regions(latents)
    app = open_files(explore())
    shapes = table(app, "parts").set_index("region")
    assert list(shapes.index) == ["top", "left"]
    assert shapes.loc["left", "n"] == 54 and shapes.loc["top", "perimeter (steps)"] == 2 * (12 + 4)
    held = table(app, "mean")
    mine = held[(held["region"] == "left") & (held["quantity"] == "latent_d1")].iloc[0]
    values = latents.dimension(1)[kept(latents).mask(left)].astype(np.float64)
    assert mine["mean"] == pytest.approx(values.mean())
    assert mine["s.d."] == pytest.approx(values.std(ddof=1))
    pair = table(app, "mean A − mean B").set_index("quantity").loc["latent_d1"]
    others = latents.dimension(1)[kept(latents).mask(top)].astype(np.float64)
    assert pair["mean A − mean B"] == pytest.approx(others.mean() - values.mean())
    assert not pair["p"] < 0.05 or pair["from"] * pair["to"] > 0


def test_the_files_are_those_of_the_verb_and_say_what_the_page_says(
    explore, latents: LatentSet, tmp_path: Path
) -> None:
    two_regions(latents)
    scene = open_scene(ScanState(latents=LATENTS, maps=(MAPS,)))
    found = kept(latents)
    request = regions_request(scene, Question(dim=1), kept_file(found), propagate=True)
    execute("regions", request, tmp_path / "regions")
    written = pd.read_csv(tmp_path / "regions" / "region_table.csv").set_index("region")
    shown = table(open_files(explore()), "parts").set_index("region")
    assert written["n"].to_dict() == {"left": 54, "top": 48} == shown["n"].to_dict()
    assert written["morans_i"].to_dict() == pytest.approx(shown["Moran's I"].to_dict())
    assert (tmp_path / "regions" / "propagated.csv").is_file()


def test_classes_grow_from_a_few_labeled_points_and_become_maps(
    explore, latents: LatentSet
) -> None:
    grid = latents.grid
    assert grid is not None
    few = (grid.y % 3 == 0) & (grid.x % 2 == 0)
    made = [
        Candidate("west", few & (grid.x < 6), {"kind": "brush"}),
        Candidate("east", few & (grid.x >= 6), {"kind": "brush"}),
    ]
    _, east = keep(latents, made)
    app = explore()
    app.selectbox(key="explore.tab").set_value("label").run()
    click(app, "regions.propagate")
    assert asked(app).color == "propagated class"
    metrics = {one.label: one.value for one in app.metric}
    assert float(metrics["Accuracy"]) > 0.9
    maps = loading.maps(app.session_state["scan"].maps[-1])
    values, _ = maps.at(grid)
    found = dict(zip(maps.names, values, strict=True))
    classes = np.array([maps.categories["propagated class"][v] for v in found["propagated class"]])
    assert (classes == np.where(grid.x < 6, "west", "east")).mean() > 0.9
    assert ((found["class probability"] >= 0.5) & (found["class margin"] >= 0)).all()
    following = [one.key for one in app.button if "regions.next." in str(one.key)]
    row = int(str(following[0]).rpartition(".")[2])
    assert found["class margin"][row] == found["class margin"][~few].min()
    click(app, following[0])
    assert asked(app).pinned == row
    click(app, f"regions.assign.{east.id}")
    assert kept(latents).mask(kept(latents).regions.get("east"))[row]
    assert not kept(latents).mask(kept(latents).regions.get("west"))[row]
    assert "propagate again" in page_text(app)


def test_a_probe_can_be_asked_for_the_regions(
    explore, latents: LatentSet, open_page: OpenPage
) -> None:
    two_regions(latents)
    app = open_page("search", samples="", latents=LATENTS, maps=[MAPS])
    app.segmented_control[0].set_value("probe").run()
    click(app, "regions.offer")
    assert "region" in app.selectbox(key="probe.labels").options
    assert not [one for one in app.button if one.key == "regions.offer"]


@pytest.mark.parametrize("tab", ["regions", "label"])
def test_samples_without_a_grid_have_regions_too(
    open_page: OpenPage, data_root: Path, tab: str
) -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(60, 3)).astype(np.float32)
    values[:30, 0] += 6
    ids = np.array([f"cutout {number}" for number in range(60)])
    write_latents(data_root / "cutouts_latents.h5", LatentSet(values, ids, np.arange(3)))
    place = "folder:measured/cutouts_latents.h5"
    asked_for = Question(embedding="pca", selections={"A": row_shapes(ROW_PANEL, range(20))})
    app = open_page("explore", samples="", latents=place, **to_query(asked_for))
    click(app, "regions.keep.A")
    cutouts = open_latents(data_root / "cutouts_latents.h5")
    (region,) = regions(cutouts)
    assert set(region.points) == set(ids[:20])
    keep(cutouts, [Candidate("cold", np.arange(60) >= 40, {})])
    app.selectbox(key="explore.tab").set_value(tab).run()
    assert not app.exception and not app.error
    if tab == "regions":
        assert set(table(app, "mean")["region"]) == {"Region 1", "cold"}
        return
    click(app, "regions.propagate")
    assert not app.error
    assert {one.label: one.value for one in app.metric}["cold"] == "30"
