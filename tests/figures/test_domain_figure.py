"""The figure of domains: its lines run where its colors change, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.domains.edges import scan_edges
from latentcore.analysis.domains.objects import Domains
from latentcore.containers import ScanGrid
from latentcore.figures.domains import domain_figure
from tests.factories.hexagonal import hexagonal_points


def points(kind: str) -> np.ndarray:
    if kind == "square":
        return np.argwhere(np.ones((7, 9)))[:, ::-1] * [0.5, 0.25]
    return hexagonal_points(7, 9, 0.5, kind, shorter=True)


@pytest.mark.parametrize("kind", ["square", "odd", "even"])
def test_lines_run_along_all_cells_between_domains(kind: str) -> None:
    grid = ScanGrid.from_coordinates(*points(kind).T)
    assert grid.hexagonal == (kind != "square")
    labels = np.random.default_rng(1).integers(0, 3, len(grid)).astype(np.int32)
    edges = scan_edges(grid)
    nothing = np.zeros(len(edges), np.float32)
    found = Domains(grid, edges, labels, nothing, np.zeros(len(grid), np.float32))
    axes = domain_figure(found).axes[0]
    drawn = {
        tuple(np.round(np.sort(line, axis=0).ravel(), 6))
        for line in axes.collections[0].get_segments()
    }
    # Every side that two pixels of unlike cells share.
    cells = grid.picture(np.arange(len(grid), dtype=float))
    x0, x1, y0, y1 = grid.picture_extent
    left = np.linspace(x0, x1, cells.shape[1] + 1)
    top = np.linspace(y0, y1, cells.shape[0] + 1)
    wanted = set()
    for row, col in np.argwhere(np.isfinite(cells)):
        for down, right in ((0, 1), (1, 0)):
            if row + down == cells.shape[0] or col + right == cells.shape[1]:
                continue
            one, other = cells[row, col], cells[row + down, col + right]
            if np.isnan(other) or labels[int(one)] == labels[int(other)]:
                continue
            ends = (left[col + right], top[row + down], left[col + 1], top[row + 1])
            wanted.add(tuple(np.round(ends, 6)))
    assert drawn == wanted and len(wanted) > 30
