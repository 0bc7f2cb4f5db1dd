"""A virtual detector, dragged by the mouse in a browser: its map, and what is kept of it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from latentcore.readers import open_maps
from tests.browser_support import REPOSITORY, streamlit_server
from tests.factories.kikuchi import full_grid, write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE = 120_000
BOARD = "window.__latentDetectors"
SHOWN = f"{BOARD}?.root.dataset.map"
HEIGHT, WIDTH = 12, 16


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("measured")
    coords = np.random.default_rng(0).permutation(full_grid(7, 5))
    patterns = np.random.default_rng(1).integers(0, 255, (35, HEIGHT, WIDTH), np.uint8)
    write_kikuchi(folder / "steel.h5", coords, patterns)
    workspace = tmp_path_factory.mktemp("workspace")
    env = {"LATENT_WORKSPACE": str(workspace), "LATENT_DATA_ROOTS": str(folder)}
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        address = f"{url}/pattern_maps?samples=folder:{folder.name}/steel.h5&maps="
        yield address, patterns, workspace


def values(page) -> np.ndarray:
    return np.array(page.evaluate(f"Array.from({BOARD}.values)"))


def test_a_dragged_detector_shows_its_map_at_once_and_then_exactly(page, scan) -> None:
    address, patterns, workspace = scan
    page.goto(address + "&detectors=A=2:6:2:6 B=disk:12:8:2 mean")
    page.wait_for_function(f"{SHOWN} === 'exact'", timeout=PATIENCE)
    np.testing.assert_allclose(values(page), patterns[:, 2:6, 2:6].mean((1, 2)), rtol=1e-6)

    def at(x: float, y: float) -> tuple[float, float]:
        # Measured each time: what arrives above the board moves it by some pixels.
        place = page.evaluate(f"{BOARD}.overlay.getBoundingClientRect().toJSON()")
        across, down = x / WIDTH, y / HEIGHT
        return place["left"] + place["width"] * across, place["top"] + place["height"] * down

    # Inside of it a drag moves it; while the button is down, the map is the browser's own.
    page.mouse.move(*at(4, 4))
    page.mouse.down()
    page.mouse.move(*at(7, 6), steps=3)
    page.wait_for_function(f"{SHOWN} === 'preview' && {BOARD}.chosen.numbers[0] === 5")
    box = patterns[:, 4:8, 5:9]
    np.testing.assert_allclose(values(page), box.mean((1, 2)), rtol=1e-5)
    page.mouse.up()
    page.wait_for_function(f"{SHOWN} === 'exact'", timeout=PATIENCE)
    np.testing.assert_allclose(values(page), box.mean((1, 2)), rtol=1e-6)

    # A press in another one chooses it, and beside all of them a drag draws the chosen one anew.
    page.mouse.click(*at(12, 8))
    page.wait_for_function(f"{BOARD}.data.active === 1 && {SHOWN} === 'exact'", timeout=PATIENCE)
    page.mouse.move(*at(2, 10))
    page.mouse.down()
    page.mouse.move(*at(4, 10), steps=3)
    page.mouse.up()
    page.wait_for_function(
        f"{BOARD}.data.detectors[1].numbers.join() === '2,10,2' && {SHOWN} === 'exact'",
        timeout=PATIENCE,
    )
    page.get_by_role("combobox", name="Map", exact=True).click()
    page.get_by_role("option", name="B − A").click()
    page.wait_for_function(
        f"{BOARD}.data.shown.operation === '-' && {SHOWN} === 'exact'", timeout=PATIENCE
    )
    page.get_by_role("button", name="Keep as a map").click()
    page.wait_for_function(
        "() => ['upload', 'shown='].every((word) => location.search.includes(word))",
        timeout=PATIENCE,
    )
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["detectors"] == ["A=5:9:4:8 B=disk:2:10:2 mean"] and asked["shown"] == ["B-A"]
    kept = open_maps(str(workspace / "uploads" / asked["maps"][-1].removeprefix("upload:")))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    disk = patterns[:, (x - 2) ** 2 + (y - 10) ** 2 <= 4].mean(1)
    np.testing.assert_allclose(kept.get("detector_B_minus_A"), disk - box.mean((1, 2)), rtol=1e-5)
