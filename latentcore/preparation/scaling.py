"""The scaling of values: of each sample by its own, or of all by their number type."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from latentcore.errors import ShapeError

__all__ = ["scale_in_place", "type_range_in_place"]

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
    if scale in ("none", "type_range"):
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


def type_range_in_place(x: NDArray[np.float32], dtype: DTypeLike) -> None:
    """Bring the whole range of a number type to [-1, 1]: x / 127.5 - 1 for 8 bits.

    What image and video encoders are trained on; unlike the other scales it keeps how bright a
    sample is.

    Raises
    ------
    ShapeError
        If the samples are not of 8 or 16 bits without sign: their range is not known.
    """
    kind = np.dtype(dtype)
    if kind not in (np.uint8, np.uint16):
        message = (
            f"scale=type_range brings 0 to 255 (8 bits) or 0 to 65,535 (16 bits) to -1 to 1, but "
            f"these samples are {kind}, whose range is not known. Use scale=minus_one_one, which "
            "takes each sample's own minimum and maximum, or scale=none."
        )
        raise ShapeError(message)
    x /= np.float32(np.iinfo(kind).max / 2)
    x -= 1
