"""Which row belongs to which: the one place that joins what lies in several files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.latents import LatentSet, default_sample_ids
from latentcore.containers.samples import SampleSource
from latentcore.errors import JoinError

_BLOCK = 1 << 20
# Two points are one place when they are closer than this share of the step.
_SAME_PLACE = 0.25


def match_rows(wanted: ScanGrid, having: ScanGrid) -> NDArray[np.int64]:
    """Find each wanted point among the points of another grid.

    Points match when they lie on the same node of the
    finer grid, so that 250 and 250.0000001 are one place.

    Returns
    -------
    ndarray of int64, shape (len(wanted),)
        Row in `having`, or -1.
    """
    # Every second row of a hexagonal grid lies between the columns.
    step_x = min(wanted.lattice.step[0], having.lattice.step[0])
    step_y = min(wanted.step[1], having.step[1])
    x0, y0 = having.origin
    keys = np.empty(len(having), np.int64)
    for block in _blocks(len(having)):
        keys[block] = _keys(having, block, x0, y0, step_x, step_y)
    order = None
    if (keys[1:] < keys[:-1]).any():  # else in the scan's own order, as most files are
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
    found = np.empty(len(wanted), np.int64)
    for block in _blocks(len(wanted)):
        key = _keys(wanted, block, x0, y0, step_x, step_y)
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        rows = place if order is None else order[place]
        # Half a step off is another place (cell corner against cell center), no rounding error.
        close = (np.abs(wanted.x[block] - having.x[rows]) <= _SAME_PLACE * step_x) & (
            np.abs(wanted.y[block] - having.y[rows]) <= _SAME_PLACE * step_y
        )
        found[block] = np.where((keys[place] == key) & close, rows, -1)
    return found


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, n, _BLOCK)]


def _keys(
    grid: ScanGrid, block: slice, x0: float, y0: float, dx: float, dy: float
) -> NDArray[np.int64]:
    # Both coordinates in one integer: 2^31 nodes each way is more than a grid may have.
    col = np.rint((grid.x[block] - x0) / dx).astype(np.int64)
    row = np.rint((grid.y[block] - y0) / dy).astype(np.int64)
    return (row << np.int64(32)) + col


def sample_rows(latents: LatentSet, samples: SampleSource | LatentSet) -> NDArray[np.int64]:
    """Find the sample of each latent, by coordinates or, without them, by sample id.

    Other latents may take the samples' place.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row in the samples for each of the n latents, −1 where there is none.

    Raises
    ------
    JoinError
        If they have no coordinates, and ids that mean nothing between files of another length.
    """
    if latents.grid is not None and samples.grid is not None:
        return match_rows(latents.grid, samples.grid)
    ids = latents.sample_ids
    numbered = np.array_equal(ids, default_sample_ids(len(ids)))
    if len(samples) != len(latents) and numbered:
        message = (
            f"There are {len(samples):,} samples, but {len(latents):,} latents, and no coordinates "
            "or names to join them by.\nOpen latents of these samples, or give both coordinates."
        )
        raise JoinError(message)
    row_of = {sample: row for row, sample in enumerate(samples.sample_ids.tolist())}
    return np.array([row_of.get(sample, -1) for sample in ids.tolist()], np.int64)
