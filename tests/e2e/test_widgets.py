"""Widgets as browsers show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser_support import streamlit_server

pytestmark = pytest.mark.browser

PATIENCE = 120_000
SHOWS = """(value) => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState
  === 'notRunning' && document.querySelector('input[type="range"]')?.value === value"""


def test_a_slider_that_two_pages_share_shows_the_same_on_both(page) -> None:
    with streamlit_server(Path(__file__).with_name("two_pages.py")) as url:
        page.goto(url)
        page.wait_for_function(SHOWS, arg="0", timeout=PATIENCE)
        for value in ("1", "2", "3"):
            page.get_by_role("slider").first.press("ArrowRight")
            # A slider tells of a step only after a while: one that was left before is lost.
            page.get_by_text(f"from {value}", exact=True).wait_for(timeout=PATIENCE)
        for link in ("second", "first", "second"):
            page.get_by_role("link", name=link).click()
            page.wait_for_url(f"{url}/{'' if link == 'first' else link}")
            page.wait_for_function(SHOWS, arg="3", timeout=PATIENCE)


def test_tables_have_the_height_that_streamlit_finds_out_later(page) -> None:
    with streamlit_server(Path(__file__).with_name("page_with_tables.py")) as url:
        page.goto(url)
        tables = page.get_by_test_id("stDataFrame").locator("canvas")
        tables.nth(5).wait_for(state="attached", timeout=PATIENCE)
        found = page.get_by_test_id("stDataFrameResizable").all()
        heights = [one.bounding_box()["height"] for one in found]
    assert heights[0] == heights[1]
    assert heights[2] == heights[3]
    line = (heights[3] - heights[1]) / 2  # one without rows has one that says so
    assert heights[5] == heights[1] + 9 * line  # ten rows, the last one whole
