"""A synthetic scan for the tests and the benchmark of the linked panels."""

from __future__ import annotations

import numpy as np

from latentcore.containers import Roi, ScanGrid
from pages.panels.array_store import array_store
from pages.panels.linked_panels import (
    Categorical,
    Continuous,
    GridGeometry,
    Panel,
    PanelsView,
    PointTable,
    Shaded,
)

# Okabe & Ito (2008), and gray for noise.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
NOISE = "#9a9a9a"
LABELS = "labels-scene"
STEP = 0.1


def make_points(rows: int, columns: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the arrays of a polycrystal-like scan in shuffled order, with some NaN latents."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows * columns)
    row, col = np.divmod(order, columns)
    grains = 14
    centers = rng.uniform((0, 0), (rows, columns), (grains, 2))
    weights = rng.uniform(0, (0.15 * columns) ** 2, grains)
    distance = np.stack(
        [(row - r) ** 2 + (col - c) ** 2 - w for (r, c), w in zip(centers, weights, strict=True)]
    )
    grain = distance.argmin(axis=0)
    labels = (grain % 5).astype(np.int32)
    latent = rng.normal(0, 1.4, grains)[grain] + rng.normal(0, 0.28, row.size)
    contrast = 150 - 18 * labels + rng.normal(0, 9, row.size)
    nearest = np.partition(distance, 1, axis=0)
    contrast[nearest[1] - nearest[0] < 0.7 * columns] -= 45
    labels[contrast < 60] = -1
    angle = rng.uniform(0, 2 * np.pi, grains)
    spread = rng.normal(0, 0.45, (2, row.size))
    u0 = 6 * np.cos(angle)[grain] + spread[0] + 0.8 * latent
    u1 = 4 * np.sin(angle)[grain] + spread[1]
    lost = rng.random(row.size) < 0.004
    latent[lost] = u0[lost] = u1[lost] = np.nan
    labels[lost] = -2
    floats = {
        "u0": u0,
        "u1": u1,
        "x": col * STEP,
        "y": row * STEP,
        "latent": latent,
        "bandcontrast": contrast,
    }
    return {
        **{name: values.astype(np.float32) for name, values in floats.items()},
        "row": row.astype(np.int32),
        "col": col.astype(np.int32),
        "labels": labels,
    }


def inside_roi(
    points: dict[str, np.ndarray], roi: tuple[float, float, float, float] | None
) -> np.ndarray:
    """Return which points lie in a ROI, as the program tells them."""
    if roi is None:
        return np.ones(points["x"].size, bool)
    row, col = points["row"], points["col"]
    x, y = (points[axis].astype(np.float64) for axis in "xy")
    grid = ScanGrid((row.max() + 1, col.max() + 1), row, col, x, y, (STEP, STEP), "µm")
    return Roi.from_bounds(roi).mask(grid)


def viridis_like() -> np.ndarray:
    """Return a dark-to-light table of 256 colors."""
    stops = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]])
    at = np.linspace(0, 4, 256)
    return np.stack([np.interp(at, np.arange(5), stops[:, k]) for k in range(3)], 1).astype(
        np.uint8
    )


def make_view(
    points: dict[str, np.ndarray], shape: tuple[int, int], name: str, **changes
) -> PanelsView:
    """Return the four panels of the Explore page over these points."""
    labels = sorted(set(np.unique(points["labels"]).tolist()) - {-2})
    palette = {k: NOISE if k < 0 else PALETTE[k % len(PALETTE)] for k in labels}
    latent = points["latent"]
    ranges = {}
    for k in labels:
        values = latent[(points["labels"] == k) & np.isfinite(latent)]
        low, high = np.quantile(values, (0.02, 0.98))
        ranges[k] = (float(low), float(high))
    low, high = np.nanquantile(latent, (0.02, 0.98))
    given = {
        "points": PointTable(points["x"].size, points, {key: f"{name}/{key}" for key in points}),
        "grid": GridGeometry(shape, (0.0, 0.0), (STEP, STEP), "µm"),
        "panels": (
            Panel(
                "embedding",
                "scatter",
                "Embedding",
                "u0",
                "u1",
                "UMAP 1",
                "UMAP 2",
                "labels",
                True,
                "14 grains",
            ),
            Panel("map", "map", "Latent 7", None, None, "x (µm)", "y (µm)", "latent"),
            Panel(
                "clusters",
                "map",
                "Clusters, shaded by latent 7",
                None,
                None,
                "x (µm)",
                "y (µm)",
                "shaded",
            ),
            Panel(
                "joint",
                "scatter",
                "Latent 7 and band contrast",
                "latent",
                "bandcontrast",
                "latent 7",
                "band contrast",
                "shaded",
            ),
        ),
        "colorings": {
            "labels": Categorical(
                "labels", palette, {0: "ferrite", -1: "noise"}, label="cluster", panel=LABELS
            ),
            "latent": Continuous("latent", viridis_like(), (float(low), float(high)), "latent 7"),
            "shaded": Shaded("labels", "latent", palette, ranges, label="cluster", panel=LABELS),
        },
        "frames": {LABELS: ("labels", "labels")},
        "patterns_url": array_store().put_patterns(name, pattern_of),
        "hover": (("latent 7", "latent", ""), ("band contrast", "bandcontrast", "")),
    }
    return PanelsView(**{**given, **changes})


def pattern_of(row: int) -> np.ndarray:
    """Return a pattern that looks a little like bands."""
    y, x = np.mgrid[-1:1:60j, -1:1:60j]
    return np.cos(9 * (x * np.cos(row) + y * np.sin(row))) + np.cos(7 * (x + y * np.cos(row)))
