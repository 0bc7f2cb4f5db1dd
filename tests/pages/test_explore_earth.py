"""The Explore page's Earth tab: shares of a region of the UMAP by cell of the Earth."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from latentcore.analysis.selection import Shape
from latentcore.jobs import JobRecord
from latentcore.readers import open_latents
from latentcore.workflows import read_embedding
from pages.jobs.panel import runner
from pages.view.question import Question
from pages.view.question_link import to_query
from tests.pages.conftest import OpenPage
from tests.pages.test_explore_cutouts import LATENTS, SAMPLES, TABLE, N, ocean
from tests.pages.use import page_text

__all__ = ["ocean"]


def explore(open_page: OpenPage, **asked: object) -> AppTest:
    question = Question(embedding="umap", neighbors=5, **asked)  # type: ignore[arg-type]
    app = open_page("explore", **to_query(question), samples=SAMPLES, latents=LATENTS, maps=[TABLE])
    assert "Earth" in app.selectbox(key="explore.tab").options
    return app.selectbox(key="explore.tab").set_value("earth").run()


def finished(app: AppTest, verb: str) -> tuple[AppTest, JobRecord]:
    patience = time.monotonic() + 120
    while not (jobs := [one for one in runner().list() if one.verb == verb]):
        assert time.monotonic() < patience
        app.run()
    record = runner().wait(jobs[0].id, 120)
    assert record.finished, record.error
    return app.run(), record


def test_a_brushed_region_is_told_of_by_cells_of_the_earth(
    open_page: OpenPage, ocean: pd.DataFrame, data_root: Path
) -> None:
    app, umap = finished(explore(open_page), "project")
    latents = open_latents(data_root / "MODIS_latents.h5")
    stored = read_embedding(str(umap.folder / "embedding.parquet"), latents)
    u = stored.coordinates
    low, middle = u.min(axis=0) - 1, np.median(u, axis=0)
    shape = Shape(stored.panel, "box", (tuple(low.tolist()), tuple(middle.tolist())))
    app = explore(open_page, selections={"A": (shape,)})
    chosen = (u <= middle).all(axis=1)
    assert 0 < chosen.sum() < N
    assert f"holds {chosen.sum():,} samples; {chosen.sum():,} are selected" in page_text(app)
    (cell,) = (one for one in app.number_input if one.label == "Cell (°)")
    assert cell.value == 15  # of 60 samples few are in a small one
    app.multiselect(key="explore.earth.median").set_value(["DT"]).run()
    [button] = [one for one in app.button if one.label == "Count by cells of the Earth"]
    app, record = finished(button.click().run(), "geography")
    assert not app.exception
    earth = pd.read_csv(record.folder / "earth.csv")
    whole = earth[earth["period"] == "all"] if "all" in set(earth["period"]) else earth
    assert whole["n"].sum() == N
    assert whole["n_region"].sum() == chosen.sum()
    assert "median_DT" in pd.read_csv(record.folder / "bins.csv")


def test_without_places_there_is_no_such_tab(open_page: OpenPage, ocean: pd.DataFrame) -> None:
    app = open_page("explore", **to_query(Question(embedding="pca")), samples="", latents=LATENTS)
    assert "Earth" not in app.selectbox(key="explore.tab").options
