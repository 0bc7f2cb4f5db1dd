"""VARIMAX: turn axes so that each row has few large entries.

H. F. Kaiser, *Psychometrika* 23 (1958) 187. Among all orthogonal rotations it finds one in which
the variance of the squared entries, within each column and summed over the columns, can't be
raised any more; rows are scaled to length 1 before (Kaiser's normalization).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_ROUNDS = 1000
# Relative gain of a round at which nothing changes any more.
_NO_GAIN = 1e-10

Doubles = NDArray[np.float64]


def varimax(loadings: NDArray[np.floating]) -> Doubles:
    """Return the rotation R, orthogonal (d, d), that makes ``loadings @ R`` simple.

    Each round replaces R by the orthogonal matrix next to the criterion's gradient, which never
    lowers it.

    Parameters
    ----------
    loadings : ndarray, shape (n, d)
        Rows of zeros don't count.
    """
    lengths = np.linalg.norm(loadings, axis=1, keepdims=True)
    rows = np.asarray(loadings, np.float64) / np.where(lengths > 0, lengths, 1)
    rotation, before = np.eye(rows.shape[1]), 0.0
    for _ in range(_MOST_ROUNDS):
        rotated = rows @ rotation
        gradient = rows.T @ (rotated**3 - rotated * np.square(rotated).mean(axis=0))
        left, gains, right = np.linalg.svd(gradient)
        rotation, now = left @ right, float(gains.sum())
        if now <= before * (1 + _NO_GAIN):
            break
        before = now
    return rotation
