"""A region kept in one browser, found again after a reload, and renamed in another browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import PATIENCE, PROBE, SETTLED, link, write_scan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DRAWN = f"{PROBE}.data.regions?.names[0] === 'Region 1'"


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return {"first": write_scan(tmp_path_factory.mktemp("measured"), "first", 40, 30, 1)}


@pytest.fixture(scope="module")
def server(scans, tmp_path_factory: pytest.TempPathFactory):
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(scans["first"][0].parent),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield url


SIDE = ".st-key-explore-beside"


def wait(page, condition: str) -> None:
    page.wait_for_function(f"() => ({SETTLED})() && ({condition})", timeout=PATIENCE)


def brush(page, panel: str) -> None:
    """Draw a box from the upper left quarter of a panel to its middle."""
    box = page.locator(f'[data-panel="{panel}"] canvas.lp-overlay').bounding_box()
    place = [(box["x"] + s * box["width"], box["y"] + s * box["height"]) for s in (0.25, 0.4, 0.5)]
    page.mouse.move(*place[0])
    page.mouse.down()
    for at in place[1:]:
        page.mouse.move(*at)
    page.mouse.up()


def row(page, name: str):
    """Return the button of a region in the list."""
    return page.locator(SIDE).get_by_role("button", name=name, exact=True)


def test_a_region_outlives_a_reload_and_both_browsers_see_its_new_name(
    page, browser, server, scans
) -> None:
    address = server + link(scans, "first")
    page.goto(address)
    wait(page, "true")
    brush(page, "map")
    keep = page.get_by_role("button", name=re.compile("Keep selection A · "))
    keep.wait_for(timeout=PATIENCE)
    n = int(keep.inner_text().split("·")[-1].replace(",", ""))
    assert 0 < n < 1200
    keep.click()
    row(page, "Region 1").wait_for(timeout=PATIENCE)
    wait(page, DRAWN)

    page.goto(address)  # without the selection that the address carries now
    row(page, "Region 1").wait_for(timeout=PATIENCE)
    wait(page, f"{PROBE}.state.selections.A.length === 0 && {DRAWN}")
    row(page, "Region 1").click()
    wait(page, f"{PROBE}.state.selections.A.length === 1 && {PROBE}.count('A') === {n}")

    context = browser.new_context(viewport=page.viewport_size)
    try:
        other = context.new_page()
        other.goto(address)
        row(other, "Region 1").click(timeout=PATIENCE)
        name = other.locator(SIDE).get_by_label("Name")
        name.fill("pore <b>*rim*</b>")
        name.press("Enter")
        row(page, "pore <b>*rim*</b>").wait_for(timeout=PATIENCE)
    finally:
        context.close()
    assert row(page, "Region 1").count() == 0
