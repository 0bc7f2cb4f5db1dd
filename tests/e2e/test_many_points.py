"""More points than a browser gets: some are drawn, and numbers are of all."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import PATIENCE, PROBE, link, write_scan
from tests.factories.hexagonal import hexagonal_points

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

COLUMNS, ROWS = 40, 30
SAMPLED = f"{PROBE}.data.sampled"


def test_some_points_are_drawn_and_all_are_counted(page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    scans = {"first": write_scan(folder, "first", COLUMNS, ROWS, 1)}
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(folder),
        "LATENT_BROWSER_POINTS": "600",
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        page.goto(url + link(scans, "first").replace("/?", "/explore?") + "&method=kmeans")
        page.wait_for_function(f"window.__latentPanels?.size && {PROBE}.settled", timeout=PATIENCE)
        # Blocks of 3 × 3 nodes.
        assert page.evaluate(f"[{PROBE}.data.n, {PROBE}.data.grid.shape]") == [140, [10, 14]]
        assert page.locator(".lp-drawn").text_content() == "1 of 8.6 drawn"
        place = page.evaluate(f"{PROBE}.plot('map')")
        page.mouse.move(place["left"] + 0.2 * place["width"], place["top"] + 0.2 * place["height"])
        page.mouse.down()
        page.mouse.move(
            place["left"] + 0.7 * place["width"], place["top"] + 0.6 * place["height"], steps=4
        )
        count = page.locator(".lp-slot[data-slot=A] .lp-count")
        page.wait_for_function(f"{PROBE}.count('A') > 0", timeout=PATIENCE)
        assert re.fullmatch(r" ≈ [\d,]+ of 1,200", count.text_content())
        page.mouse.up()
        (x0, y0), (x1, y1) = page.evaluate(f"{PROBE}.state.selections.A[0].points")
        inside = sum(
            min(x0, x1) <= x < max(x0, x1) and min(y0, y1) <= y < max(y0, y1)
            for x in range(COLUMNS)
            for y in range(ROWS)
        )
        page.get_by_text(f"Selection A: {inside} points").wait_for(timeout=PATIENCE)
        page.get_by_text(f"{inside} of 1,200", exact=True).wait_for(timeout=PATIENCE)
        # What is said of a point is of the one that is drawn there.
        page.mouse.click(place["left"] + 0.9 * place["width"], place["top"] + 12)
        page.wait_for_function(f"{PROBE}.state.pinned !== null", timeout=PATIENCE)
        pinned = page.evaluate(
            f"[...{PROBE}.explorer.points.arrays.get('point')][{PROBE}.state.pinned]"
        )
        x, y = pinned % COLUMNS, pinned // COLUMNS
        page.get_by_text(re.compile(rf"^Point {pinned:,}\b")).first.wait_for(timeout=PATIENCE)
        assert page.evaluate(f"{PROBE}.explorer.points.arrays.get('x')[{PROBE}.state.pinned]") == x
        assert y < 3


def test_zoomed_in_each_point_is_drawn(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    scans = {"first": write_scan(folder, "first", 90, 80, 1)}
    address = link(scans, "first").replace("/?", "/explore?") + "&method=kmeans&embedding=pca"
    x, y = hexagonal_points(80, 90, 0.5).T.round(5)
    table = pd.DataFrame({"x": x, "y": y, "latent_0": np.sin(7 * x), "latent_1": np.cos(5 * y)})
    table.to_csv(folder / "hexagonal_latents.csv", index=False)
    maps, seen, hexagons = {}, {}, {}
    for name, most in (("some", "2400"), ("all", "1000000")):
        env = {
            "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
            "LATENT_DATA_ROOTS": str(folder),
            "LATENT_BROWSER_POINTS": most,
        }
        with streamlit_server(REPOSITORY / "app.py", env=env) as url:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url + address)
            page.wait_for_function(
                f"window.__latentPanels?.size && {PROBE}.settled", timeout=PATIENCE
            )
            page.wait_for_function(f"!{PROBE}.data.messages.length", timeout=PATIENCE)
            zoom(page, "map", 0.4, 0.6)
            if name == "some":
                page.wait_for_function(
                    f"{PROBE}.data.sampled.detail?.step[0] === 1", timeout=PATIENCE
                )
                assert "more of what is zoomed into" in page.locator(".lp-drawn").get_attribute(
                    "title"
                )
            page.wait_for_function(f"{PROBE}.settled", timeout=PATIENCE)
            maps[name] = page.evaluate(PIXELS, "map")
            # A brush in the detail takes the points that are seen there, and counts all.
            place = page.evaluate(f"{PROBE}.plot('map')")
            along = [place["left"] + share * place["width"] for share in (0.3, 0.6)]
            down = [place["top"] + share * place["height"] for share in (0.35, 0.7)]
            page.mouse.move(along[0], down[0])
            page.mouse.down()
            page.mouse.move(along[1], down[1], steps=5)
            page.mouse.up()
            page.mouse.move(700, 2)
            page.get_by_text(re.compile(r"Selection A: [1-9]\d* points")).wait_for(timeout=PATIENCE)
            until(page, f"{PROBE}.settled")
            seen[name] = page.evaluate(PIXELS, "map")
            # All is shown again: what was fetched is let go of, the selection stays.
            page.keyboard.press("Escape")
            page.get_by_role("button", name="Reset").first.click()
            if name == "some":
                page.wait_for_function(
                    f"{PROBE}.data.n === {PROBE}.data.sampled.even", timeout=PATIENCE
                )
                panel = page.evaluate(
                    f"{PROBE}.data.panels.find((one) => one.kind === 'scatter').id"
                )
                zoom(page, panel, 0.5, 0.5)
                page.wait_for_function(
                    f"{PROBE}.data.n > {PROBE}.data.sampled.even", timeout=PATIENCE
                )
                assert page.evaluate(f"{PROBE}.data.sampled.detail") is None
            latents = f"folder:{folder.name}/hexagonal_latents.csv"
            page.goto(f"{url}/explore?samples=&maps=&latents={latents}&embedding=pca&dim=0")
            until(page, f"window.__latentPanels?.size && {PROBE}.settled")
            zoom(page, "map", 0.4, 0.6)
            if name == "some":
                until(page, f"{PROBE}.data.sampled.detail?.wide === 2")
            until(page, f"{PROBE}.settled")
            hexagons[name] = page.evaluate(PIXELS, "map")
            page.close()
    assert maps["some"] == maps["all"]
    assert seen["some"] == seen["all"]
    assert maps["some"] != seen["some"]
    assert hexagons["some"] == hexagons["all"]


PIXELS = f"""(id) => [...{PROBE}.explorer.board.panels.values()]
  .find((one) => one.id === id || one.axesId === id).data.toDataURL()"""


def until(page, what):
    page.wait_for_function(what, timeout=PATIENCE)


def zoom(page, panel, across, down):
    """Turn the wheel with Ctrl over a place of a panel."""
    place = page.evaluate(f"{PROBE}.plot('{panel}')")
    page.mouse.move(place["left"] + across * place["width"], place["top"] + down * place["height"])
    page.keyboard.down("Control")
    for _ in range(13):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.mouse.move(700, 2)
