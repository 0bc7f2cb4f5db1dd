"""Which rows of latents can be embedded, and the embedding of these as one of all rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet
from latentcore.errors import RequestError


def check_components(components: int) -> None:
    """Refuse an embedding that is neither flat nor solid.

    Raises
    ------
    RequestError
    """
    if components not in (2, 3):
        message = f"An embedding has 2 or 3 components, but {components} were asked for."
        raise RequestError(message)


def encoded_rows(latents: LatentSet, fewest: int) -> NDArray[np.int64]:
    """Return which rows have a latent.

    Raises
    ------
    RequestError
        If these are fewer than an embedding needs.
    """
    rows = np.flatnonzero(latents.encoded)
    if len(rows) < fewest:
        message = (
            f"{len(rows)} of {len(latents)} samples have a latent; an embedding needs at least "
            f"{fewest}. Extract more samples, or choose a larger ROI."
        )
        raise RequestError(message)
    return rows


def refuse_equal(values: NDArray[np.floating]) -> None:
    """Refuse latents (n, d) that are all the same.

    Raises
    ------
    RequestError
    """
    if (values == values[0]).all():
        message = (
            f"All {len(values)} latents are equal, so there is nothing to embed. "
            "The encoder has collapsed, or the file holds a constant."
        )
        raise RequestError(message)


def placed(
    coordinates: NDArray[np.floating], rows: NDArray[np.int64], n: int
) -> NDArray[np.float32]:
    """Return the coordinates of some rows, (m, c), as those of all n, NaN at the others."""
    everywhere = np.full((n, coordinates.shape[1]), np.nan, np.float32)
    everywhere[rows] = coordinates
    return everywhere
