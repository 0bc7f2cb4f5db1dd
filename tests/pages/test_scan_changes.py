"""Going from each scan to each other in one session: every page answers about the scan in view."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.analysis.panel_ids import ROW_PANEL
from latentcore.analysis.selection import Shape, row_shapes
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from pages.scan.state import ScanState
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.factories.nenya import cutouts, write_cutouts
from tests.pages.conftest import OpenPage
from tests.pages.use import PAGES

# Pages that compute something about the latents, where a stale answer does harm.
ANSWERING = ("explore", "rank", "search")
TABS = ("selection", "against", "clusters", "patterns", "gallery", "worth", "downloads")
# Metrics that need no job, whose progress would differ from run to run.
QUICK = '{"metrics":["pearson","spearman"],"sure":[]}'
# One scan of each kind: another size, step, number of dimensions, no map, no grid, no latents.
DIFFERENT = ("demo", "fine", "one", "bare", "ocean", "patterns")
ROOT = "folder:measured/"


def latents_on_grid(path: Path, coords: np.ndarray, dims: Sequence[int], unit: str = "") -> None:
    """Write latents of two clusters of points, one point of which has none."""
    random = np.random.default_rng(len(coords))
    values = random.normal(size=(len(coords), len(dims))).astype(np.float32)
    values[:, -1] += np.where(np.arange(len(coords)) % 2, -4, 4)
    values[1] = np.nan
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1], unit=unit)
    ids = default_sample_ids(len(coords))
    write_latents(path, LatentSet(values, ids, np.array(dims, np.int32), grid))


def map_table(path: Path, coords: np.ndarray, **columns: object) -> None:
    table = {"x": coords[:, 0], "y": coords[:, 1]}
    pd.DataFrame({**table, **columns}).to_csv(path, index=False)


@pytest.fixture
def scans(data_root: Path, demo: Path) -> dict[str, ScanState]:
    """Scans that differ in size, kind, dimensions, step and in what is open of them."""
    demo_coords, wide = full_grid(6, 5, x0=10), full_grid(12, 9)
    fine = full_grid(7, 11) * 0.25 + 3
    latents_on_grid(data_root / "demo_latents.h5", demo_coords, range(4))
    latents_on_grid(data_root / "wide_latents.h5", wide, (0, 4, 7))
    latents_on_grid(data_root / "fine_latents.h5", fine, (2, 3), "µm")
    latents_on_grid(data_root / "one_latents.h5", full_grid(5, 4), (40,))
    latents_on_grid(data_root / "bare_latents.h5", full_grid(4, 3), range(3))
    map_table(
        data_root / "wide.csv", wide, bandcontrast=np.arange(108) % 97, cluster=np.arange(108) % 3
    )
    map_table(
        data_root / "fine.csv",
        fine,
        oxygen=np.arange(77.0),
        phase=["Fe", "Ni", "Al", "Si"] * 19 + ["Fe"],
    )
    map_table(data_root / "one.csv", full_grid(5, 4), quality=np.arange(20.0))
    write_kikuchi(data_root / "wide.h5", wide)
    images = cutouts(24, 16)
    write_cutouts(data_root / "ocean.h5", train=images[:14], valid=images[14:])
    values = np.random.default_rng(1).normal(size=(24, 5)).astype(np.float32)
    with h5py.File(data_root / "ocean_latents.h5", "w") as file:
        file["train"], file["valid"] = values[:14], values[14:]
    row = np.arange(24)
    partition, number = np.where(row < 14, "train", "valid"), np.where(row < 14, row, row - 14)
    pd.DataFrame(
        {"partition": partition, "row": number, "lat": row - 30.5, "lon": 2.0 * row, "DT": row / 9}
    ).to_csv(data_root / "ocean.csv", index=False)
    np.save(data_root / "features.npy", values[:9, :2])
    here = f"{ROOT}{{}}".format
    return {
        "demo": ScanState(
            "demo:demo.h5",
            ("demo:demo_bandcontrast.csv", "demo:demo_elements.csv", "demo:demo_truth.csv"),
            here("demo_latents.h5"),
        ),
        "wide": ScanState(here("wide.h5"), (here("wide.csv"),), here("wide_latents.h5")),
        "fine": ScanState(None, (here("fine.csv"),), here("fine_latents.h5")),
        "one": ScanState(None, (here("one.csv"),), here("one_latents.h5")),
        "bare": ScanState(None, (), here("bare_latents.h5")),
        "ocean": ScanState(here("ocean.h5"), (here("ocean.csv"),), here("ocean_latents.h5")),
        "features": ScanState(None, (), here("features.npy")),
        "patterns": ScanState(here("wide.h5"), (here("wide.csv"),), None),
    }


def each_to_each(names: Sequence[str]) -> Iterator[str]:
    """Yield names so that each ordered pair of different ones follows each other once."""
    left = {name: [other for other in names if other != name] for name in names}
    trail: list[str] = []
    path = [names[0]]
    while path:  # Hierholzer's way through all edges
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            trail.append(path.pop())
    return reversed(trail)


def test_the_way_meets_each_pair_once() -> None:
    pairs = list(itertools.pairwise(each_to_each("abcd")))
    assert sorted(pairs) == sorted(itertools.permutations("abcd", 2))


def shown(app: AppTest) -> list[str]:
    """Return all that a page says and offers, as text."""
    assert not app.exception
    assert not any("fault of the program" in error.value for error in app.error)
    found = []
    for element in app.main:
        value = getattr(element, "value", None)
        if isinstance(value, pd.DataFrame):
            value = value.to_csv()
        found.append(f"{element.type} {getattr(element, 'label', '')} {value}")
        found += [f"  {option}" for option in getattr(element, "options", ())]
    return found


def brush(app: AppTest) -> None:
    """Leave behind what can only be meant for the scan in view."""
    if "explore" not in app.session_state:
        return
    question = app.session_state["explore"]
    strokes = (Shape("map", "box", ((0, 0), (60, 60)), "replace"),)
    app.session_state["explore"] = question.changed(
        roi=question.roi or (0, 60, 0, 60),
        selections={"A": strokes, "B": row_shapes(ROW_PANEL, [0, 2])},
        pinned=2,
        limits=(0.5, 0.75),
    )
    shown(app.run())


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ANSWERING])
def test_each_scan_can_follow_each_other(
    page: str, open_page: OpenPage, scans: dict[str, ScanState]
) -> None:
    app = open_page(page)
    for name in each_to_each(list(scans)):
        app.session_state["scan"] = scans[name]
        shown(app.run())


@pytest.mark.parametrize(
    ("page", "chosen"),
    [
        *(("explore", {"explore.tab": tab}) for tab in TABS),
        ("rank", {"rank.task": "ranking"}),
        ("rank", {"rank.task": "labels"}),
        ("rank", {"rank.task": "agreement"}),
        ("search", {"search.task": "similar"}),
        ("search", {"search.task": "probe"}),
    ],
)
def test_a_page_says_of_each_scan_what_it_says_in_a_fresh_session(
    page: str, chosen: dict[str, str], open_page: OpenPage, scans: dict[str, ScanState]
) -> None:
    def open_scan(app: AppTest, scan: ScanState) -> list[str]:
        app.session_state["scan"] = scan
        app.run()
        for key, value in chosen.items():
            if key in app.session_state and app.session_state[key] != value:
                kind = app.selectbox if key == "explore.tab" else app.button_group
                try:
                    widget = kind(key=key)
                except KeyError:  # its choice outlives a scan that has no latents to explore
                    continue
                before = widget.value
                try:
                    widget.set_value(value).run()
                except ValueError:  # this scan has no such tab, and a browser couldn't choose it
                    widget.set_value(before)
        return shown(app)

    fresh = {}
    for name in DIFFERENT:
        st.cache_data.clear()
        st.cache_resource.clear()
        fresh[name] = open_scan(open_page(page, embedding="pca", rank=QUICK), scans[name])
    app = open_page(page, embedding="pca", rank=QUICK)
    for before, name in itertools.pairwise(each_to_each(DIFFERENT)):
        assert open_scan(app, scans[name]) == fresh[name], f"{name} after {before}"
        brush(app)
