"""The execution of a recipe on batches of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from latentcore.errors import ShapeError
from latentcore.preparation.background import checked_background
from latentcore.preparation.linear import gaussian_matrix, resampling, sandwich
from latentcore.preparation.recipe import Preparation, Shape
from latentcore.preparation.steps import STEPS

# Values whose squares overflow float32 are as useless as infinities.
_LARGEST_VALUE = 1e18
# A spread below this share of the largest value is float32 rounding, not signal.
_FLAT_SHARE = 1e-6
# Samples that are worked on together: some 64 patterns of 60 × 60 fit the processor's cache.
_CACHE_VALUES = 64 * 60 * 60


class Prepared(NamedTuple):
    """Prepared samples, and what was wrong with some.

    Attributes
    ----------
    values : ndarray of float32, shape (b, C, H, W) or (b, C, T, H, W)
        All NaN where a sample is not finite.
    finite : ndarray of bool, shape (b,)
        Whether all pixels (inside the crop) are finite numbers.
    constant : ndarray of bool, shape (b,)
        Whether all pixels are the same number, or are so once the background is off.
    """

    values: NDArray[np.float32]
    finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]

    def without(self, damaged: NDArray[np.bool_]) -> Prepared:
        """Return the same samples, those that are damaged like such as are not finite."""
        if damaged.any():
            self.values[damaged] = np.nan
        return Prepared(self.values, self.finite & ~damaged, self.constant & ~damaged)


class Preparer:
    """Prepares batches of samples by a recipe; safe to share between threads.

    Parameters
    ----------
    sample_shape : sequence of int
        (C, H, W) of the samples as they are read, or (C, T, H, W): the frames of a clip are
        prepared alike, and scaled together.
    static_background : ndarray of float32, shape (C, H, W) after cropping, optional
        From `fit_static_background`; needed for ``background="static"``.

    Raises
    ------
    RequestError
        If a static background is needed but not given.
    ShapeError
        If the recipe, the samples and the background don't fit together.
    """

    def __init__(
        self,
        preparation: Preparation,
        sample_shape: Sequence[int],
        static_background: NDArray[np.float32] | None = None,
    ) -> None:
        self.preparation = preparation
        self.sample_shape: Shape = tuple(int(side) for side in sample_shape)
        self.output_shape = preparation.output_shape(self.sample_shape)
        *before, height, width = self.sample_shape
        height, width = preparation.cropped(height, width)
        cropped = (*before, height, width)
        self.static_background = checked_background(preparation, cropped, static_background)
        self._blur = None
        if preparation.background == "dynamic":
            sigma = preparation.background_sigma
            self._blur = sandwich(gaussian_matrix(height, sigma), gaussian_matrix(width, sigma))
        self._resample = resampling((height, width), preparation.size, preparation.smooth)
        self._steps = {
            stage: [
                (STEPS.get(name), value)
                for name, value in preparation.steps
                if STEPS.get(name).stage == stage
            ]
            for stage in ("cropped", "scaled")
        }
        self._block = max(1, _CACHE_VALUES // math.prod(cropped))

    def __call__(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Prepare a batch of shape (b, C, …, H, W) and any real dtype; see `Prepared.values`."""
        return self.prepare(batch).values

    def prepare(self, batch: NDArray[np.generic], pixels: DTypeLike | None = None) -> Prepared:
        """Prepare a batch and say which samples are not finite or constant.

        Parameters
        ----------
        batch : ndarray, shape (b, C, H, W) or (b, C, T, H, W)
            Any real dtype.
        pixels : dtype, optional
            Of the file, where the samples were averaged after they were read.

        Raises
        ------
        ShapeError
            If the samples are of another size than the recipe was made for, or not numbers.
        """
        if batch.shape[1:] != self.sample_shape or batch.dtype.kind not in "buif":
            message = (
                f"Samples of shape {self.sample_shape} were announced, but these are "
                f"{batch.dtype} of shape {batch.shape[1:]}."
            )
            raise ShapeError(message)
        n = len(batch)
        values = np.empty((n, *self.output_shape), np.float32)
        finite = np.empty(n, np.bool_)
        constant = np.empty(n, np.bool_)
        for start in range(0, n, self._block):
            rows = slice(start, start + self._block)
            values[rows], finite[rows], constant[rows] = self._prepare_block(
                batch[rows], batch.dtype if pixels is None else pixels
            )
        return Prepared(values, finite, constant)

    def _prepare_block(self, raw: NDArray[np.generic], pixels: DTypeLike) -> Prepared:
        if self.preparation.crop is not None:
            y0, y1, x0, x1 = self.preparation.crop
            raw = raw[..., y0:y1, x0:x1]
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, and is refused
            x = raw.astype(np.float32, order="C")
        b = len(x)
        flat = x.reshape(b, -1)
        largest = np.abs(flat).max(axis=1)
        finite = largest <= _LARGEST_VALUE
        if not finite.all():
            x[~finite] = 0
            largest = np.where(finite, largest, 0)
        constant = (flat == flat[:, :1]).all(axis=1)
        for step, value in self._steps["cropped"]:
            x = step.apply(x, value)
        x = self._without_background(x)
        if self._resample is not None:
            x = self._resample(x)
        if self.preparation.scale == "type_range":
            _type_range_in_place(x, pixels)
        constant |= _scale_in_place(x.reshape(b, -1), self.preparation.scale, constant, largest)
        for step, value in self._steps["scaled"]:
            x = step.apply(x, value)
        x = _with_channels(x, self.preparation.channels)
        x[~finite] = np.nan
        return Prepared(x, finite, constant & finite)

    def _without_background(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.static_background is not None:
            x -= self.static_background
        if self._blur is not None:
            # A blur keeps constants, so the mean cancels; without it rounding is relative to the
            # contrast, not to the brightness.
            x -= x.mean(axis=(-2, -1), keepdims=True)
            x -= self._blur(x)
        return x


def _with_channels(x: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    if x.shape[1] == channels:
        return x
    if channels == 1:
        gray: NDArray[np.float32] = x.mean(axis=1, keepdims=True)
        return gray
    return np.repeat(x, channels, axis=1)


def _scale_in_place(
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


def _type_range_in_place(x: NDArray[np.float32], dtype: DTypeLike) -> None:
    """Bring the whole range of a number type to [-1, 1]: x / 127.5 - 1 for 8 bits.

    What image and video encoders are trained on; unlike the other scales it keeps how bright a
    sample is.
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
