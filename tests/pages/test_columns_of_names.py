"""Columns of names on the pages: colors and labels, never numbers, not even by a link."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import RequestError
from pages.scan import joining, loading
from pages.scan.state import ScanState
from pages.tasks.rank.question import RankQuestion, from_text, to_text
from pages.view.question import Question
from pages.view.question_link import from_query, to_query
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.use import address, page_text

SAMPLES = "folder:measured/scan.h5"
LATENTS = "folder:measured/latents.h5"
MAPS = "folder:measured/maps.csv"
FEATURES, TABLE = "folder:measured/features.h5", "folder:measured/table.csv"
N = 30


@pytest.fixture
def scan(data_root: Path) -> Path:
    """Patterns and latents of 6 × 5 points, and a table of phases by name, ids and a quantity."""
    rng = np.random.default_rng(0)
    coords = full_grid(6, 5)
    x, y = coords.T
    write_kikuchi(data_root / "scan.h5", coords)
    values = rng.normal(size=(N, 3)).astype(np.float32)
    dims, ids = np.arange(3, dtype=np.int32), default_sample_ids(N)
    write_latents(
        data_root / "latents.h5", LatentSet(values, ids, dims, ScanGrid.from_coordinates(x, y))
    )
    phase = np.array(["Iron", "Ore"])[x % 2]
    table = {"phase": phase, "phase_id": x % 2, "quality": rng.random(N)}
    pd.DataFrame({"x": x, "y": y, **table}).to_csv(data_root / "maps.csv", index=False)
    write_latents(data_root / "features.h5", LatentSet(values, ids, dims))
    pd.DataFrame({"sample_id": ids, **table}).to_csv(data_root / "table.csv", index=False)
    return data_root


@pytest.mark.parametrize(
    ("latents", "maps", "reference", "offered"),
    [
        (LATENTS, MAPS, "phase", ["quality"]),
        (LATENTS, MAPS, "phase_id", ["quality"]),
        (FEATURES, TABLE, "phase", ["phase_id", "quality"]),
    ],
)
def test_a_link_to_a_category_is_explored_with_a_quantity(
    scan: Path, open_page: OpenPage, latents: str, maps: str, reference: str, offered: list[str]
) -> None:
    link = to_query(Question(embedding="pca", method="kmeans", reference=reference))
    app = open_page("explore", samples="", latents=latents, maps=[maps], **link)
    page_text(app)
    assert app.selectbox(key="explore.reference").options == offered
    assert from_query(address(app)).reference == offered[0]


def test_a_link_to_a_category_is_ranked_against_a_quantity(scan: Path, open_page: OpenPage) -> None:
    link = to_text(RankQuestion(metrics=("pearson",), sure=(), columns=("phase",)))
    app = open_page("rank", samples="", latents=LATENTS, maps=[MAPS], rank=link)
    page_text(app)
    assert from_text(address(app)["rank"]).columns == ("quality",)


@pytest.mark.parametrize("page", ["extract", "train"])
def test_a_threshold_on_names_in_a_link_is_refused(
    scan: Path, open_page: OpenPage, page: str
) -> None:
    app = open_page(page, samples=SAMPLES, maps=[MAPS], keep="0:phase")
    shown = page_text(app)
    assert "'phase' holds names, such as 'Iron', where numbers are needed" in shown
    assert "quality, phase_id" in shown
    start = [one for one in app.button if one.label in ("Extract latents", "Train")]
    assert all(one.disabled for one in start)


def test_thresholds_are_offered_on_quantities_only(scan: Path, open_page: OpenPage) -> None:
    app = open_page("data", samples=SAMPLES, maps=[MAPS], keep="0:phase")
    page_text(app)
    assert app.selectbox(key="threshold_name").options == ["quality"]


def test_whole_numbers_may_be_a_threshold(scan: Path, workspace: Path) -> None:
    state = ScanState(samples=SAMPLES, maps=(MAPS,), keep=("phase_id", 0.0))
    grid = loading.scan_grid(state)
    joined = joining.joined_maps(state.maps, loading.grid_key(state), grid)
    assert joining.kept(state, joined, N).sum() == N // 2
    named = ScanState(samples=SAMPLES, maps=(MAPS,), keep=("phase", 0.0))
    for ask in (lambda: joining.kept(named, joined, N), lambda: joining.keep_above(named, joined)):
        with pytest.raises(RequestError, match="'phase' holds names"):
            ask()
