"""The Compare page's other question: where two scans, or two parts of a collection, differ."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from streamlit.testing.v1 import AppTest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from latentcore.jobs import JobRecord
from latentcore.readers import open_maps
from latentcore.workflows import VERBS
from pages.access import places
from pages.jobs.panel import runner
from tests.pages.conftest import OpenPage

A, B, BOTH = (f"folder:measured/{name}_latents.h5" for name in ("a", "b", "both"))
SHAPE = (40, 40)


@pytest.fixture
def scans(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scans, of which the second has patches of its own; and both as one collection."""
    here = dataclasses.replace(VERBS.get("differ"), pool="thread")
    monkeypatch.setitem(VERBS._parts, "differ", here)
    rng = np.random.default_rng(0)
    fields = ndimage.gaussian_filter(rng.normal(size=(2, 3, *SHAPE)), (0, 0, 0.8, 0.8)) * 3
    odd = ndimage.gaussian_filter(rng.normal(size=SHAPE), 0.8) > 0.2
    fields[1, 2][odd] += 4
    values = [field.reshape(3, -1).T for field in fields]
    y, x = (axis.ravel() for axis in np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]])
    write(data_root / "a_latents.h5", values[0], x, y)
    write(data_root / "b_latents.h5", values[1], x, y)
    write(
        data_root / "both_latents.h5", np.concatenate(values),
        np.concatenate([x, x + 50]), np.concatenate([y, y]),
        np.repeat(["new", "old ![](x.png)"], len(x)),
    )  # fmt: skip


def write(path: Path, values, x, y, partition=None) -> None:
    grid = ScanGrid.from_coordinates(x, y)
    dims = np.arange(values.shape[1], dtype=np.int32)
    ids = default_sample_ids(len(x))
    write_latents(
        path, LatentSet(values.astype(np.float32), ids, dims, grid, partitions_of(partition))
    )


def compared(app: AppTest) -> tuple[AppTest, JobRecord]:
    [button] = [one for one in app.button if one.label == "Compare"]
    assert not button.disabled
    app = button.click().run()
    job = app.query_params["job"]
    record = runner().wait(job if isinstance(job, str) else job[0], 120)
    assert record.state == "finished", record.error
    return app.run(), record


def kept_map(app: AppTest) -> pd.DataFrame:
    """Return what the scan in view has as a map once the log ratio was kept."""
    app = app.button(key="compare.where_it_differs.explore").click().run()
    assert not app.exception
    [place] = app.session_state["scan"].maps
    maps = open_maps(places.location(place))
    assert maps.names == ("log ratio A to B",)
    assert app.session_state["explore"].color == maps.names[0]
    return pd.DataFrame({"x": maps.grid.x, "y": maps.grid.y, "ratio": maps.values[0]})


def test_the_log_ratio_of_two_scans_becomes_a_map_of_the_one_in_view(
    open_page: OpenPage, scans: None
) -> None:
    app = open_page("compare", samples="", latents=B)
    app.session_state["known_places"] = (A, B)
    app.session_state["compare.mode"] = "differ"
    app.run()
    assert not app.exception
    app.multiselect(key=f"compare.sides.others.{B}").set_value([A]).run()
    app, record = compared(app)
    report = json.loads((record.folder / "report.json").read_text())
    said = "\n".join(one.value for one in app.markdown)
    assert f"AUC of {report['auc']:.3f} (p = {report['auc_p']:.3g})" in said
    assert report["mmd_p"] < 0.05
    shown = app.dataframe[0].value
    assert shown["Dimension"].iloc[0] == 2
    assert shown["AUC"].iloc[0] == report["dimensions"][0]["auc"]
    assert str(record.folder.parent) not in app.code[0].value
    table = pd.read_csv(record.folder / "differences.csv")
    own = table[table["side"] == "A"]  # the one in view is side A
    kept = kept_map(app).merge(own, on=["x", "y"])
    assert len(kept) == SHAPE[0] * SHAPE[1]
    np.testing.assert_allclose(kept["ratio"], kept["log_ratio"], rtol=1e-6)
    assert own["log_ratio"].max() > 1


def test_scans_of_a_collection_are_compared_and_a_link_shows_it_again(
    open_page: OpenPage, scans: None
) -> None:
    app = open_page("compare", samples="", latents=BOTH)
    app.segmented_control(key="compare.mode").set_value("differ").run()
    app, record = compared(app)
    assert tuple(record.request["between"]) == ("new", "old ![](x.png)")
    again = open_page("compare", samples="", latents=BOTH, job=record.id)
    assert again.session_state["compare.mode"] == "differ"
    text = "\n".join(one.value for one in again.markdown)
    assert "![](" not in text
    assert "1,600 points" in text
    kept = kept_map(again)
    assert kept["ratio"].notna().sum() == 2 * SHAPE[0] * SHAPE[1]
    # Other latents in view: that comparison was not of these.
    other = open_page("compare", samples="", latents=A, job=record.id)
    assert any("was of other latents" in one.value for one in other.info)


def test_alone_a_scan_differs_from_nothing(open_page: OpenPage, scans: None) -> None:
    app = open_page("compare", samples="", latents=A)
    app.segmented_control(key="compare.mode").set_value("differ").run()
    assert any("There are no other latents here yet" in one.value for one in app.info)
    assert [one.disabled for one in app.button if one.label == "Compare"] == [True]
