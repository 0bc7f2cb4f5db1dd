"""The scaling of each sample's values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scale_in_place"]

# A spread below this share of the largest value is float32 rounding, not signal.
_FLAT_SHARE = 1e-6


def scale_in_place(
    x: NDArray[np.float32],
    scale: str,
    constant: NDArray[np.bool_],
    largest: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Scale samples of shape (b, pixels) in place; return which of them were flat."""
    low, high = x.min(axis=1), x.max(axis=1)
    flat: NDArray[np.bool_] = constant | (high - low <= _FLAT_SHARE * largest)
    if scale == "none":
        return flat
    if scale in ("zero_one", "minus_one_one"):
        x -= low[:, None]
        spread = high - low
    else:
        x -= x.mean(axis=1, keepdims=True)
        spread = np.sqrt((x * x).mean(axis=1)) if scale == "z_score" else np.ones_like(low)
    x /= np.where(flat, 1, spread)[:, None]
    if scale == "minus_one_one":
        x *= 2
        x -= 1
    x[flat] = 0
    return flat
