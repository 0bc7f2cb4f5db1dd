"""The Rank page of a collection: each scan by itself, and each left out in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.analysis.mosaic import mosaic
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from pages.jobs.panel import runner
from tests.pages.conftest import OpenPage

NAMES = ("a", "b", "c", "d")
LINK = {
    "samples": "",
    "latents": "folder:measured/all_latents.h5",
    "maps": "folder:measured/maps.csv",
}


@pytest.fixture
def collection(data_root: Path) -> LatentSet:
    """Four scans in which dimension 4 follows the map; in the last, dimension 7 does instead."""
    rng = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:9, 0:10])
    grid = mosaic([ScanGrid.from_coordinates(x, y)] * 4).grid
    scan = np.repeat(np.arange(4), len(x))
    reference = rng.normal(size=len(scan))
    values = rng.normal(size=(len(scan), 2))
    values[np.arange(len(scan)), np.where(scan == 3, 1, 0)] += 3 * reference
    latents = LatentSet(
        values.astype(np.float32), default_sample_ids(len(scan)), np.array([4, 7], np.int32), grid,
        partitions_of(np.array(NAMES)[scan]),
    )  # fmt: skip
    write_latents(data_root / "all_latents.h5", latents)
    table = pd.DataFrame({"x": grid.x, "y": grid.y, "Fe": reference})
    table.to_csv(data_root / "maps.csv", index=False)
    return latents


def test_each_scan_is_left_out_on_the_page(open_page: OpenPage, collection: LatentSet) -> None:
    app = open_page("rank", **LINK)
    assert not app.exception
    [button] = [one for one in app.button if one.label == "Score each scan"]
    app = button.click().run()
    [job] = [one for one in runner().list() if "across" in one.title]
    record = runner().wait(job.id, 120)
    assert record.finished, record.error
    app = app.run()
    assert not app.exception
    said = "\n".join(one.value for one in app.markdown)
    assert "dimension **4**" in said and "**3 of 4** scans" in said
    tables = [one.value for one in app.dataframe]
    left_out = next(one for one in tables if "Scan left out" in one).set_index("Scan left out")
    assert left_out["Best dimension here"].to_dict() == {"a": 4, "b": 4, "c": 4, "d": 7}
    each = next(one for one in tables if "Dimension" in one).set_index("Dimension")
    reference = pd.read_csv(record.folder / "reference.csv")["reference"]
    own = collection.partition.mask(["d"])
    wanted = np.corrcoef(collection.dimension(7)[own], reference[own])[0, 1]
    assert each.loc[7, "d"] == pytest.approx(wanted, rel=1e-6)


def test_one_scan_has_no_such_tab(
    open_page: OpenPage, collection: LatentSet, data_root: Path
) -> None:
    own = collection.partition.mask(["a"])
    write_latents(data_root / "a_latents.h5", collection.take(own))
    app = open_page("rank", **{**LINK, "latents": "folder:measured/a_latents.h5"})
    assert not app.exception
    assert not [one for one in app.button if one.label == "Score each scan"]
