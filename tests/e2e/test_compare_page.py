"""Two encoders side by side in a browser: what is brushed in one stands out in the other."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.browser_support import REPOSITORY, streamlit_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PATIENCE = 300_000
ROWS, COLUMNS = 16, 24
PROBE = "[...window.__latentPanels][0]"
SETTLED = f"""() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState
  === 'notRunning' && window.__latentPanels?.size && {PROBE}.settled"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("measured")
    random = np.random.default_rng(3)
    y, x = (axis.ravel() for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    values = 6.0 * np.eye(4)[x // 6] + random.normal(0, 0.3, (len(x), 4))
    # The other encoder takes the last quarter for noise.
    other = np.where((x < 18)[:, None], 2 * values[:, ::-1], random.normal(0, 3, (len(x), 4)))
    for name, found in (("first", values), ("other", other)):
        columns = {f"latent_{dim}": found[:, dim] for dim in range(4)}
        table = pd.DataFrame({"x": x, "y": y, **columns})
        table.sample(frac=1, random_state=1).to_csv(folder / f"{name}.csv", index=False)
    opened = [str(folder / "first.csv"), str(folder / "other.csv")]
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_OPENED_FILES": json.dumps(opened),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield f"{url}/compare?samples=&latents=opened:first.csv"


def settle(page) -> None:
    page.wait_for_function(SETTLED, timeout=PATIENCE)


def test_a_brush_in_one_embedding_stands_out_in_all(page, server) -> None:
    page.goto(server)
    page.get_by_test_id("stMain").get_by_role("button", name="Compare").click(timeout=PATIENCE)
    settle(page)
    panels = page.evaluate(f"[...{PROBE}.panels.keys()]")
    assert len(panels) == 3 and panels[2] == "of-@shared"
    x, share = (
        np.array(page.evaluate(f"Array.from({PROBE}.explorer.points.arrays.get('{name}'))"))
        for name in ("x", "@shared")
    )
    assert share[x < 18].mean() > 0.9 and share[x >= 18].mean() < 0.3

    # The quarter that the other encoder doesn't know, brushed on the map.
    shown = f"{PROBE}.panels.get('of-@shared').body"
    page.evaluate(f"{shown}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    plot = page.evaluate(f"{PROBE}.plot('of-@shared')")
    right, bottom = plot["left"] + plot["width"], plot["top"] + plot["height"]
    page.mouse.move(right - 0.24 * plot["width"], plot["top"] + 2)
    page.mouse.down()
    page.mouse.move(right - 9, plot["top"] + 30)
    page.mouse.move(right - 2, bottom - 2)
    page.mouse.up()
    page.wait_for_function(f"{PROBE}.count('A') > 0")
    chosen = x[page.evaluate(f"{PROBE}.ids('A')")]
    assert set(chosen) >= {19, 20, 21, 22} and chosen.min() >= 18
    page.wait_for_function("() => location.search.includes('sel=')", timeout=PATIENCE)
    settle(page)

    # What was brushed survives another kind of embedding.
    count = page.evaluate(f"{PROBE}.count('A')")
    page.get_by_role("radio", name="PCA", exact=True).click()
    page.wait_for_function(f"[...{PROBE}.panels.keys()].includes('pca')", timeout=PATIENCE)
    settle(page)
    assert page.evaluate(f"{PROBE}.count('A')") == count
    assert len(page.evaluate(f"[...{PROBE}.panels.keys()]")) == 3
