"""A hexagonal scan on the pages without panels: where its cells are drawn, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.containers import ScanGrid
from pages.charts.maps import colors_chart, fitting_height, map_chart, profile_chart
from pages.frame.theme import Tones
from tests.factories.hexagonal import hexagonal_points
from tests.pages.conftest import OpenPage
from tests.pages.test_data import facts
from tests.pages.test_frame import texts
from tests.pages.use import page_text

ROWS, COLUMNS = 9, 12
TONES = Tones("light", *["#808080"] * 6)


@pytest.fixture
def points() -> np.ndarray:
    """Nine rows of 12 and 11 points by turns, 0.5 µm apart."""
    return hexagonal_points(ROWS, COLUMNS, 0.5, shorter=True)


def test_charts_draw_each_cell_about_its_point(points: np.ndarray) -> None:
    grid = ScanGrid.from_coordinates(*points.T, unit="µm")
    values = np.arange(len(grid), dtype=float)
    chart = map_chart(values, grid, TONES, name="v")
    [cells] = chart.data
    rows, columns = cells.z.shape
    assert (rows, columns) == (ROWS, 2 * COLUMNS + 1)
    left = cells.x0 + cells.dx * np.arange(columns)
    top = cells.y0 + cells.dy * np.arange(rows)
    for number, (x, y) in enumerate(points):
        row = np.flatnonzero(np.isclose(top, y))
        [[first, second]] = np.argwhere(cells.z[row[0]] == number).reshape(1, 2)
        assert second == first + 1
        assert (left[first] + left[second]) / 2 == pytest.approx(x)
        assert cells.customdata[row[0], first] == cells.customdata[row[0], second] == x
    assert "customdata" in cells.hovertemplate
    assert chart.layout.xaxis.range == pytest.approx((-0.25, 5.75 + 0.25))
    dy = 0.5 * np.sqrt(3) / 2
    assert chart.layout.yaxis.range == pytest.approx((8.5 * dy, -0.5 * dy))
    square = ScanGrid.from_coordinates(*np.divmod(np.arange(108), 9), unit="µm")
    assert fitting_height(grid, 900) < fitting_height(square, 900, most=2000)
    colors = colors_chart(np.eye(3)[np.arange(len(grid)) % 3], grid, TONES, name="c")
    assert np.asarray(colors.data[0].z).shape == (ROWS, 2 * COLUMNS + 1, 4)


def test_the_profile_of_a_shifted_row_lies_at_its_points(points: np.ndarray) -> None:
    grid = ScanGrid.from_coordinates(*points.T)
    chart = profile_chart(points[:, 0], grid, 3, TONES, name="x")
    [line] = chart.data
    there = np.isfinite(line.y)
    assert there.sum() == COLUMNS - 1
    np.testing.assert_allclose(np.asarray(line.x)[there], np.asarray(line.y)[there], rtol=1e-6)


@pytest.fixture
def scan(data_root: Path, points: np.ndarray) -> Path:
    """Latents in two halves, labels of them, and the same with a column of points moved over."""
    place = {"x": points[:, 0].round(5), "y": points[:, 1].round(5)}
    half = (points[:, 0] >= 3).astype(int)
    moved = (points[:, 0] >= 2.5).astype(int)
    noise = np.random.default_rng(0).normal(size=len(points))
    latents = {"latent_d0": half + 0.1 * noise, "latent_d1": noise}
    pd.DataFrame({**place, **latents}).to_csv(data_root / "latents.csv", index=False)
    pd.DataFrame({**place, "bandcontrast": 100 + 50 * half}).to_csv(
        data_root / "maps.csv", index=False
    )
    pd.DataFrame({**place, "phase": half, "cluster": moved}).to_csv(
        data_root / "labels.csv", index=False
    )
    return data_root


def test_data_and_rank_know_a_hexagonal_scan(scan: Path, open_page: OpenPage) -> None:
    given = {
        "samples": "",
        "latents": "folder:measured/latents.csv",
        "maps": ["folder:measured/maps.csv", "folder:measured/labels.csv"],
    }
    app = open_page("data", **given)
    assert not app.exception and not app.error
    found = facts(app)
    assert found["scan grid"] == "hexagonal, 12/11 × 9 points"
    assert (found["step"], found["gaps"]) == ("0.5 (unit unknown)", "none")
    assert "missing" not in found  # every point of the maps found its point of the latents
    assert "hexagonal, 12/11 × 9 points, step 0.5" in texts(app.markdown).replace("\\", "")

    app = open_page("rank", **given, **{"rank.task": "labels"})
    app = app.segmented_control(key="rank.task").set_value("labels").run()
    assert not app.exception and not app.error
    metrics = {metric.label: metric.value for metric in app.metric}
    # Of 104 points those with 2.5 ≤ x < 3 differ: one in each row.
    assert metrics["Points"] == "104"
    assert metrics["Points that differ"] == f"{100 * 9 / 104:.1f} %"
    assert metrics["Border recall"] == metrics["Border precision"] == "100.0 %"
    app = app.slider(key="explore.roi.x").set_value((0.0, 2.5)).run()
    assert "Points" in page_text(app) or not app.error
