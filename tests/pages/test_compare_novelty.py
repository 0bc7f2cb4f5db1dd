"""The Compare page's third question: how unlike what is known the samples in view are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.readers import open_latents, open_maps, open_table
from latentcore.workflows import VERBS
from pages.access import places
from pages.jobs.panel import runner
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.pages.conftest import OpenPage

NEW, KNOWN, NARROW = (f"folder:measured/{name}_latents.h5" for name in ("new", "known", "narrow"))
PATTERNS = "folder:measured/new.h5"
NX, NY = 30, 20
X, Y = full_grid(NX, NY).T
ODD = (X < 5) & (Y < 4)


@pytest.fixture
def scans(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan of which a corner is unlike all that is known; one point has no latent."""
    here = dataclasses.replace(VERBS.get("novelty"), pool="thread")
    monkeypatch.setitem(VERBS._parts, "novelty", here)
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=(2, len(X), 4))
    new[ODD] += 8
    new[-1] = np.nan
    for name, values in (("known", known), ("new", new), ("narrow", known[:, :2])):
        grid = ScanGrid.from_coordinates(X, Y)
        dims = np.arange(values.shape[1], dtype=np.int32)
        latents = LatentSet(values.astype(np.float32), default_sample_ids(len(X)), dims, grid)
        write_latents(data_root / f"{name}_latents.h5", latents)
    write_kikuchi(data_root / "new.h5", full_grid(NX, NY), patterns(len(X), (12, 12)))


def watched(app: AppTest) -> str:
    job = app.query_params["job"]
    return job if isinstance(job, str) else job[0]


def test_percentiles_become_a_map_and_the_strangest_are_listed(
    open_page: OpenPage, scans: None
) -> None:
    app = open_page("compare", samples=PATTERNS, latents=NEW)
    app.session_state["known_places"] = (KNOWN, NARROW)
    app.segmented_control(key="compare.mode").set_value("novelty").run()
    assert not app.exception
    [button] = [one for one in app.button if one.label == "Compare"]
    assert button.disabled
    app.selectbox(key=f"compare.novelty.reference.{NEW}").set_value(KNOWN).run()
    [button] = [one for one in app.button if one.label == "Compare"]
    app = button.click().run()
    job = watched(app)
    record = runner().wait(job, 120)
    assert record.state == "finished", record.error
    # The link alone shows it again.
    app = open_page("compare", job=job, samples=PATTERNS, latents=NEW)
    assert app.session_state["compare.mode"] == "novelty"
    table = pd.read_csv(record.folder / "novelty.csv")
    judged = table["percentile"].dropna()
    said = "\n".join(one.value for one in app.markdown)
    assert f"Of {len(X) - 1:,} samples **{100 * (judged > 95).mean():.1f} %** lie above" in said
    strangest = app.dataframe[0].value
    assert len(strangest) == 24
    assert ODD[strangest["Row"].iloc[: ODD.sum()]].all()
    assert (record.folder / "strangest.png").is_file()
    app = app.button(key="compare.novelty.explore").click().run()
    assert not app.exception
    [place] = app.session_state["scan"].maps
    maps = open_maps(places.location(place))
    assert maps.names == ("novelty percentile",)
    assert app.session_state["explore"].color == maps.names[0]
    kept = pd.DataFrame({"x": maps.grid.x, "y": maps.grid.y, "kept": maps.values[0]})
    both = table.merge(kept, on=["x", "y"], how="left")
    np.testing.assert_allclose(both["kept"], both["percentile"], rtol=1e-6)
    # Other latents in view: that was not about these.
    other = open_page("compare", samples="", latents=KNOWN, job=job)
    assert any("was of other latents" in one.value for one in other.info)


def test_of_samples_without_a_grid_percentiles_become_a_column(
    open_page: OpenPage, scans: None, data_root: Path
) -> None:
    for name in ("known", "new"):
        latents = open_latents(str(data_root / f"{name}_latents.h5"))
        ids = np.char.add("valid/", latents.sample_ids)
        cutouts = dataclasses.replace(latents, grid=None, sample_ids=ids)
        write_latents(data_root / f"{name}_cutouts_latents.h5", cutouts)
    new, known = (f"folder:measured/{name}_cutouts_latents.h5" for name in ("new", "known"))
    app = open_page("compare", samples="", latents=new)
    app.session_state["known_places"] = (known,)
    app.segmented_control(key="compare.mode").set_value("novelty").run()
    app.selectbox(key=f"compare.novelty.reference.{new}").set_value(known).run()
    [button] = [one for one in app.button if one.label == "Compare"]
    app = button.click().run()
    record = runner().wait(watched(app), 120)
    assert record.state == "finished", record.error
    app = app.run()
    app = app.button(key="compare.novelty.explore").click().run()
    assert not app.exception
    [place] = app.session_state["scan"].maps
    table = pd.read_csv(record.folder / "novelty.csv").set_index("sample_id")
    kept = open_table(places.location(place))
    assert kept.names == ("novelty percentile",)
    expected = table.loc[kept.sample_ids.tolist(), "percentile"]
    np.testing.assert_allclose(kept.values[0], expected, rtol=1e-6)
    # The user's way: Explore colors by it, and a point's number is the file's.
    shown = open_page("explore", samples="", latents=new, maps=place)
    assert not shown.exception
    assert app.session_state["explore"].color == "novelty percentile"
    assert "novelty percentile" in shown.selectbox(key="explore.color").options


def test_latents_of_other_dimensions_are_refused(open_page: OpenPage, scans: None) -> None:
    app = open_page("compare", samples="", latents=NEW)
    app.session_state["known_places"] = (NARROW,)
    app.segmented_control(key="compare.mode").set_value("novelty").run()
    app.selectbox(key=f"compare.novelty.reference.{NEW}").set_value(NARROW).run()
    [button] = [one for one in app.button if one.label == "Compare"]
    app = button.click().run()
    runner().wait(watched(app), 120)
    app.run()
    [error] = app.error
    assert "dimensions" in error.value
