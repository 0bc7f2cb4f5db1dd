"""Domains in a browser: a click selects one, the slider moves borders, the address keeps them."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from tests.browser_support import REPOSITORY, streamlit_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PATIENCE = 300_000  # numba compiles what it has not on this machine yet
ROWS, COLUMNS = 24, 32
PROBE = "[...window.__latentPanels][0]"
# Nothing runs, nothing is on its way, and the labels are those of the threshold.
SETTLED = f"""() => {{
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.dataset.testScriptState !== 'notRunning' || !window.__latentPanels?.size) return false;
  const probe = {PROBE};
  return probe.settled && (probe.state.threshold ?? null) === probe.data.parts?.plateau.asked;
}}"""
PIXELS = f"""() => {{
  const {{ dataContext }} = {PROBE}.panels.get('map');
  const {{ width, height }} = dataContext.canvas;
  return new Uint8Array(dataContext.getImageData(0, 0, width, height).data.buffer).toHex();
}}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("measured")
    random = np.random.default_rng(5)
    y, x = (axis.ravel() for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    part = x * 4 // COLUMNS + 4 * (y * 2 // ROWS)
    values = 6.0 * np.eye(8)[part] + random.normal(0, 0.3, (len(part), 8))
    latents = {f"latent_{dim}": values[:, dim] for dim in range(8)}
    pd.DataFrame({"x": x, "y": y, **latents}).to_csv(folder / "steel_latents.csv", index=False)
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(folder),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield f"{url}/domains?samples=&latents=folder:{folder.name}/steel_latents.csv"


def settle(page) -> None:
    page.wait_for_function(SETTLED, timeout=PATIENCE)


def pixels(page) -> np.ndarray:
    settle(page)
    return np.frombuffer(bytes.fromhex(page.evaluate(PIXELS)), "<u4")


def metric(page, name: str) -> str:
    shown = page.get_by_test_id("stMetric").filter(has_text=name)
    return shown.get_by_test_id("stMetricValue").inner_text()


def test_domains_are_objects_and_their_borders_follow_the_slider(page, browser, server) -> None:
    page.goto(server)
    settle(page)
    count = int(metric(page, "Domains"))
    labels = np.array(page.evaluate(f"Array.from({PROBE}.explorer.points.arrays.get('domain'))"))
    assert count == len(np.unique(labels)) == 8

    # A click selects the domain, on both sides, and its row.
    plot = page.evaluate(f"{PROBE}.plot('map')")
    page.mouse.click(plot["left"] + 0.9 * plot["width"], plot["top"] + 0.9 * plot["height"])
    page.wait_for_function(f"{PROBE}.count('A') > 0")
    chosen = labels[page.evaluate(f"{PROBE}.ids('A')")]
    wanted = labels[(ROWS - 3) * COLUMNS + COLUMNS - 3]
    assert len(chosen) == (labels == wanted).sum() and (chosen == wanted).all()
    page.wait_for_function("() => location.search.includes('sel=')", timeout=PATIENCE)
    settle(page)

    # The slider, by the keyboard: borders change at once, and on release the cut.
    before = pixels(page)
    slider = page.get_by_role("slider", name="Threshold between domains")
    slider.focus()
    slider.press("ArrowRight")
    slider.press("End")
    last = page.evaluate(f"{PROBE}.data.parts.plateau.thresholds.at(-1)")
    page.wait_for_function(f"{PROBE}.explorer.parts.threshold > 0.99 * {last}")
    page.wait_for_function(f"{PROBE}.data.parts.plateau.asked !== null", timeout=PATIENCE)
    after = pixels(page)
    assert after.shape == before.shape and (after != before).any()
    page.wait_for_function("() => location.search.includes('threshold')", timeout=PATIENCE)
    settle(page)
    asked = json.loads(parse_qs(urlsplit(page.url).query)["domains"][0])
    assert asked == {"threshold": page.evaluate(f"{PROBE}.state.threshold")}
    assert int(metric(page, "Domains")) < count
    assert page.evaluate(f"{PROBE}.count('A')") == 0  # its number means another domain now

    # The same address in another browser shows the same borders and numbers.
    context = browser.new_context(viewport=page.viewport_size)
    try:
        fresh = context.new_page()
        fresh.goto(page.url)
        np.testing.assert_array_equal(pixels(fresh), pixels(page))
        assert metric(fresh, "Domains") == metric(page, "Domains")
    finally:
        context.close()
