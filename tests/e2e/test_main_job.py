"""The main job in a real browser: demo → extract → brush each panel → download.

What the page shows is held against plain numpy on the files that the server wrote.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import h5py
import numpy as np
import pandas as pd
import pytest

from pages.frame.units import mean_sd_text
from pages.view.question import Question
from pages.view.question_link import from_query
from tests.browser_support import REPOSITORY, streamlit_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

PATIENCE = 240_000
PROBE = "[...window.__latentPanels][0]"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def server(workspace: Path):
    with streamlit_server(REPOSITORY / "app.py", env={"LATENT_WORKSPACE": str(workspace)}) as url:
        yield url


class Explorer:
    """The Explore page in a browser."""

    def __init__(self, page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.wait()

    def wait(self) -> None:
        """Wait for all panels: the cluster map comes last, once the clustering is there."""
        self.page.wait_for_function(
            f"window.__latentPanels?.size && {PROBE}.firstDrawing > 0"
            f" && {PROBE}.panels.has('cluster-map')",
            timeout=PATIENCE,
        )
        self.page.get_by_text("Clustering …").wait_for(state="detached", timeout=PATIENCE)

    def dim(self) -> int:
        """Wait until the address names the latent dimension in view."""
        self.page.wait_for_function("new URL(location).searchParams.has('dim')", timeout=PATIENCE)
        dim = self.question().dim
        assert dim is not None
        return dim

    def box_in_address(self, panel: str) -> tuple[tuple[float, float], ...]:
        """Return the corners of a panel's box, as soon as the address names it."""
        for _ in range(600):
            shapes = self.question().selections["A"]
            if len(shapes) == 1 and shapes[0].panel == panel:
                return shapes[0].points
            self.page.wait_for_timeout(200)
        pytest.fail(f"the address never named a box in {panel}: {self.page.url}")

    def question(self) -> Question:
        return from_query(dict(parse_qsl(urlsplit(self.page.url).query)))

    def panels(self) -> list[str]:
        found = self.page.evaluate(f"[...{PROBE}.panels.keys()]")
        assert isinstance(found, list)
        return found

    def box(self, panel: str, x0: float, y0: float, x1: float, y1: float) -> None:
        """Drag a box over shares of a panel's plot."""
        self.page.get_by_role("button", name="Box").first.click()
        self.page.evaluate(
            f"id => {PROBE}.panels.get(id).element.scrollIntoView({{block: 'center'}})",
            panel,
        )
        self.page.wait_for_timeout(300)
        plot = self.page.evaluate(f"{PROBE}.plot({panel!r})")
        mouse = self.page.mouse
        mouse.move(plot["left"] + x0 * plot["width"], plot["top"] + y0 * plot["height"])
        mouse.down()
        mouse.move(plot["left"] + x1 * plot["width"], plot["top"] + y1 * plot["height"], steps=6)
        mouse.up()

    def sees(self, text: str) -> None:
        """Wait until the page says it."""
        self.page.get_by_text(re.compile(re.escape(text))).first.wait_for(timeout=PATIENCE)


def files(workspace: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the demo's maps and the latents, both in the latents' row order, by plain means."""
    [latents] = workspace.glob("runs/extract-*/demo_latents.h5")
    with h5py.File(latents) as file:
        values, coords = file["samples"][:], file["coords"][:]
    [table] = workspace.glob("demo/*/demo_bandcontrast.csv")
    contrast = pd.read_csv(table).set_index(["x", "y"])["bandcontrast"]
    return {
        "x": coords[:, 0].astype(float),
        "y": coords[:, 1].astype(float),
        "bandcontrast": contrast.loc[list(map(tuple, coords))].to_numpy(float),
    }, values


def test_brushed_numbers_equal_numpy_and_the_csv_parses(page, server, workspace) -> None:
    explorer = Explorer(page, f"{server}/?embedding=pca")
    maps, latents = files(workspace)
    dim = explorer.dim()
    latent = latents[:, dim].astype(float)
    panels = explorer.panels()
    assert len(panels) == 4
    axes = {
        "map": (maps["x"], maps["y"]),
        "cluster-map": (maps["x"], maps["y"]),
        f"scatter-d{dim}-bandcontrast": (latents[:, dim], maps["bandcontrast"]),
        "pca": two_components(latents),
    }
    assert set(panels) == set(axes)
    for number, panel in enumerate(panels):
        explorer.box(panel, 0.2, 0.15 + 0.03 * number, 0.6, 0.75)
        expected = wait_for_box(explorer, panel, axes[panel])
        explorer.sees(f"Selection A: {int(expected.sum()):,} points")
        mean, sd = latent[expected].mean(), latent[expected].std(ddof=1)
        explorer.sees(f"latent_d{dim}: {mean_sd_text(mean, sd)}")
    assert not explorer.errors
    table, report = download(page)
    assert list(table.columns[:5]) == ["x", "y", "latent", "bandcontrast", "cluster"]
    assert len(table) == len(latents)
    np.testing.assert_allclose(table["latent"], latent, rtol=1e-6)
    np.testing.assert_array_equal(table["bandcontrast"], maps["bandcontrast"])
    assert report["selections"]["A"]["n"] == int(expected.sum())
    reported = report["statistics"]["A"]["values"]["bandcontrast"]
    assert reported["mean"] == pytest.approx(maps["bandcontrast"][expected].mean(), rel=1e-12)
    assert report["clusters"]["counts"] == {
        str(label): int(count) for label, count in table["cluster"].value_counts().items()
    }


def two_components(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first two principal components by a plain SVD, signs as the page has them."""
    centered = latents.astype(float) - latents.astype(float).mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    for axis in axes:
        axis *= np.sign(axis[np.abs(axis).argmax()])
    scores = (centered @ axes[:2].T).astype(np.float32)
    return scores[:, 0], scores[:, 1]


def wait_for_box(explorer: Explorer, panel: str, axes: tuple[np.ndarray, np.ndarray]):
    """Return the points in the box that the address bar names, as soon as it does."""
    (ax, ay), (bx, by) = explorer.box_in_address(panel)
    x, y = axes
    found = (x >= min(ax, bx)) & (x < max(ax, bx)) & (y >= min(ay, by)) & (y < max(ay, by))
    assert 0 < found.sum() < len(found)
    return found


def download(page) -> tuple[pd.DataFrame, dict]:
    """Prepare the files of the view, and take the table of assignments and the report."""
    page.get_by_role("combobox", name="Show in the side panel").click()
    page.get_by_role("option", name="Download").click()
    page.get_by_role("button", name="Prepare the files").click()
    found = {}
    for name in ("cluster_assignments", "session_report"):
        button = page.get_by_role("button", name=re.compile(name)).first
        button.wait_for(timeout=PATIENCE)
        with page.expect_download(timeout=PATIENCE) as waiting:
            button.click()
        found[name] = Path(waiting.value.path()).read_bytes()
    return (
        pd.read_csv(io.BytesIO(found["cluster_assignments"])),
        json.loads(found["session_report"]),
    )


def test_a_second_browser_opens_the_same_view(page, browser, server) -> None:
    first = Explorer(page, f"{server}/?embedding=pca&dim=2&roi=[130,180,50,90]&method=kmeans")
    first.box("map", 0.3, 0.3, 0.7, 0.6)
    first.box_in_address("map")
    page.get_by_text(re.compile(r"Selection A: [\d,]+ points")).first.wait_for(timeout=PATIENCE)
    text = page.get_by_text(re.compile(r"Selection A: [\d,]+ points")).first.inner_text()
    other = browser.new_context(viewport={"width": 1400, "height": 1000})
    try:
        second = Explorer(other.new_page(), page.url)
        assert second.question() == first.question()
        again = second.page.get_by_text(re.compile(r"Selection A: [\d,]+ points")).first
        again.wait_for(timeout=PATIENCE)
        assert again.inner_text() == text
    finally:
        other.close()


def test_extracting_again_survives_a_reload_and_opens_in_explore(page, server) -> None:
    page.goto(f"{server}/extract")
    components = page.get_by_role("spinbutton", name="Components")
    components.wait_for(timeout=PATIENCE)
    components.fill("6")
    components.press("Enter")
    page.wait_for_timeout(1_000)
    page.get_by_role("button", name="Extract latents").click()
    page.wait_for_function("location.search.includes('job=')", timeout=PATIENCE)
    page.reload()
    page.get_by_role("button", name="Open in Explore").first.wait_for(timeout=PATIENCE)
    page.get_by_text(re.compile("Finished|finished")).first.wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Open in Explore").first.click()
    page.wait_for_function(
        f"window.__latentPanels?.size && {PROBE}.firstDrawing > 0", timeout=PATIENCE
    )
