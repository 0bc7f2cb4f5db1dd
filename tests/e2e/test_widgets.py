"""Widgets that follow a value, on the way from page to page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser_support import streamlit_server

pytestmark = pytest.mark.browser

PATIENCE = 60_000
SHOWS = """(value) => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState
  === 'notRunning' && document.querySelector('input[type="range"]')?.value === value"""


def test_a_slider_that_two_pages_share_shows_the_same_on_both(page) -> None:
    with streamlit_server(Path(__file__).with_name("two_pages.py")) as url:
        page.goto(url)
        slider = page.get_by_role("slider").first
        slider.wait_for(timeout=PATIENCE)
        slider.focus()
        for _ in range(3):
            slider.press("ArrowRight")
        for link in ("second", "first", "second"):
            page.get_by_role("link", name=link).click()
            page.wait_for_url(f"{url}/{'' if link == 'first' else link}")
            page.wait_for_function(SHOWS, arg="3", timeout=PATIENCE)
