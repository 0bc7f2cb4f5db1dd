"""What the plateau plot draws, against a flood fill of the same edges."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from latentcore.analysis.domains.lines import line_arrays, part_counts
from latentcore.analysis.domains.search import domain_hierarchy
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids

ROWS, COLUMNS = 13, 17


def scan() -> LatentSet:
    """Make latents of six parts in a shuffled order, some points without a latent."""
    random = np.random.default_rng(2)
    order = random.permutation(ROWS * COLUMNS)
    row, col = np.divmod(order, COLUMNS)
    part = col * 3 // COLUMNS + 3 * (row * 2 // ROWS)
    values = random.normal(0, 3, (6, 4))[part] + random.normal(0, 0.6, (len(order), 4))
    values[random.random(len(order)) < 0.05] = np.nan
    grid = ScanGrid.from_coordinates(col * 0.5, row * 0.5)
    ids = default_sample_ids(len(order))
    return LatentSet(values.astype(np.float32), ids, np.arange(4, dtype=np.int32), grid)


def test_lines_enclose_the_parts_that_are_counted() -> None:
    latents = scan()
    grid = latents.grid
    assert grid is not None
    hierarchy = domain_hierarchy(latents)
    right, down = line_arrays(grid, hierarchy.edges, hierarchy.saliency)
    # The browser gets float32: no threshold is one at which parts merge.
    thresholds = 1.00001 * np.quantile(hierarchy.height, [0.2, 0.6, 0.9, 0.98, 1])
    for threshold in thresholds:
        # Cells at even places, passages between them at odd ones: a flood fill finds the parts.
        open_ = np.zeros((2 * ROWS - 1, 2 * COLUMNS - 1), np.bool_)
        open_[::2, ::2] = grid.to_map(latents.encoded.astype(float)) == 1
        open_[::2, 1::2] = (grid.to_map(right) <= threshold)[:, :-1]
        open_[1::2, ::2] = (grid.to_map(down) <= threshold)[:-1]
        open_[::2, 1::2] &= open_[::2, :-1:2] & open_[::2, 2::2]
        open_[1::2, ::2] &= open_[:-1:2, ::2] & open_[2::2, ::2]
        parts = label(open_)[0][::2, ::2]
        sizes = np.bincount(parts[parts > 0])
        for least in (1, 5):
            expected = int((sizes >= least).sum())
            assert part_counts(hierarchy, [threshold], least).tolist() == [expected]


def test_lines_run_around_points_without_a_latent_and_not_between_them() -> None:
    latents = scan()
    grid = latents.grid
    assert grid is not None
    hierarchy = domain_hierarchy(latents)
    right, _ = line_arrays(grid, hierarchy.edges, hierarchy.saliency)
    present = grid.to_map(latents.encoded.astype(float)) == 1
    lines = grid.to_map(right)
    np.testing.assert_array_equal(np.isinf(lines[:, :-1]), present[:, :-1] != present[:, 1:])
    np.testing.assert_array_equal(lines[:, :-1] == -1, ~present[:, :-1] & ~present[:, 1:])
    assert (lines[:, -1] == -1).all()
