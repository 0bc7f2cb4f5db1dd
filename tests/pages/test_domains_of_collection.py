"""The Domains page of a collection: learned from one scan, told by scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentcore.analysis.domains.search import domain_hierarchy
from latentcore.analysis.mosaic import mosaic
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, default_sample_ids, partitions_of
from tests.analysis.domains.scans import voronoi
from tests.pages.conftest import OpenPage
from tests.pages.test_domains import found, metrics, texts

NAMES = ("deformed", "annealed")


@pytest.fixture
def collection(data_root: Path) -> dict[str, LatentSet]:
    scans = {
        name: voronoi(number, 20, 4 + 4 * number, mixed=1, noise=0.4 + number)[0]
        for number, name in enumerate(NAMES)
    }
    values = np.concatenate([one.values for one in scans.values()])
    grid = mosaic([one.grid for one in scans.values()]).grid
    names = partitions_of(np.repeat(NAMES, [len(one) for one in scans.values()]))
    dims = np.arange(values.shape[1], dtype=np.int32)
    latents = LatentSet(values, default_sample_ids(len(values)), dims, grid, names)
    write_latents(data_root / "both.h5", latents)
    return scans


def test_one_scan_is_learned_from_and_each_is_told_of(
    open_page: OpenPage, collection: dict[str, LatentSet]
) -> None:
    link = {"samples": "", "latents": "folder:measured/both.h5"}
    app = found(open_page("domains", **link))
    assert not app.exception and not app.error, texts(app)
    by_scan = app.dataframe[1].value
    assert by_scan["partition"].tolist() == list(NAMES)
    assert by_scan["n_domains"].sum() == int(metrics(app)["Domains"])
    for name, scan in collection.items():
        chooser = app.selectbox(key="domains.learn_from")
        assert list(chooser.options) == ["all", *NAMES]
        app = found(chooser.set_value(name).run())
        alone = f"{domain_hierarchy(scan).threshold.value:.4g}"
        assert any(alone in text for text in [*metrics(app).values(), texts(app)]), texts(app)
    kept = app.query_params["domains"]
    kept = kept if isinstance(kept, str) else kept[0]
    again = found(open_page("domains", **link, domains=kept))
    assert again.selectbox(key="domains.learn_from").value == NAMES[1]


def test_a_link_with_a_scan_that_is_not_there_learns_from_all(
    open_page: OpenPage, collection: dict[str, LatentSet]
) -> None:
    stale = '{"settings":{"learn_from":"melted"}}'
    app = found(open_page("domains", samples="", latents="folder:measured/both.h5", domains=stale))
    assert not app.exception and not app.error, texts(app)
    assert app.selectbox(key="domains.learn_from").value == ""
