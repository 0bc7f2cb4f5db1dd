"""New data in a known space: points are placed in another scan's embedding, over its points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentcore.jobs import JobRunner
from latentcore.readers import open_latents
from latentcore.workflows import VERBS, execute
from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import PATIENCE, PROBE, assert_like_a_fresh_page, settle
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SIZES = {"known": (30, 20), "new": (12, 9)}
UNDER = f"[...{PROBE}.panels.values()].find((panel) => panel.under)"
# Of each point that lies under others, the color of its pixel.
COLORS = f"""() => {{
  const {{ dataContext, data, projection: {{ view }}, under: [x, y] }} = {UNDER};
  const pixels = dataContext.getImageData(0, 0, data.width, data.height).data;
  return Array.from(x, (_, k) => {{
    const px = Math.floor((x[k] - view.x0) / (view.x1 - view.x0) * data.width);
    const py = Math.floor((view.y1 - y[k]) / (view.y1 - view.y0) * data.height);
    return [...pixels.slice(4 * (py * data.width + px), 4 * (py * data.width + px) + 3)];
  }});
}}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the latents of two scans by one PCA, and a workspace that knows one."""
    made = tmp_path_factory.mktemp("measured")
    for seed, (name, (columns, rows)) in enumerate(SIZES.items()):
        drawn = patterns(columns * rows, (12, 12), seed=seed)
        write_kikuchi(made / f"{name}.h5", full_grid(columns, rows), drawn)
        checkpoint = "pca:4" if name == "known" else str(made / "known" / "model.safetensors")
        request = VERBS.get("extract").request((str(made / f"{name}.h5"),), checkpoint=checkpoint)
        execute("extract", request, made / name)
        grid = open_latents(str(made / name / f"{name}_latents.h5")).grid
        table = pd.DataFrame({"x": grid.x, "y": grid.y, "bandcontrast": 100 + grid.x % 7})
        table.to_csv(made / f"{name}.csv", index=False)
    known = str(made / "known" / "known_latents.h5")
    with JobRunner(made / "workspace" / "jobs") as runner:
        request = VERBS.get("project").request(latents=known, method="pca")
        record = runner.submit("project", request, title="PCA of the known scan")
        assert runner.wait(record.id, 120).finished
    return made


def test_points_are_placed_over_those_of_another_scan(page, browser, folder):
    env = {"LATENT_WORKSPACE": str(folder / "workspace"), "LATENT_DATA_ROOTS": str(folder)}
    page.set_default_timeout(PATIENCE)
    root = folder.name
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        latents, maps = f"folder:{root}/new/new_latents.h5", f"folder:{root}/new.csv"
        page.goto(f"{url}/?samples=&latents={latents}&maps={maps}&embedding=pca&dim=0")
        settle(page)
        page.get_by_role("button", name="Methods").click()
        page.get_by_role("combobox", name="Laid out by").click()
        page.get_by_role("option", name="PCA of the known scan").click()
        page.wait_for_function(f"Boolean({UNDER})", timeout=PATIENCE)
        page.keyboard.press("Escape")
        settle(page)
        counts = page.evaluate(f"[{UNDER}.under[0].length, {UNDER}.x.length]")
        assert counts == [600, 108]
        colors = np.array(page.evaluate(COLORS))
        gray = (np.ptp(colors, axis=1) == 0) & (colors[:, 0] > 120) & (colors[:, 0] < 250)
        assert gray.sum() > 20
        assert (colors.min(axis=1) < 240).all(), "each of the other scan's points has left its mark"
        assert "space=" in page.url
        assert_like_a_fresh_page(page, browser)
