"""What belongs to each sample: the number of a class, or a measured value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError

__all__ = ["labels_and_targets"]


def labels_and_targets(
    name: str, y: NDArray[np.generic] | None, n: int
) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None]:
    """Tell whether ``y`` holds classes (whole numbers of one column) or measured values.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    y : ndarray or None, shape (n,), (n, 1) or (n, k)

    Returns
    -------
    labels : ndarray of int32, shape (n,), or None
    targets : ndarray of float64, shape (n,) or (n, k), or None

    Raises
    ------
    MalformedFileError
        If there is not one entry for each sample, or they are no numbers.
    """
    if y is None:
        return None, None
    if y.ndim not in (1, 2) or len(y) != n or y.dtype.kind not in "buif":
        message = (
            f"'y' of {name!r} is {y.dtype} of shape {y.shape}; numbers of shape ({n},) or "
            f"({n}, k) are needed, one row for each sample."
        )
        raise MalformedFileError(message)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    whole = y.dtype.kind in "bui" and y.ndim == 1
    limits = np.iinfo(np.int32)
    if whole and (len(y) == 0 or (limits.min <= int(y.min()) and int(y.max()) <= limits.max)):
        return y.astype(np.int32), None
    return None, y.astype(np.float64)
