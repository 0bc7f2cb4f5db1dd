"""Explore in one look: panels, controls and numbers lie in the window and stay in place."""

from __future__ import annotations

import pytest

from tests.e2e.test_true_panels import scans, server  # noqa: F401 - fixtures
from tests.e2e.true_pixels import PATIENCE, PROBE, SETTLED, link

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PLACES = """() => {
  const root = document.querySelector('[data-testid="stBidiComponentIsolated"]').shadowRoot;
  const box = (element) => element.getBoundingClientRect().toJSON();
  const main = document.querySelector('.stMain');
  return {
    bodies: [...root.querySelectorAll('.lp-body')].map(box),
    bar: box(document.querySelector('.st-key-explore-bar')),
    scrolls: main.scrollHeight > main.clientHeight || main.scrollWidth > main.clientWidth,
  };
}"""

# How far what has moved since the page was asked for, as browsers sum it up.
MOVED = """window.__moved = [];
new PerformanceObserver((list) => {
  const place = ({ x, y, height }) => `${x} ${y} ${height}`;
  for (const { value, sources } of list.getEntries()) window.__moved.push([
    value, ...sources.map(({ node, previousRect, currentRect }) =>
      `${node?.className || node?.nodeName}: ${place(previousRect)} to ${place(currentRect)}`),
  ]);
}).observe({ type: "layout-shift", buffered: true })"""

# Those soon after an input, too, which browsers leave out of their sum.
SHIFTS = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();  // what is there has been painted
  window.__shifts = [];
  const told = ({ node, previousRect: a, currentRect: b }) =>
    [node?.className || node?.nodeName, a.x, a.y, "to", b.x, b.y].join(" ");
  // A text with other lines is named, too, where it begins at the same place; and the label of a
  // button that grows with its number, from the middle.
  const moved = ({ node, previousRect: a, currentRect: b }) =>
    (a.x !== b.x || a.y !== b.y) && !(node?.parentElement ?? node)?.closest("button");
  new PerformanceObserver((list) => window.__shifts.push(...list.getEntries().flatMap(
    ({ sources }) => sources.filter(moved).map(told)))).observe({ type: "layout-shift" });
}"""


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (1920, 1080)])
def test_panels_controls_and_numbers_are_seen_without_scrolling(page, server, scans, size) -> None:  # noqa: F811
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(MOVED)
    page.goto(server + link(scans, "first"))
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    moved = page.evaluate("window.__moved")
    assert sum(value for value, *_ in moved) < 0.01, moved
    found = page.evaluate(PLACES)
    assert len(found["bodies"]) == 4
    for box in [*found["bodies"], found["bar"]]:
        assert box["left"] >= 0
        assert box["top"] >= 0
        assert box["right"] <= width
        assert box["bottom"] <= height
    area = sum(box["width"] * box["height"] for box in found["bodies"])
    assert area / (width * height) >= 0.55
    assert not found["scrolls"]

    tables = page.locator('.st-key-explore-beside [data-testid="stDataFrame"] canvas')
    tables.nth(1).wait_for(state="attached", timeout=PATIENCE)  # the side panel has its numbers
    page.evaluate(SHIFTS)
    box = page.locator('[data-panel="map"] canvas.lp-overlay').bounding_box()
    for place, act in ((0.3, page.mouse.down), (0.6, page.mouse.up)):
        page.mouse.move(box["x"] + place * box["width"], box["y"] + place * box["height"])
        act()
    page.wait_for_function(f"{PROBE}.count('A') > 0", timeout=PATIENCE)
    selected = page.evaluate(f"{PROBE}.count('A')")
    card = page.get_by_text(f"Selection A: {selected:,} points")
    card.wait_for(timeout=PATIENCE)
    assert card.bounding_box()["y"] < height / 2
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    panels = page.evaluate(PLACES)["bodies"]
    assert panels == found["bodies"]
    assert page.evaluate("window.__shifts") == []


def test_the_sidebar_is_a_rail_also_while_there_are_no_latents(page, server) -> None:  # noqa: F811
    """On a first visit they come while the page is open: nothing may move aside then."""
    page.goto(f"{server}/?samples=&maps=&latents=")
    page.get_by_text("No latents are in view").wait_for(timeout=PATIENCE)
    assert page.get_by_test_id("stSidebarContent").bounding_box()["width"] == 52


def test_presses_that_follow_at_once_are_all_taken(page, server, scans) -> None:  # noqa: F811
    page.goto(server + link(scans, "first"))
    page.wait_for_function(f"window.__latentPanels?.size && {PROBE}.firstDrawing", timeout=PATIENCE)
    page.get_by_role("slider").first.focus()
    for _ in range(10):  # while the server is still at its first run
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "new URLSearchParams(location.search).get('roi') === '[10.0,40.0,0.0,30.0]'",
        timeout=PATIENCE,
    )
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    assert page.evaluate(f"{PROBE}.state.roi") == [10, 40, 0, 30]
    assert page.get_by_role("slider").first.input_value() == "10"


def test_panels_follow_the_theme_of_the_system(page, server, scans) -> None:  # noqa: F811
    page.goto(server + link(scans, "first"))
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    lut = f"[...{PROBE}.panels.values()][0].coloring.lut"
    light = page.evaluate(lut)
    page.emulate_media(color_scheme="dark")
    # The low end of a color map is lighter on a dark ground, which the server has to hear of.
    page.wait_for_function(f"{lut} !== {light!r}", timeout=PATIENCE)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{lut} === {light!r}", timeout=PATIENCE)


def test_the_first_plot_is_two_presses_away(page, server, scans) -> None:  # noqa: F811
    """By a link past the sidebar, which is seen once Tab has come to it."""
    page.goto(server + link(scans, "first"))
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    skip = page.locator(".skip-link")
    assert skip.bounding_box()["y"] < -10
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the panels"
    assert skip.bounding_box()["y"] > 0
    page.keyboard.press("Enter")
    focused = "document.activeElement.shadowRoot?.activeElement?.closest('[data-panel]')"
    assert page.evaluate(f"{focused}?.dataset.panel") == "pca"
    assert "#" not in page.url


def test_pages_that_share_the_roi_have_no_rail(page, server, scans) -> None:  # noqa: F811
    page.goto(server + link(scans, "first").replace("/?", "/rank?"))
    page.get_by_text("ROI in x").wait_for(timeout=PATIENCE)
    assert page.get_by_test_id("stSidebarContent").bounding_box()["width"] > 200
