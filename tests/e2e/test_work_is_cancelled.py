"""What is computed beside the Explore page is cancelled by a click as people make it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser_support import streamlit_server

pytestmark = pytest.mark.browser

PATIENCE = 120_000
TOLD = "document.querySelector('.st-key-explore-notice-wait')?.innerText ?? ''"


def test_a_press_that_lasts_over_a_redrawing_cancels(page) -> None:
    with streamlit_server(Path(__file__).with_name("page_with_work.py")) as url:
        page.goto(url)
        button = page.get_by_role("button", name="Cancel")
        button.wait_for(timeout=PATIENCE)
        place = button.bounding_box()
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.mouse.down()
        told = page.evaluate(TOLD)
        assert "fitting 25 %" in told
        page.wait_for_function(f"told => {TOLD} !== told", arg=told, timeout=PATIENCE)
        page.mouse.up()
        page.get_by_text("It was cancelled.").wait_for(timeout=PATIENCE)
        # The page says so while it is still being drawn; what was told goes when that has ended.
        page.wait_for_function(f"() => !({TOLD})", timeout=PATIENCE)
