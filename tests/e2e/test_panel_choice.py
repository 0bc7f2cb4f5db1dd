"""Panels are chosen on the page, a histogram is brushed, and the link brings all of it back."""

from __future__ import annotations

import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import PATIENCE, PROBE, link, write_scan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SETTLED = f"""wanted => {{
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.dataset.testScriptState !== 'notRunning' || !window.__latentPanels?.size) return false;
  const shown = {PROBE}.data.panels.map((panel) => panel.id);
  return {PROBE}.settled && JSON.stringify(shown) === JSON.stringify(wanted);
}}"""
USUAL = ["pca", "map", "cluster-map", "scatter-d0-bandcontrast"]


def test_chosen_panels_and_a_brushed_range_survive_the_link(page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    scans = {"first": write_scan(folder, "first", 40, 30, 1)}
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(folder),
    }

    def wait(*panels: str) -> None:
        page.wait_for_function(SETTLED, arg=list(panels), timeout=PATIENCE)

    page.set_default_timeout(PATIENCE)
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        page.goto(url + link(scans, "first").replace("/?", "/explore?"))
        wait(*USUAL)
        page.get_by_role("button", name="Add a panel").click()
        wait(*USUAL, "histogram:0")
        place = page.evaluate(f"{PROBE}.plot('histogram:0')")
        page.mouse.move(place["left"] + 0.3 * place["width"], place["top"] + 20)
        page.mouse.down()
        page.mouse.move(place["left"] + 0.6 * place["width"], place["top"] + 40, steps=4)
        page.mouse.up()
        page.wait_for_function(f"{PROBE}.count('A') > 0", timeout=PATIENCE)
        page.locator("[data-panel=map] .lp-pick").click()
        page.get_by_label("Map of", exact=True).select_option(label="bandcontrast")
        own = [USUAL[0], 'map:"bandcontrast"', *USUAL[2:], "histogram:0"]
        wait(*own)
        page.get_by_role("button", name="Move to the left").click()
        own[:2] = own[1::-1]
        wait(*own)
        page.wait_for_function("location.search.includes('sel=')", timeout=PATIENCE)
        selected = page.evaluate(f"[{PROBE}.count('A'), {PROBE}.digest('A')]")
        page.reload()
        wait(*own)
        assert page.evaluate(f"[{PROBE}.count('A'), {PROBE}.digest('A')]") == selected
        assert 0 < selected[0] < 40 * 30
        page.locator('[data-panel="histogram:0"] .lp-pick').click()
        page.get_by_label("This panel shows").select_option(label="Violins and boxes")
        violins = 'violin:[0, ""]'
        wait(*own[:-1], violins)
        page.keyboard.press("Escape")
        place = page.evaluate(f"{PROBE}.plot({violins!r})")
        page.mouse.click(place["left"] + 4, place["top"] + 0.5 * place["height"])
        first = f"""() => {{
          const panel = {PROBE}.panels.get({violins!r});
          const {{ groups, found }} = panel.raster;
          return groups[0].label === 0 && {PROBE}.count('A') === found[0].n;
        }}"""
        page.wait_for_function(first, timeout=PATIENCE)
        title = page.locator("[data-panel=pca] .lp-pick").bounding_box()
        place = page.evaluate(f"{PROBE}.plot('cluster-map')")
        page.mouse.move(title["x"] + 10, title["y"] + 8)
        page.mouse.down()
        page.mouse.move(
            place["left"] + place["width"] / 2, place["top"] + place["height"] / 2, steps=5
        )
        assert page.locator(".lp-drop").get_attribute("data-panel") == "cluster-map"
        page.mouse.up()
        wait(own[0], "cluster-map", "pca", *own[3:-1], violins)
        _pinch(page, "pca")


def _pinch(page, panel: str) -> None:
    """Part two fingers on a panel until they are twice as far from each other."""
    fingers = page.context.new_cdp_session(page)
    place = page.evaluate(f"{PROBE}.plot({panel!r})")
    x, y = place["left"] + place["width"] / 2, place["top"] + place["height"] / 2
    width = f"({PROBE}.view({panel!r}).x1 - {PROBE}.view({panel!r}).x0)"
    before, selected = page.evaluate(f"[{width}, {PROBE}.count('A')]")

    def touch(kind: str, *places: float) -> None:
        points = [{"x": at, "y": y, "id": finger} for finger, at in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    # The first finger alone has begun to draw.
    touch("touchStart", x - 20)
    touch("touchMove", x - 30)
    touch("touchStart", x - 30, x + 30)
    for apart in (40, 50, 60):
        touch("touchMove", x - apart, x + apart)
    touch("touchEnd")
    page.wait_for_function(f"Math.abs(2 * {width} / {before} - 1) < 1e-6", timeout=PATIENCE)
    assert page.evaluate(f"{PROBE}.count('A')") == selected
