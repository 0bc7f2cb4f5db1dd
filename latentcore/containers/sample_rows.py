"""Which sample each latent was made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.latents import LatentSet, default_sample_ids
from latentcore.containers.maps import match_rows
from latentcore.containers.samples import SampleSource
from latentcore.errors import JoinError

__all__ = ["sample_rows"]


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
