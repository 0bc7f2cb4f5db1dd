"""The panels after what a user did to them look as they look on a fresh page of the same link."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import TimeoutError as TooLate

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import (
    PATIENCE,
    PROBE,
    assert_like_a_fresh_page,
    link,
    open_explore,
    pixels,
    settle,
    upload,
    write_scan,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("measured")
    sizes = {"first": (40, 30, 1), "alike": (40, 30, 2), "smaller": (23, 17, 3)}
    sizes["larger"] = (120, 100, 4)
    return {name: write_scan(folder, name, *size) for name, size in sizes.items()}


@pytest.fixture(scope="module")
def server(scans, tmp_path_factory: pytest.TempPathFactory):
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(scans["first"][0].parent),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield url


def roi(page) -> list[float] | None:
    return page.evaluate(f"{PROBE}.state.roi")


def slide(page, thumb: int, key: str, times: int) -> None:
    """Move one end of a ROI slider by the keyboard: x from, x below, y from, y below."""
    slider = page.get_by_role("slider").nth(thumb)
    slider.focus()
    start = float(slider.input_value())
    for _ in range(times):
        slider.press(key)
    end = start + times * (1 if key == "ArrowRight" else -1)
    page.wait_for_function(f"{PROBE}.state.roi?.[{thumb}] === {end}", timeout=PATIENCE)
    settle(page)


def test_panels_follow_the_roi_of_sliders_fields_and_the_whole_scan(
    page, browser, server, scans
) -> None:
    page.goto(server + link(scans, "first"))
    settle(page)
    whole = pixels(page)
    slide(page, 0, "ArrowRight", 9)
    assert roi(page) == [9, 40, 0, 30]
    assert_like_a_fresh_page(page, browser)
    slide(page, 3, "ArrowLeft", 11)
    assert roi(page) == [9, 40, 0, 19]
    assert_like_a_fresh_page(page, browser)
    page.get_by_role("button", name="ROI", exact=True).click()
    field = page.get_by_role("spinbutton", name="x below")
    for _ in range(6):  # on a slow machine the field may not have taken the text when Enter comes
        field.fill("25")
        field.press("Enter")
        with contextlib.suppress(TooLate):
            page.wait_for_function(f"{PROBE}.state.roi?.[1] === 25", timeout=3_000)
            break
    assert roi(page) == [9, 25, 0, 19]
    assert_like_a_fresh_page(page, browser)
    page.get_by_role("button", name="Whole scan").click()
    page.wait_for_function(f"{PROBE}.state.roi === null", timeout=PATIENCE)
    assert_like_a_fresh_page(page, browser)
    assert pixels(page) == whole


def test_an_uploaded_scan_takes_the_place_of_the_one_in_view(page, browser, server, scans) -> None:
    page.goto(server + link(scans, "first"))
    settle(page)
    slide(page, 1, "ArrowLeft", 12)
    for name in ("smaller", "alike"):
        upload(page, scans[name])
        open_explore(page)
        assert roi(page) is None
        assert page.get_by_text("fault of the program").count() == 0
        assert_like_a_fresh_page(page, browser)
        slide(page, 2, "ArrowRight", 5)
        assert_like_a_fresh_page(page, browser)


def test_a_stale_link_says_so_until_it_is_dismissed(page, server) -> None:
    gone = "run:extract-0/gone_latents.h5"
    page.goto(f"{server}/?latents={gone}&roi=[1,2,3,4]")
    warning = page.get_by_text(f"There is nothing at '{gone}' any more")
    for _ in range(2):
        warning.wait_for(timeout=PATIENCE)
        page.wait_for_function(
            "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        )
        page.wait_for_timeout(1_000)
        assert warning.is_visible()
        assert page.evaluate("!window.__latentPanels?.size"), "no other scan is shown"
        page.reload()
    warning.wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Dismiss").click()
    warning.wait_for(state="detached", timeout=PATIENCE)
    assert gone not in page.url


def test_a_cancel_ends_a_fit_that_takes_no_steps(page, server, scans) -> None:
    hours = '&method=kmeans&parameters={"k":500,"n_init":10000}'
    page.goto(server + link(scans, "larger") + hours)
    page.get_by_text("Clustering (KMeans").wait_for(timeout=PATIENCE)
    assert fits(scans)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Clustering was cancelled: no clusters are shown.").wait_for(timeout=PATIENCE)
    assert not fits(scans)


def fits(scans) -> list[str]:
    """Return the processes of this server that fit clusters."""
    ours = f"LATENT_DATA_ROOTS={scans['first'][0].parent}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"latentcore.analysis.cluster_fits" in (process / "cmdline").read_bytes():
                found += [process.name] if ours in (process / "environ").read_bytes() else []
    return found


def test_a_click_on_a_similarity_map_asks_for_that_point(page, browser, server, scans) -> None:
    latents = pd.read_csv(scans["first"][0]).filter(like="latent_").to_numpy()
    directions = latents / np.linalg.norm(latents, axis=1, keepdims=True)
    page.goto(server + link(scans, "first") + "&method=kmeans&color=@similarity")
    page.get_by_text("Click a point in any panel").wait_for(timeout=PATIENCE)
    for x, y in ((2, 3), (37, 26)):
        point = x + 40 * y
        plot = page.evaluate(f"{PROBE}.plot('map')")
        page.mouse.click(
            plot["left"] + (x + 0.5) / 40 * plot["width"],
            plot["top"] + (y + 0.5) / 30 * plot["height"],
        )
        page.locator("[data-panel=map]", has_text=f"Similarity to point {point:,}").wait_for(
            timeout=PATIENCE
        )
        settle(page)
        drawn = page.evaluate(f"[...{PROBE}.explorer.points.arrays.get('similarity')]")
        np.testing.assert_allclose(drawn, directions @ directions[point], atol=1e-6)
        page.get_by_text(f"Point {point:,} at x = {x}, y = {y}").wait_for(timeout=PATIENCE)
    assert_like_a_fresh_page(page, browser)
