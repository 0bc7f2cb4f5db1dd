"""Which row belongs to which: the one place that joins what lies in several files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.latents import LatentSet, default_sample_ids
from latentcore.containers.samples import SampleSource
from latentcore.errors import JoinError

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
    key_having = _keys(having, x0, y0, step_x, step_y)
    key_wanted = _keys(wanted, x0, y0, step_x, step_y)
    order = np.argsort(key_having, kind="stable")
    place = np.searchsorted(key_having[order], key_wanted)
    place = np.minimum(place, len(order) - 1)
    rows = order[place]
    # Half a step off is another place (cell corner against cell center), not a rounding error.
    close = (np.abs(wanted.x - having.x[rows]) <= _SAME_PLACE * step_x) & (
        np.abs(wanted.y - having.y[rows]) <= _SAME_PLACE * step_y
    )
    return np.where((key_having[order][place] == key_wanted) & close, rows, -1)


def _keys(grid: ScanGrid, x0: float, y0: float, dx: float, dy: float) -> NDArray[np.int64]:
    # Both coordinates in one integer: 2^31 nodes each way is more than a grid may have.
    col = np.rint((grid.x - x0) / dx).astype(np.int64)
    row = np.rint((grid.y - y0) / dy).astype(np.int64)
    return (row << np.int64(32)) + col


def sample_rows(latents: LatentSet, samples: SampleSource) -> NDArray[np.int64]:
    """Find the sample of each latent, by coordinates or, without them, by sample id.

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
