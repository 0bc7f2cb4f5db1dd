"""What a page of linked panels shows, and whether a fresh page of its link shows the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import TimeoutError as TooLate

PATIENCE = 120_000
PROBE = "[...window.__latentPanels][0]"
IDLE = """() =>
  document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
"""
# Nothing runs, nothing is on its way, and the last frame is drawn.
SETTLED = f"""() => {{
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.dataset.testScriptState !== 'notRunning' || !window.__latentPanels?.size) return false;
  return {PROBE}.settled && {PROBE}.panels.has('cluster-map');
}}"""
STATE = f"() => JSON.stringify([location.search, {PROBE}.state])"
# Of each panel the pixels of its points, and those of its outlines: their digest, or all of them as
# text, for which the browser's driver takes ten times as long (for as many numbers, a minute).
PIXELS = f"""async (all) => Object.fromEntries(await Promise.all(
  [...{PROBE}.panels.values()].flatMap((panel) => [
    ['points', panel.dataContext], ['outlines', panel.overlayContext],
  ].map(async ([layer, context]) => {{
    const {{ width, height }} = context.canvas;
    const bytes = context.getImageData(0, 0, width, height).data;
    const told = all ? bytes.buffer : await crypto.subtle.digest('SHA-256', bytes);
    return [`${{panel.id}} ${{layer}}`, new Uint8Array(told).toHex()];
  }}))))"""


def write_scan(
    folder: Path, name: str, columns: int, rows: int, seed: int, dims: int = 3
) -> list[Path]:
    """Write latents and a map; return both files."""
    random = np.random.default_rng(seed)
    y, x = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
    grain = (x * 3 // columns) + 3 * (y * 2 // rows)
    values = random.normal(size=(len(x), dims)) + random.normal(0, 4, (6, dims))[grain]
    table = {f"latent_{dim}": values[:, dim] for dim in range(dims)}
    latents, maps = folder / f"{name}_latents.csv", folder / f"{name}_contrast.csv"
    pd.DataFrame({"x": x, "y": y, **table}).to_csv(latents, index=False)
    contrast = 100 + 9 * grain + random.integers(0, 9, len(x))
    pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast}).to_csv(maps, index=False)
    return [latents, maps]


def link(scans, name: str) -> str:
    latents, maps = scans[name]
    root = latents.parent.name
    return (
        f"/?samples=&latents=folder:{root}/{latents.name}&maps=folder:{root}/{maps.name}"
        "&embedding=pca&dim=0"
    )


def settle(page) -> None:
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    page.wait_for_timeout(300)  # what the run that has just ended sets off
    page.wait_for_function(SETTLED, timeout=PATIENCE)


def upload(page, files: list[Path]) -> None:
    """Go to the Data page and upload files there."""
    page.keyboard.press("Escape")  # while the ROI's popover is open, a click only closes it
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("heading", name="Data", exact=True).wait_for(timeout=PATIENCE)
    choose_files(page, files)
    page.wait_for_function(
        f"decodeURIComponent(location.search).includes({files[0].name!r})", timeout=PATIENCE
    )
    page.wait_for_function(IDLE, timeout=PATIENCE)


def choose_files(page, files: list[Path]) -> None:
    """Give files to the Data page, as one does who waits until it is drawn."""
    opener = page.get_by_test_id("stExpander").filter(has_text="Open files").first
    opener.wait_for(timeout=PATIENCE)
    page.wait_for_function(IDLE, timeout=PATIENCE)
    if opener.locator("details[open]").count() == 0:  # its state is kept in the session
        opener.locator("summary").click()
    picker = opener.locator("input[type=file]").first
    picker.wait_for(state="attached", timeout=PATIENCE)
    page.wait_for_timeout(300)  # the run that the click sets off would lose a file
    page.wait_for_function(IDLE, timeout=PATIENCE)
    picker.set_input_files([str(file) for file in files], timeout=PATIENCE)


def open_explore(page) -> None:
    """Go to Explore by the sidebar, and let that close again."""
    for _ in range(4):  # what else the page asks for at that moment may win over a click
        page.get_by_role("link", name="Explore", exact=True).click()
        try:
            page.wait_for_function("!location.pathname.includes('data')", timeout=PATIENCE / 4)
            break
        except TooLate:
            continue
    page.mouse.move(700, 2)
    settle(page)


def pixels(page) -> dict[str, str]:
    """Return the digest of each panel's points and outlines."""
    settle(page)
    page.mouse.move(700, 2)  # no tooltip, and not on the sidebar, which would open
    found: dict[str, str] = page.evaluate(PIXELS, False)
    return found


def assert_like_a_fresh_page(page, browser) -> None:
    """Compare every pixel of the panels with those of a new session at the same address."""
    found = pixels(page)
    context = browser.new_context(viewport=page.viewport_size)
    try:
        fresh = context.new_page()
        fresh.goto(page.url)
        if pixels(fresh) == found:
            return
        states = [fresh.evaluate(STATE), page.evaluate(STATE)]
        wrong = different(fresh.evaluate(PIXELS, True), page.evaluate(PIXELS, True))
    finally:
        context.close()
    message = f"pixels that differ from a fresh page at {page.url}: {wrong}, {states}"
    raise AssertionError(message)


def different(expected: dict[str, str], found: dict[str, str]) -> dict[str, object]:
    """Return of each layer that differs how many pixels do, or what else is not alike."""
    wrong: dict[str, object] = {}
    for name in expected.keys() | found.keys():
        sides = [np.frombuffer(bytes.fromhex(side.get(name, "")), "<u4")
                 for side in (expected, found)]  # fmt: skip
        if len({len(side) for side in sides}) > 1:
            wrong[name] = "size"
        elif not np.array_equal(*sides):
            wrong[name] = int((sides[0] != sides[1]).sum())
    return wrong
