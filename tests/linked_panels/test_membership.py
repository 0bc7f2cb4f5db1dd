"""The browser selects the points that the program selects, on outlines and bounds too."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from latentcore.analysis.selection import Shape, select
from latentcore.containers import Roi, ScanGrid
from tests.browser_support import skip_or_fail

SCRIPT = Path(__file__).with_name("js") / "membership.mjs"
MODES = ("replace", "add", "subtract", "intersect")


def in_the_browser(cases: list[dict]) -> list[list[int]]:
    """Return the points that the panels' own modules select."""
    node = shutil.which("node")
    if node is None:
        skip_or_fail("node is not installed")
    command = [node, "--no-warnings", "--experimental-default-type=module", str(SCRIPT)]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def case(x, y, shapes, roi=None, step=None) -> dict:
    return {
        "x": [None if np.isnan(v) else float(v) for v in x],
        "y": [None if np.isnan(v) else float(v) for v in y],
        "shapes": [
            {"panel": "p", "kind": shape.kind, "points": shape.points, "mode": shape.mode}
            for shape in shapes
        ],
        "roi": roi,
        "step": step,
    }


def assert_same(clouds: list[tuple]) -> int:
    """Compare point by point; return how many were selected."""
    answers = in_the_browser([case(*cloud) for cloud in clouds])
    for (x, y, shapes), found in zip(clouds, answers, strict=True):
        expected = select(shapes, {"p": (x, y)}, x.size)
        assert found == np.flatnonzero(expected).tolist()
    return sum(map(len, answers))


def random_shape(random: np.random.Generator, draw, mode: str) -> Shape:
    kind = random.choice(["box", "lasso"])
    count = 2 if kind == "box" else int(random.integers(3, 12))
    return Shape("p", kind, tuple(map(tuple, draw((count, 2)).tolist())), mode)


def test_points_on_outlines_and_vertices():
    random = np.random.default_rng(0)

    def whole(shape):
        return random.integers(-4, 5, shape).astype(np.float64)

    clouds = []
    for _ in range(300):
        x, y = whole((2, 150)).astype(np.float32)
        shapes = [random_shape(random, whole, mode) for mode in ("replace", random.choice(MODES))]
        clouds.append((x, y, shapes))
    assert assert_same(clouds) > 5000


def test_points_beside_outlines_and_without_a_place():
    random = np.random.default_rng(1)

    def anywhere(shape):
        return random.normal(0, 1, shape)

    clouds = []
    for _ in range(40):
        shapes = [random_shape(random, anywhere, mode) for mode in MODES]
        corners = np.array(shapes[1].points)
        along = random.random((200, 1))
        edges = corners[:1] + along * (corners[1:2] - corners[:1])
        points = np.concatenate([anywhere((1500, 2)), corners, edges]).astype(np.float32)
        points[::97, random.integers(2)] = np.nan
        clouds.append((*points.T, shapes))
    assert assert_same(clouds) > 1000


def test_large_lassos_of_many_vertices():
    random = np.random.default_rng(2)
    turns = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    clouds = []
    for _ in range(5):
        radii = random.uniform(0.2, 2, 50)
        outline = np.stack([radii * np.cos(turns), radii * np.sin(turns)], 1)
        x, y = random.normal(0, 1, (2, 20_000)).astype(np.float32)
        clouds.append((x, y, [Shape("p", "lasso", tuple(map(tuple, outline.tolist())))]))
    assert assert_same(clouds) > 5000


def test_rois_whose_bounds_lie_on_the_grid():
    random = np.random.default_rng(3)
    everywhere = [Shape("p", "box", ((-1e9, -1e9), (1e9, 1e9)))]
    cases, expected = [], []
    for step in (0.1, 0.3, 1.0, 1 / 3, 0.05, 1.7):
        for origin in (0.0, 0.7, -13.37, 1234.5):
            row, col = (index.ravel().astype(np.int32) for index in np.mgrid[0:12, 0:15])
            x, y = origin + col * step, origin + row * step
            grid = ScanGrid((12, 15), row, col, x, y, (step, step))
            c0, c1 = np.sort(random.choice(16, 2, replace=False))
            r0, r1 = np.sort(random.choice(13, 2, replace=False))
            # To twelve digits, as the browser writes bounds.
            roi = [float(f"{origin + k * step:.12g}") for k in (c0, c1, r0, r1)]
            inside = Roi.from_bounds(roi).mask(grid)
            assert inside.sum() == (c1 - c0) * (r1 - r0)
            cases.append(
                case(x.astype(np.float32), y.astype(np.float32), everywhere, roi, (step, step))
            )
            expected.append(np.flatnonzero(inside).tolist())
    assert in_the_browser(cases) == expected
