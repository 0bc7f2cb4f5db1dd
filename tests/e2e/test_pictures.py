"""The picture of the embedding that is downloaded is the one on the screen."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from latentcore.figures import embedding as figures
from latentcore.workflows import VERBS, execute
from tests.browser_support import REPOSITORY, streamlit_server
from tests.e2e.true_pixels import PATIENCE, PROBE, link, settle, write_scan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCALE = 2
HEADER = 26
# A point on the screen lets 15 % of the ground through at most.
TOLERANCE = 0.16 * 255
# Of each point its pixel in the panel's own PNG, and whether it is selected.
POINTS = f"""() => {{
  const panel = {PROBE}.panels.get('pca');
  const {{ plot, view }} = panel.projection;
  const at = (k) => [
    plot.left + (panel.x[k] - view.x0) / (view.x1 - view.x0) * plot.width,
    plot.top + (view.y1 - panel.y[k]) / (view.y1 - view.y0) * plot.height,
  ];
  return [Array.from(panel.x, (_, k) => at(k)), [...{PROBE}.ids('A')]];
}}"""


def saved(page, click) -> bytes:
    with page.expect_download(timeout=PATIENCE) as download:
        click()
    return Path(download.value.path()).read_bytes()


def colors(content: bytes, places: np.ndarray) -> np.ndarray:
    """Return the colors of a picture at some pixels, shape (n, 3)."""
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), float)
    x, y = np.floor(places).astype(int).T
    return picture[y, x]


def alone(places: np.ndarray, within: float) -> np.ndarray:
    """Tell which points have no other one within some pixels."""
    return cKDTree(places).query(places, 2)[0][:, 1] > within


def drawn_again(folder, out, monkeypatch) -> tuple[bytes, np.ndarray]:
    """Carry out a run again; return its picture, and the pixel of each point in it."""
    made: dict[str, Any] = {}
    real = figures.embedding_figure

    def kept(embedding, **given):
        made.update(figure=real(embedding, **given), at=embedding.coordinates)
        return made["figure"]

    monkeypatch.setattr(figures, "embedding_figure", kept)
    verb = VERBS.get("session")
    asked = json.loads((folder / "run.json").read_text())["request"]
    known = verb.request.__dataclass_fields__
    plain = {name: value for name, value in asked.items() if name in known}
    lists = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    execute("session", verb.request(**{**plain, **lists}), out)
    content = (out / "embedding.png").read_bytes()
    figure = made["figure"]
    height = Image.open(io.BytesIO(content)).height
    places = figure.axes[0].transData.transform(made["at"]) * 300 / figure.dpi
    return content, np.stack([places[:, 0], height - places[:, 1]], axis=1)


def test_download_has_the_colors_limits_and_selection_of_the_panel(
    page, tmp_path, tmp_path_factory, monkeypatch
):
    folder = tmp_path_factory.mktemp("measured")
    scans = {"first": write_scan(folder, "first", 30, 20, 1)}
    workspace = tmp_path_factory.mktemp("workspace")
    env = {"LATENT_WORKSPACE": str(workspace), "LATENT_DATA_ROOTS": str(folder)}
    page.set_default_timeout(PATIENCE)
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        view = "&color=bandcontrast&cmap=magma&limits=[105,140]&method=kmeans"
        page.goto(url + link(scans, "first").replace("/?", "/explore?") + view)
        settle(page)
        place = page.evaluate(f"{PROBE}.plot('map')")
        page.mouse.move(place["left"] + 3, place["top"] + 3)
        page.mouse.down()
        page.mouse.move(place["left"] + 0.6 * place["width"], place["top"] + 0.9 * place["height"])
        page.mouse.up()
        page.wait_for_function(f"{PROBE}.count('A') > 0")
        settle(page)
        panel = page.locator("[data-panel=pca]")
        panel.get_by_label("Copy or save this panel").first.click()
        screen = saved(page, lambda: panel.get_by_role("button", name=f"{SCALE}×").click())
        at, chosen = page.evaluate(POINTS)
        page.keyboard.press("Escape")
        page.get_by_role("combobox", name="Show in the side panel").click()
        page.get_by_role("option", name="Download").click()
        page.get_by_role("button", name="Prepare the files").click()
        link_to_it = page.get_by_role("button", name="embedding.png")
        printed = saved(page, link_to_it.click)
    (report,) = workspace.rglob("session_report.json")
    again, in_print = drawn_again(report.parent, tmp_path / "again", monkeypatch)
    assert again == printed
    on_screen = (np.array(at) + np.array([0, HEADER])) * SCALE
    apart = alone(on_screen, 12) & alone(in_print, 24)
    selected = np.zeros(len(apart), bool)
    selected[chosen] = True
    shown, print_colors = colors(screen, on_screen), colors(printed, in_print)
    both = apart & selected
    assert both.sum() > 20
    assert np.abs(shown - print_colors)[both].max() < TOLERANCE
    assert np.ptp(print_colors[both], axis=0).max() > 150  # the limits leave many colors
    for one in (shown, print_colors):
        ink = (255 - one).max(axis=1)
        assert ink[apart & ~selected].max() < 0.6 * ink[both].max()
