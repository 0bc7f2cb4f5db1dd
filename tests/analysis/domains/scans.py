"""Small scans of known domains."""

from __future__ import annotations

import numpy as np

from latentcore.containers import LatentSet, ScanGrid, default_sample_ids


def latent_set(values, x, y, unit="", step=None):
    values = np.asarray(values, np.float32)
    grid = ScanGrid.from_coordinates(np.asarray(x), np.asarray(y), unit=unit, step=step)
    dims = np.arange(values.shape[1], dtype=np.int32)
    return LatentSet(values, default_sample_ids(len(values)), dims, grid)


def voronoi(seed, side=40, grains=9, dims=8, noise=0.5, mixed=3.0):
    """Return noisy latents, mixed within half of `mixed` of a border, and each point's grain."""
    rng = np.random.default_rng(seed)
    y, x = np.divmod(np.arange(side * side), side)
    centers = rng.uniform(0, side, (grains, 2))
    apart = np.linalg.norm(np.stack([y, x], 1)[:, None] - centers, axis=2)
    nearest = np.argsort(apart, axis=1)
    means = rng.normal(0, 3, (grains, dims))
    gap = np.take_along_axis(apart, nearest[:, 1:2], 1) - apart.min(axis=1, keepdims=True)
    own = np.clip(0.5 + gap / mixed, 0, 1) if mixed else np.ones_like(gap)
    values = own * means[nearest[:, 0]] + (1 - own) * means[nearest[:, 1]]
    values += rng.normal(0, noise, values.shape)
    return latent_set(values, x, y), nearest[:, 0]
