from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.analysis.agreement import rand_and_information
from latentcore.analysis.selection import Shape
from pages.regions.kept import kept
from pages.scan import joining, loading
from pages.view.question import Question
from pages.view.question_link import to_query
from tests.pages.conftest import OpenPage

ROOT = "folder:measured/"
ROWS, COLUMNS = 18, 24
# Four domains of known size: three upright bands, the last one halved.
TRUTH = (np.arange(ROWS * COLUMNS) % COLUMNS // 8) + (
    (np.arange(ROWS * COLUMNS) // COLUMNS >= 9) & (np.arange(ROWS * COLUMNS) % COLUMNS >= 16)
)


def write_scan(folder: Path, values: np.ndarray, **maps: object) -> dict[str, str]:
    """Write latents (n, d) on the grid, and maps beside them; return the query that opens them."""
    y, x = (axis.ravel() * 0.5 for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    where = {"x": x, "y": y}
    latents = {f"latent_{dim}": values[:, dim] for dim in range(values.shape[1])}
    pd.DataFrame({**where, **latents}).to_csv(folder / "steel_latents.csv", index=False)
    pd.DataFrame({**where, **maps}).to_csv(folder / "steel_maps.csv", index=False)
    return {
        "samples": "",
        "latents": f"{ROOT}steel_latents.csv",
        "maps": f"{ROOT}steel_maps.csv",
    }


@pytest.fixture
def steel(data_root: Path) -> dict[str, str]:
    """Latents of four domains, one point of which has none."""
    random = np.random.default_rng(0)
    values = 5.0 * np.eye(4)[TRUTH] + random.normal(0, 0.3, (len(TRUTH), 4))
    values[7] = np.nan
    return write_scan(data_root, values, bandcontrast=100 + TRUTH, grain_id=TRUTH)


def found(app: AppTest) -> AppTest:
    """Run the page until its domains are found, or it says why there are none."""
    patience = time.monotonic() + 240  # numba compiles what it has not on this machine yet
    while not (app.metric or app.error or app.exception or app.info):
        assert time.monotonic() < patience, texts(app)
        time.sleep(0.05)
        app.run()
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def texts(app: AppTest) -> str:
    shown = (*app.info, *app.warning, *app.error, *app.caption)
    return "\n".join(element.value for element in shown)


def test_the_domains_of_the_scan_are_found_and_described(
    open_page: OpenPage, steel: dict[str, str]
) -> None:
    app = found(open_page("domains", **steel))
    assert not app.exception and not app.error, texts(app)
    assert metrics(app)["Domains"] == "4"
    assert "1 points have no latent" in texts(app)
    table = app.dataframe[0].value
    sizes = np.bincount(np.delete(TRUTH, 7))
    assert sorted(table["n"]) == sorted(sizes)
    assert table["area"].tolist() == (table["n"] * 0.25).tolist()
    assert sorted(table["mean_bandcontrast"].round()) == [100, 101, 102, 103]


def test_a_threshold_is_kept_by_the_address_and_merges(
    open_page: OpenPage, steel: dict[str, str]
) -> None:
    app = found(open_page("domains", domains='{"threshold":5000.0}', **steel))
    assert metrics(app)["Domains"] == "1" and metrics(app)["Threshold"].startswith("5000")
    assert app.query_params["domains"] == '{"threshold":5000.0}'
    nonsense = '{"threshold":-1,"settings":{"method":"none","min_size":"many"}}'
    for text in (nonsense, '{"settings":{"method":"none","min_size":"many"}}', "[[", "{}"):
        app = found(open_page("domains", domains=text, **steel))
        assert not app.error and metrics(app)["Domains"] == "4", text


def test_domains_are_held_against_a_label_map(open_page: OpenPage, steel: dict[str, str]) -> None:
    app = found(open_page("domains", domains='{"truth":"grain_id","shown":["differs"]}', **steel))
    app.session_state["domains.tab"] = "compare"
    app.run()
    assert not app.error, texts(app)
    shown = metrics(app)
    assert shown["ARI"] == "1.0000" and shown["Variation of information"] == "0.0000"
    assert shown["Borders found"] == shown["Borders confirmed"] == "100.0 %"
    assert shown["Points that differ"] == "0.0 %"


def test_kept_domains_are_labels_of_the_scan(open_page: OpenPage, steel: dict[str, str]) -> None:
    app = found(open_page("domains", **steel))
    app.session_state["domains.tab"] = "downloads"
    app.run()
    command = app.code[0].value
    assert command.startswith("python -m latentcore domains") and "--map" in command
    app.button(key="domains.keep").click().run()
    assert not app.error and not app.exception
    scan = app.session_state["scan"]
    maps = joining.joined_maps(scan.maps, loading.grid_key(scan), loading.scan_grid(scan))
    domain = maps.get("domain")
    assert np.isnan(domain).sum() == 1 and "domain" in maps.categories
    assert rand_and_information(np.delete(domain, 7), np.delete(TRUTH, 7))[0] == 1
    assert np.isfinite(np.delete(maps.get("deviation"), 7)).all()
    assert "among the maps in view" in "".join(one.value for one in app.success)


def test_selected_domains_are_kept_as_regions(open_page: OpenPage, steel: dict[str, str]) -> None:
    everything = Shape("map", "box", ((-1e6, -1e6), (1e6, 1e6)))
    view = to_query(Question(selections={"A": (everything,), "B": ()}))
    app = found(open_page("domains", **steel, **view))
    app.session_state["domains.tab"] = "downloads"
    app.run()
    app.button(key="domains.keep_regions").click().run()
    assert not app.error and not app.exception
    latents = loading.latents(steel["latents"])
    regions = kept(latents)
    assert sorted(regions.regions.names) == [f"domain {one}" for one in range(4)]
    sizes = np.bincount(np.delete(TRUTH, 7))
    assert sorted(regions.counts.values()) == sorted(sizes)


def test_strokes_of_other_panels_are_kept(open_page: OpenPage, steel: dict[str, str]) -> None:
    strokes = {"A": (Shape("umap", "box", ((0.0, 0.0), (1.0, 1.0))),), "B": ()}
    app = found(open_page("domains", **steel, **to_query(Question(selections=strokes))))
    assert app.session_state["explore"].selections == strokes


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.ones((ROWS * COLUMNS, 3)), "nothing to tell domains by"),
        (np.full((ROWS * COLUMNS, 3), np.nan), "None of the 432 points"),
    ],
)
def test_latents_without_domains_are_explained(
    open_page: OpenPage, data_root: Path, values: np.ndarray, says: str
) -> None:
    app = found(open_page("domains", **write_scan(data_root, values, bandcontrast=1)))
    assert not app.exception and says in texts(app)


def test_latents_without_a_grid_are_explained(open_page: OpenPage, data_root: Path) -> None:
    np.save(data_root / "flat_latents.npy", np.random.default_rng(0).normal(size=(30, 3)))
    app = found(open_page("domains", samples="", latents=f"{ROOT}flat_latents.npy"))
    assert "no coordinates" in texts(app)
