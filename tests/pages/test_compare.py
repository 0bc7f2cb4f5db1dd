"""The Compare page without a browser: what it asks, what it shows, and where it is refused."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from streamlit.testing.v1 import AppTest

from latentcore.analysis.domains.search import domain_hierarchy
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.workflows import VERBS
from pages.jobs.panel import runner
from pages.scan import loading
from pages.scan.state import ScanState
from pages.tasks.compare.compared import read_compared
from pages.tasks.compare.panels_view import build_view
from pages.tasks.compare.spaces import METHODS, spaces
from pages.view.question import Question
from pages.view.scene import complete, open_scene
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text, press

FIRST, OTHER = "folder:measured/first_latents.h5", "folder:measured/other_latents.h5"
MAPS = "folder:measured/maps.csv"
WIDTH, HEIGHT = 12, 8


@pytest.fixture
def scan(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Latents of 12 × 8 points; the same turned, in another order and without the first column."""
    # A worker process takes seconds to start, and is tested elsewhere.
    here = dataclasses.replace(VERBS.get("compare"), pool="thread")
    monkeypatch.setitem(VERBS._parts, "compare", here)
    rng = np.random.default_rng(4)
    y, x = (axis.ravel() for axis in np.mgrid[0:HEIGHT, 0:WIDTH])
    values = rng.normal(size=(len(x), 4)) + 4 * np.eye(4)[x // 3]
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    write(data_root / "first_latents.h5", values, x, y)
    kept = np.flatnonzero(x > 0)[::-1]
    write(data_root / "other_latents.h5", (3 * values @ turn)[kept], x[kept], y[kept])
    phase = np.array(["bcc", "fcc", "hcp", "bct"])[x // 3]
    table = pd.DataFrame({"x": x, "y": y, "phase": phase, "Fe": values[:, 0]})
    table.to_csv(data_root / "maps.csv", index=False)
    return table


def write(path: Path, values: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    grid = ScanGrid.from_coordinates(x, y)
    dims = np.arange(values.shape[1], dtype=np.int32)
    latents = LatentSet(values.astype(np.float32), default_sample_ids(len(x)), dims, grid)
    write_latents(path, latents)


def settled(app: AppTest, tables: int) -> AppTest:
    """Wait until so many tables are shown."""
    end = time.monotonic() + 120
    while len(app.dataframe) < tables and not app.error and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    return app


def found_again(method: str, scan: pd.DataFrame, stored: LatentSet) -> list[np.ndarray]:
    """Return the groups of both encoders at the common points, found without the page."""
    known = scan[scan["x"] > 0]
    labels = []
    for latents in (loading.latents(FIRST), stored):
        at = {
            place: row
            for row, place in enumerate(zip(*latents.grid.plain_coordinates(), strict=True))
        }
        rows = [at[place] for place in zip(known["x"], known["y"], strict=True)]
        if method == "KMeans":
            model = KMeans(4, n_init=50, random_state=0)
            labels.append(model.fit_predict(latents.values[rows].astype(float)))
        else:
            hierarchy = domain_hierarchy(latents)
            labels.append(hierarchy.cut(hierarchy.threshold.value)[rows])
    return labels


def test_alone_latents_are_compared_with_nothing(open_page: OpenPage, scan) -> None:
    app = open_page("compare", samples="", latents=FIRST)
    assert "There are no other latents of this scan yet" in page_text(app)
    assert [one.disabled for one in app.button if one.label == "Compare"] == [True]


def test_encoders_are_compared_by_place_and_judged_by_labels(
    open_page: OpenPage, scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("compare", samples="", latents=FIRST, maps=[MAPS])
    app.session_state["known_places"] = (FIRST, OTHER)
    app.run()
    assert app.multiselect(key=f"compare.others.{FIRST}").value == [OTHER]
    app = press(app, "Compare")
    [job] = [value for name, value in app.query_params.items() if name == "job"]
    job = job if isinstance(job, str) else job[0]
    record = runner().wait(job, 120)
    assert record.state == "finished", record.error
    app = app.run()
    assert "At the 88 samples that all encoders have" in page_text(app)
    worth, pairs, selection = (one.value for one in app.dataframe[:3])
    assert worth["Latents"].tolist() == [
        "first_latents.h5 · measured",
        "other_latents.h5 · measured",
    ]
    assert worth["Dimensions"].tolist() == [4, 4]
    report = json.loads((record.folder / "report.json").read_text())
    # A rotation and a scale change no neighbor.
    assert pairs["Shared neighbors"].item() == report["shared_neighbors"].popitem()[1] > 0.99
    assert pairs["CKA"].item() == pytest.approx(1, abs=1e-5)
    assert selection["n"].tolist() == [96]

    # What the panels draw lies at the points of the latents in view.
    scene = open_scene(ScanState(latents=FIRST, maps=(MAPS,)))
    found = read_compared(record, scene.latents, scene.about)
    [share] = found.share.values()
    np.testing.assert_array_equal(np.isnan(share), scan["x"] == 0)
    question = complete(Question(), scene)
    stored = loading.latents(OTHER)
    for method in list(METHODS)[:2]:
        messages: list[str] = []
        views = spaces(scene, question, found, method, messages)
        one, other = (view.coordinates for view in views.values())
        assert not messages
        known = (scan["x"] > 0).to_numpy()
        assert np.isnan(other[~known]).all()
        if method == "aligned":
            np.testing.assert_allclose(one[known], other[known], atol=1e-3)
        else:
            own = PCA(2).fit_transform(stored.values)
            at = {
                place: row
                for row, place in enumerate(zip(stored.grid.x, stored.grid.y, strict=True))
            }
            rows = [at[place] for place in zip(scan["x"][known], scan["y"][known], strict=True)]
            np.testing.assert_allclose(np.abs(other[known]), np.abs(own[rows]), atol=1e-3)
        view = build_view(
            scene, question, found, views, pair=next(iter(found.pairs)), color="phase",
            theme="dark", messages=(),
        )  # fmt: skip
        assert [panel.kind for panel in view.panels] == ["scatter", "scatter", "map", "map"]

    # Movers are selected in all panels, in Explore as well.
    app.button_group(key="compare.tab").set_value("movers").run()
    movers = app.dataframe[-1].value
    assert len(movers) == 50
    share_of = dict(zip(zip(scan["x"], scan["y"], strict=True), share, strict=True))
    assert all(share_of[row.x, row.y] == pytest.approx(row.share) for row in movers.itertuples())
    app = press(app, "Select them in the panels")
    app.button_group(key="compare.tab").set_value("selection").run()
    table = app.dataframe[2].value
    assert table["n"].tolist() == [96, 50]

    # Clusters of both against each other: the four phases are four clusters to either encoder.
    app.button_group(key="compare.tab").set_value("groups").run()
    app.number_input(key="compare.groups.k").set_value(4).run()
    for method in ("KMeans", "Domains"):
        app.button_group(key="compare.groups").set_value(method).run()
        app = settled(press(app, "Compute"), 3)
        table = app.dataframe[2].value
        assert table["Points"].item() == 88
        labels = found_again(method, scan, stored)
        assert table["ARI"].item() == pytest.approx(adjusted_rand_score(*labels))
        assert table["NMI"].item() == pytest.approx(normalized_mutual_info_score(*labels))
    app.button_group(key="compare.tab").set_value("files").run()
    assert "first_latents.h5" in app.code[0].value
    assert str(record.folder.parent) not in app.code[0].value

    # Other latents in view: that comparison was not of these.
    app = open_page("compare", samples="", latents=OTHER, job=job)
    assert "was of other latents" in page_text(app)
