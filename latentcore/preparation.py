"""What is done to a sample before it is encoded: a recorded recipe, and its execution.

Every step looks at one sample at a time, so a sample is prepared to the same bits whatever else is
in its batch. The steps always come in this order:

1. ``crop`` to a window;
2. ``background``: minus the scan's mean pattern (static), or minus the pattern's own Gaussian blur
   (dynamic);
3. ``smooth`` by a Gaussian;
4. resize to ``size``;
5. ``scale`` the values of each sample;
6. repeat or average ``channels``.

Blurring and resizing are linear and separable: both are products with two small matrices, one for
the rows and one for the columns. That is ten times faster than `scipy.ndimage.gaussian_filter`
on 60 × 60 pixels, and equal to it (reflected borders, cut at four σ).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource
from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress

__all__ = ["BACKGROUNDS", "SCALES", "Preparation", "Prepared", "Preparer", "fit_static_background"]

BACKGROUNDS = ("none", "static", "dynamic")
SCALES = ("none", "zero_one", "minus_one_one", "z_score", "demean")

Shape = tuple[int, int, int]

# Detectors have some 2,000 pixels a side; beyond this a matrix of side² would not fit in memory.
_LARGEST_SIDE = 4096
_LARGEST_SIGMA = 1000.0
# Where SciPy cuts its Gaussian, in σ.
_TRUNCATE = 4.0
# Values whose squares overflow float32 are as useless as infinities.
_LARGEST_VALUE = 1e18
# A spread below this share of the largest value is float32 rounding, not signal.
_FLAT_SHARE = 1e-6
# Samples that are worked on together: some 64 patterns of 60 × 60 fit the processor's cache.
_CACHE_VALUES = 64 * 60 * 60
_FIT_ROWS = 256


@dataclass(frozen=True)
class Preparation:
    """A recipe; see the module's text for the order of its steps.

    Attributes
    ----------
    crop : tuple of int or None
        Half-open window (y0, y1, x0, x1) in pixels.
    size : tuple of int or None
        (H, W) in pixels to resize to: bilinear, with antialiasing where it shrinks.
    background : str
        ``"none"``, ``"static"`` (minus the mean pattern over the scan's kept points) or
        ``"dynamic"`` (minus the pattern's own Gaussian blur).
    background_sigma : float
        Of that blur, in pixels of the cropped pattern.
    smooth : float
        σ of a Gaussian in pixels, before resizing; 0 for none.
    scale : str
        Per sample: ``"none"``; ``"zero_one"`` (minimum to 0, maximum to 1); ``"minus_one_one"``;
        ``"z_score"`` (mean 0, standard deviation 1); ``"demean"`` (mean 0). With all but
        ``"none"`` a constant sample becomes zeros.
    channels : int
        1 (others are averaged) or 3 (one is repeated).

    Raises
    ------
    RequestError
        If a value makes no sense.
    """

    crop: tuple[int, int, int, int] | None = None
    size: tuple[int, int] | None = None
    background: str = "none"
    background_sigma: float = 8.0
    smooth: float = 0.0
    scale: str = "none"
    channels: int = 1

    def __post_init__(self) -> None:
        _check_choice("background", self.background, BACKGROUNDS)
        _check_choice("scale", self.scale, SCALES)
        if self.channels not in (1, 3):
            message = f"channels={self.channels} can't be prepared. There are: 1, 3."
            raise RequestError(message)
        if not 0 < self.background_sigma <= _LARGEST_SIGMA:
            message = (
                f"background_sigma={self.background_sigma:g} is no width for a blur: give pixels, "
                f"more than 0 and at most {_LARGEST_SIGMA:g} (the default is 8)."
            )
            raise RequestError(message)
        if not 0 <= self.smooth <= _LARGEST_SIGMA:
            message = (
                f"smooth={self.smooth:g} is no width for a blur: give pixels, from 0 (none) "
                f"to {_LARGEST_SIGMA:g}."
            )
            raise RequestError(message)
        self._check_geometry()

    def _check_geometry(self) -> None:
        if self.crop is not None:
            y0, y1, x0, x1 = self.crop
            if not (0 <= y0 < y1 and 0 <= x0 < x1):
                message = (
                    f"crop={y0}:{y1}:{x0}:{x1} is empty or starts below 0. It is Y0:Y1:X0:X1 in "
                    "pixels, half-open: crop=0:50:5:55 keeps 50 × 50."
                )
                raise RequestError(message)
        if self.size is not None and not all(1 <= side <= _LARGEST_SIDE for side in self.size):
            message = (
                f"size={self.size[0]}x{self.size[1]} can't be made: each side must be from 1 to "
                f"{_LARGEST_SIDE} pixels."
            )
            raise RequestError(message)

    @classmethod
    def parse(cls, words: Iterable[str], base: Preparation | None = None) -> Preparation:
        """Read ``KEY=VALUE`` words.

        Parameters
        ----------
        words : iterable of str
            For example ``["background=dynamic", "crop=0:50:5:55", "size=60x60"]``.
        base : Preparation, optional
            Where the keys that are not named come from: a model's own recipe, for example.

        Raises
        ------
        RequestError
            If a key is unknown or given twice, or a value can't be read.
        """
        values: dict[str, Any] = {}
        for word in words:
            key, separator, text = word.partition("=")
            key = key.strip()
            if not separator:
                message = (
                    f"The preparation {word!r} lacks its value: write KEY=VALUE. "
                    f"Keys are: {', '.join(_CONVERTERS)}."
                )
                raise RequestError(message)
            if key not in _CONVERTERS:
                raise RequestError(_unknown("preparation key", key, tuple(_CONVERTERS)))
            value = _convert(key, text.strip())
            if values.setdefault(key, value) != value:
                message = f"The preparation key {key!r} was given twice, with different values."
                raise RequestError(message)
        return dataclasses.replace(base or cls(), **values)

    def words(self) -> tuple[str, ...]:
        """Return the ``KEY=VALUE`` words that `parse` turns into this recipe."""
        written = {key: _written(value) for key, value in self.to_dict().items()}
        return tuple(f"{key}={text}" for key, text in written.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as a JSON-like dictionary."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preparation:
        """Read what `to_dict` returned, perhaps by way of a JSON file.

        Raises
        ------
        RequestError
            If a key is unknown or a value is of the wrong kind.
        """
        for key in values:
            if key not in _CONVERTERS:
                raise RequestError(_unknown("preparation key", str(key), tuple(_CONVERTERS)))
        read: dict[str, Any] = {
            key: _convert(key, _written(value)) for key, value in values.items()
        }
        return cls(**read)

    def output_shape(self, sample_shape: Sequence[int]) -> Shape:
        """Return the (C, H, W) that samples of another (C, H, W) are prepared to.

        Raises
        ------
        ShapeError
            If the crop reaches beyond the sample, or its channels can't be turned into `channels`.
        """
        channels, *sides = sample_shape
        height, width = self._cropped(sides[0], sides[1])
        if channels not in (1, 3) and self.channels == 3:
            message = (
                f"The samples have {channels} channels, which can't become 3. "
                "Use channels=1, which averages them."
            )
            raise ShapeError(message)
        return (self.channels, *(self.size or (height, width)))

    def _cropped(self, height: int, width: int) -> tuple[int, int]:
        if self.crop is None:
            return height, width
        y0, y1, x0, x1 = self.crop
        if y1 > height or x1 > width:
            message = (
                f"crop={y0}:{y1}:{x0}:{x1} reaches beyond the samples of {height} × {width} "
                f"pixels. Y1 may be at most {height}, X1 at most {width}."
            )
            raise ShapeError(message)
        return y1 - y0, x1 - x0


class Prepared(NamedTuple):
    """Prepared samples, and what was wrong with some.

    Attributes
    ----------
    values : ndarray of float32, shape (b, C, H, W)
        All NaN where a sample is not finite.
    finite : ndarray of bool, shape (b,)
        Whether all pixels (inside the crop) are finite numbers.
    constant : ndarray of bool, shape (b,)
        Whether all pixels are the same number, or are so once the background is off.
    """

    values: NDArray[np.float32]
    finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]


class Preparer:
    """Carries out a recipe on batches of samples; safe to share between threads.

    Parameters
    ----------
    preparation : Preparation
    sample_shape : sequence of int
        (C, H, W) of the samples as they are read.
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
        channels, height, width = (int(side) for side in sample_shape)
        self.preparation = preparation
        self.sample_shape: Shape = (channels, height, width)
        self.output_shape = preparation.output_shape(self.sample_shape)
        height, width = preparation._cropped(height, width)
        self.static_background = _checked_background(
            preparation, (channels, height, width), static_background
        )
        self._blur = None
        if preparation.background == "dynamic":
            sigma = preparation.background_sigma
            self._blur = _sandwich(gaussian_matrix(height, sigma), gaussian_matrix(width, sigma))
        self._resample = _resampling(preparation, height, width)
        self._block = max(1, _CACHE_VALUES // (channels * height * width))

    def __call__(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Prepare a batch of shape (b, C, H, W) and any real dtype; see `Prepared.values`."""
        return self.prepare(batch).values

    def prepare(self, batch: NDArray[np.generic]) -> Prepared:
        """Prepare a batch and tell which samples are not finite or constant.

        Parameters
        ----------
        batch : ndarray, shape (b, C, H, W)
            Any real dtype.

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
            values[rows], finite[rows], constant[rows] = self._prepare_block(batch[rows])
        return Prepared(values, finite, constant)

    def _prepare_block(self, raw: NDArray[np.generic]) -> Prepared:
        if self.preparation.crop is not None:
            y0, y1, x0, x1 = self.preparation.crop
            raw = raw[:, :, y0:y1, x0:x1]
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
        x = self._without_background(x)
        if self._resample is not None:
            x = self._resample(x)
        constant |= _scale(x.reshape(b, -1), self.preparation.scale, constant, largest)
        x = _with_channels(x, self.preparation.channels)
        x[~finite] = np.nan
        return Prepared(x, finite, constant & finite)

    def _without_background(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.static_background is not None:
            x -= self.static_background
        if self._blur is not None:
            # A blur keeps constants, so the mean cancels; without it rounding is relative to the
            # contrast, not to the brightness.
            x -= x.mean(axis=(2, 3), keepdims=True)
            x -= self._blur(x)
        return x


def fit_static_background(
    parts: Sequence[tuple[SampleSource, NDArray[np.int64]]],
    preparation: Preparation,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the mean of the cropped samples: what all patterns of a scan have in common.

    Samples that are not finite are left out. The sum is taken in float64 over blocks of fixed
    size, so that it is the same in every run.

    Parameters
    ----------
    parts : sequence of (SampleSource, ndarray of int64)
        The sources, all with samples of one shape, and the rows of each that count.
    preparation : Preparation
        Its crop is applied.
    progress : Progress, optional

    Returns
    -------
    ndarray of float32, shape (C, H, W)

    Raises
    ------
    ShapeError
        If there is no finite sample, or the sources differ in shape.
    Cancelled
        If the progress was cancelled.
    """
    progress = progress or Progress()
    shape = parts[0][0].sample_shape
    height, width = preparation._cropped(shape[1], shape[2])
    y0, x0 = (0, 0) if preparation.crop is None else (preparation.crop[0], preparation.crop[2])
    total = np.zeros((shape[0], height, width))
    used, done = 0, 0
    n_rows = sum(len(rows) for _, rows in parts)
    for source, rows in parts:
        if source.sample_shape != shape:
            message = (
                f"One static background can't serve samples of {shape} and {source.sample_shape}. "
                "Extract the inputs one by one."
            )
            raise ShapeError(message)
        for start in range(0, len(rows), _FIT_ROWS):
            progress.step(done, n_rows, "averaging the static background")
            block = source.read(rows[start : start + _FIT_ROWS])
            done += len(block)
            block = block[:, :, y0 : y0 + height, x0 : x0 + width].astype(np.float64)
            block = block[np.isfinite(block).all(axis=(1, 2, 3))]
            total += block.sum(axis=0)
            used += len(block)
    if used == 0:
        message = f"None of the {n_rows} samples is finite, so there is no static background."
        raise ShapeError(message)
    return (total / used).astype(np.float32)


def gaussian_matrix(n: int, sigma: float) -> NDArray[np.float32]:
    """Return the (n, n) matrix that blurs a vector as `scipy.ndimage.gaussian_filter1d` does.

    Borders are reflected about the edge of the last pixel (SciPy's mode ``"reflect"``), and the
    Gaussian is cut at four σ.
    """
    radius = int(_TRUNCATE * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    places = (np.arange(n)[:, None] + offsets) % (2 * n)
    places = np.where(places < n, places, 2 * n - 1 - places)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None], places), weights)
    return matrix.astype(np.float32)


def resize_matrix(n_in: int, n_out: int) -> NDArray[np.float32]:
    """Return the (n_out, n_in) matrix of bilinear resizing with antialiasing.

    The same weights as ``torch.nn.functional.interpolate(mode="bilinear", antialias=True)``: a
    triangle as wide as the coarser of both pixel sizes, normalised at the borders.
    """
    ratio = n_in / n_out
    width = max(ratio, 1.0)
    centres = (np.arange(n_out) + 0.5) * ratio
    distances = np.abs(np.arange(n_in) + 0.5 - centres[:, None]) / width
    matrix = np.maximum(0.0, 1.0 - distances)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix.astype(np.float32)


Linear = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _sandwich(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> Linear:
    """Return x ↦ rows · x · columnsᵀ over the last two axes, one product per sample.

    NumPy multiplies a stack matrix by matrix, so the size of the stack can't change the bits.
    """
    turned = np.ascontiguousarray(columns.T)
    return lambda x: np.matmul(rows, np.matmul(x, turned))


def _resampling(preparation: Preparation, height: int, width: int) -> Linear | None:
    """Return smoothing and resizing as one product, or None where nothing is to be done."""
    smooths = preparation.smooth > 0
    resizes = preparation.size not in (None, (height, width))
    if not (smooths or resizes):
        return None
    target = preparation.size or (height, width)
    matrices = []
    for n_in, n_out in zip((height, width), target, strict=True):
        matrix = np.eye(n_in, dtype=np.float32)
        if smooths:
            matrix = gaussian_matrix(n_in, preparation.smooth)
        if resizes:
            matrix = resize_matrix(n_in, n_out) @ matrix
        matrices.append(matrix)
    return _sandwich(*matrices)


def _scale(
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


def _with_channels(x: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    if x.shape[1] == channels:
        return x
    if channels == 1:
        grey: NDArray[np.float32] = x.mean(axis=1, keepdims=True)
        return grey
    return np.repeat(x, channels, axis=1)


def _checked_background(
    preparation: Preparation, shape: Shape, background: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    if preparation.background != "static":
        return None
    if background is None:
        message = (
            "background=static needs the scan's mean pattern: fit it first "
            "(fit_static_background), or use background=dynamic."
        )
        raise RequestError(message)
    if background.shape != shape:
        message = (
            f"The static background is of shape {background.shape}, but the cropped samples are of "
            f"shape {shape}. It belongs to another detector setting; fit it anew."
        )
        raise ShapeError(message)
    return np.asarray(background, np.float32)


def _check_choice(key: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(_unknown(f"{key}=", str(value), choices))


def _unknown(kind: str, name: str, choices: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} {name!r}.{hint} There are: {', '.join(choices)}."


def _convert(key: str, text: str) -> object:
    convert, pattern = _CONVERTERS[key]
    if text.lower() == "none" and key in ("crop", "size"):
        return None
    try:
        return convert(text)
    except ValueError:
        message = f"{key}={text!r} can't be read. Write it as {key}={pattern}."
        raise RequestError(message) from None


def _crop(text: str) -> tuple[int, ...]:
    return _whole_numbers(text, ":", 4)


def _size(text: str) -> tuple[int, ...]:
    return _whole_numbers(text.lower(), "x", 2)


def _whole_numbers(text: str, separator: str, count: int) -> tuple[int, ...]:
    numbers = tuple(int(word) for word in text.split(separator))
    if len(numbers) != count:
        raise ValueError(text)
    return numbers


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _written(value: object) -> str:
    """Write a value as `parse` reads it: four numbers as a crop, two as a size."""
    if isinstance(value, list | tuple):
        return (":" if len(value) == 4 else "x").join(str(entry) for entry in value)
    return "none" if value is None else str(value)


# How each key's value is read, and how it is written down.
_CONVERTERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "crop": (_crop, "Y0:Y1:X0:X1, for example crop=0:50:5:55"),
    "size": (_size, "HxW, for example size=60x60"),
    "background": (str, "|".join(BACKGROUNDS)),
    "background_sigma": (_finite, "PIXELS, for example background_sigma=8"),
    "smooth": (_finite, "PIXELS, for example smooth=1"),
    "scale": (str, "|".join(SCALES)),
    "channels": (int, "1 or channels=3"),
}
