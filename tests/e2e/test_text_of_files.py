"""A real browser shows hostile names letter by letter, and asks no other host for anything."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.browser_support import REPOSITORY, streamlit_server
from tests.pages.hostile_text import HOST, NAME, write_scan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PATIENCE = 120_000
# For each page what is there when all with a name in it has been drawn.
HEADING = "[...document.querySelectorAll('h1')].some(h => h.offsetParent)"
LAST = {
    "data": "document.querySelector('.st-key-threshold_profile text')",
    "": "window.__latentPanels?.size && [...window.__latentPanels][0].firstDrawing > 0",
    "rank": "document.querySelector('.st-key-rank-scatter text')",
    "search": "document.querySelector('.st-key-search-map text')",
    "pattern_maps": HEADING,
    "train": HEADING,
    "extract": HEADING,
    "domains": HEADING,
    "compare": HEADING,
    "batch": HEADING,
    "runs": HEADING,
}
# What the policy of the page keeps from happening, for each of its own scripts as well.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""
# What text would be that slipped into a page as HTML, past all that makes text of it.
SLIPPED = """
() => {
  document.body.insertAdjacentHTML("beforeend",
    `<img src="http://HOST/x.png"><img src="data:," onerror="window.ran = 1">
     <style>body { background: url(http://HOST/y.png) }</style>
     <iframe src="http://HOST/z"></iframe><a id="slipped" href="javascript:window.ran = 2">a</a>`);
  document.getElementById("slipped").click();
}
""".replace("HOST", HOST)
# Links are as bad as pictures: nobody of the program has set them.
OTHERS = "[...document.querySelectorAll('main a, section a')].map(a => a.href)"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "measured"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def query(files: Path) -> str:
    found = {kind: f"folder:measured/{name}" for kind, name in write_scan(files).items()}
    found |= {"keep": f"-9.0:{NAME}", "embedding": "pca", "reference": NAME, "color": NAME}
    return urlencode(found)


@pytest.fixture(scope="module")
def server(files: Path, tmp_path_factory: pytest.TempPathFactory):
    workspace = str(tmp_path_factory.mktemp("workspace"))
    env = {"LATENT_WORKSPACE": workspace, "LATENT_DATA_ROOTS": str(files)}
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield url


def shown(page, selector: str) -> str:
    """Return the text of all elements that fit, one below the other, spaces as they are seen."""
    texts = page.locator(selector).all_text_contents()
    return "\n".join(" ".join(text.split()) for text in texts)


@pytest.mark.parametrize("path", LAST)
def test_browser_shows_names_and_asks_no_other_host(page, server: str, query: str, path: str):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"http://{HOST}/{dialog.message}"))
    page.add_init_script(LISTEN)
    page.route(lambda url: urlsplit(url).hostname not in ("127.0.0.1", None), lambda r: r.abort())
    page.goto(f"{server}/{path}?{query}")
    page.wait_for_function(LAST[path], timeout=PATIENCE)
    page.get_by_test_id("stSidebar").hover()  # on Explore it opens only then
    caption = page.get_by_text("Only points with").first
    caption.wait_for(timeout=PATIENCE)
    assert " ".join(caption.inner_text().split()) == f"Only points with {NAME} > -9"
    if path == "data":
        page.get_by_text("Keep ![](").first.wait_for(timeout=PATIENCE)
        assert f"Keep {NAME} above" in shown(page, "[data-testid=stWidgetLabel]")
        assert NAME in shown(page, "[data-testid=stPlotlyChart] text")
        assert NAME in shown(page, "[data-testid=stTable] td")
    elif path == "":
        assert f"Latent 0 and {NAME}" in shown(page, ".lp-title")
        page.locator(".st-key-explore-color input").first.click()
        page.get_by_role("option").nth(1).wait_for(timeout=PATIENCE)
        assert NAME in shown(page, "[role=option]")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Features").first.click()
        presets = ".st-key-explore-features-preset button"
        page.locator(presets).first.wait_for(timeout=PATIENCE)
        assert f"latent and {NAME}" in shown(page, presets)
    elif path == "rank":
        page.get_by_text("points in the ROI have a latent and").first.wait_for(timeout=PATIENCE)
        assert f"a latent and {NAME}" in shown(page, "[data-testid=stCaptionContainer]")
        assert NAME in shown(page, "[data-testid=stPlotlyChart] text")
    assert page.evaluate("refused") == []
    hosts = {urlsplit(url).hostname for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert [link for link in page.evaluate(OTHERS) if urlsplit(link).hostname != "127.0.0.1"] == []


TABLES = """
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.frame import tables

style = Path(tables.__file__).with_name("frame.css").read_text()
st.html(f"<style>{style}</style>")
for name in ("Fe", "=1+1"):
    with st.container(key="plain" if name == "Fe" else "formula"):
        tables.show_table(pd.DataFrame({name: [-1.5], "sea": ["Arctic"]}))
"""


def test_tables_that_a_spreadsheet_would_compute_are_not_offered_as_csv(page, tmp_path: Path):
    (tmp_path / "page.py").write_text(TABLES)
    with streamlit_server(tmp_path / "page.py") as url:
        page.goto(url)
        for table, offers in (("plain", ["Download as CSV", "Search"]), ("formula", ["Search"])):
            page.locator(f".st-key-{table} [data-testid=stDataFrameResizable]").hover()
            buttons = page.locator(f".st-key-{table} [data-testid=stElementToolbarButton]")
            buttons.last.wait_for()
            labels = [
                one.get_by_role("button").get_attribute("aria-label").partition(":")[0]
                for one in buttons.all()
                if one.is_visible()
            ]
            assert [label for label in labels if label in offers] == offers
            assert ("Download as CSV" in labels) == (table == "plain")


def test_browser_refuses_what_slipped_into_a_page_as_html(page, server: str, query: str):
    page.add_init_script(LISTEN)
    for path in ("", "runs", "no_such_page"):
        page.goto(f"{server}/{path}?{query}")
        page.wait_for_function(HEADING, timeout=PATIENCE)
        page.evaluate(SLIPPED)
        page.wait_for_function("new Set(refused).size >= 5", timeout=PATIENCE)
        assert set(page.evaluate("refused")) == {
            f"frame-src http://{HOST}",
            f"img-src http://{HOST}/x.png",
            f"img-src http://{HOST}/y.png",
            "script-src-attr inline",
            "script-src-elem inline",
        }
        assert page.evaluate("window.ran") is None
