"""What a cutout of sea-surface temperature shows besides its pattern: ΔT, mean, spread, range.

ΔT is the difference of the 90th and the 10th percentile inside the central crop, as nenya and its
forerunner take it (``calc_DT`` in github.com/AI-for-Ocean-Science/ulmo): from crop // 2 pixels
before the center to crop // 2 after it, on the first channel. Cutouts of 64 pixels have
a crop of 40, which their tables call DT40.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import SampleSource, damaged_among
from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress

STATISTICS = ("DT", "mean", "sd", "min", "max")
# The bins that the field's UMAPs are split by, in kelvin (``umap_DT`` in ulmo/ssl/defs.py).
DT_EDGES = (0.0, 0.5, 1.0, 1.5, 2.5, 4.0, np.inf)

_LOW, _HIGH = 10.0, 90.0
_CROP, _CROP_OF = 40, 64
_BLOCK_VALUES = 1 << 22


def default_crop(height: int, width: int) -> int:
    """Return the side of the central crop in pixels: 40 of 64, in proportion for other sizes."""
    return max(2, round(min(height, width) * _CROP / _CROP_OF))


def temperature_difference(images: ArrayLike, crop: int | None = None) -> NDArray[np.float64]:
    """Return ΔT: the 90th minus the 10th percentile in the central crop.

    Parameters
    ----------
    images : array_like, shape (H, W), (n, H, W) or (n, C, H, W)
        Temperatures in °C or K, demeaned or not. Of several channels the first counts.
    crop : int, optional
        Side of the crop in pixels; an odd one counts one less. By default `default_crop`.

    Returns
    -------
    ndarray of float64, shape () or (n,)
        NaN where the crop holds a NaN.

    Raises
    ------
    ShapeError
        If there are no images.
    RequestError
        If the crop doesn't fit in them.
    """
    values = np.asarray(images)
    if values.ndim == 4:
        values = values[:, 0]
    if values.ndim not in (2, 3) or 0 in values.shape[-2:]:
        message = (
            f"ΔT is of images of shape (H, W), (n, H, W) or (n, C, H, W), but these have the shape "
            f"{np.shape(images)}."
        )
        raise ShapeError(message)
    height, width = values.shape[-2:]
    half = (default_crop(height, width) if crop is None else crop) // 2
    if not 1 <= half <= min(height, width) // 2:
        message = (
            f"A central crop of {crop} pixels doesn't fit in images of {height} × {width}: give "
            f"2 to {2 * (min(height, width) // 2)}."
        )
        raise RequestError(message)
    y, x = height // 2, width // 2
    inside = values[..., y - half : y + half, x - half : x + half]
    flat = inside.reshape(*inside.shape[:-2], -1).astype(np.float64)
    low, high = np.percentile(flat, (_LOW, _HIGH), axis=-1)
    return np.asarray(high - low)


def statistics_of(images: NDArray[np.generic], crop: int | None = None) -> dict[str, NDArray]:  # type: ignore[type-arg]
    """Return the `STATISTICS` of each image, float64 (n,); NaN where one has a NaN.

    Parameters
    ----------
    images : ndarray, shape (n, C, H, W)
        ΔT is of the first channel, the others are of all.
    crop : int, optional
        As for `temperature_difference`.
    """
    flat = images.reshape(len(images), -1).astype(np.float64)
    return {
        "DT": temperature_difference(images, crop),
        "mean": flat.mean(axis=1),
        "sd": flat.std(axis=1),
        "min": flat.min(axis=1),
        "max": flat.max(axis=1),
    }


def cutout_statistics(
    source: SampleSource,
    rows: NDArray[np.int64] | None = None,
    *,
    crop: int | None = None,
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Compute the `STATISTICS` of a whole file, block by block.

    Parameters
    ----------
    rows : ndarray of int64, optional
        Ascending; all if not given.
    crop : int, optional
        As for `temperature_difference`.

    Returns
    -------
    dict of str to ndarray of float64, shape (m,)
        NaN where a sample is damaged.

    Raises
    ------
    RequestError
        If the crop doesn't fit in the samples.
    Cancelled
        If the progress was cancelled.
    """
    progress = progress or Progress()
    wanted = np.arange(len(source)) if rows is None else rows
    step = _rows_at_once(source)
    found = {name: np.empty(len(wanted)) for name in STATISTICS}
    for start in range(0, len(wanted), step):
        progress.step(start, len(wanted), "measuring cutouts")
        some = slice(start, start + step)
        measured = statistics_of(source.read(wanted[some]), crop)
        damaged = damaged_among(source, wanted[some])
        for name, values in measured.items():
            found[name][some] = np.where(damaged, np.nan, values)
    return found


def dt_bins(
    dt: NDArray[np.floating], edges: Sequence[float] = DT_EDGES
) -> tuple[NDArray[np.int32], Mapping[int, str]]:
    """Sort ΔT into half-open bins, to be filtered by.

    Parameters
    ----------
    dt : ndarray, shape (n,)
        In kelvin.
    edges : sequence of float
        Ascending; the last may be infinite.

    Returns
    -------
    bins : ndarray of int32, shape (n,)
        -1 where ΔT is NaN or outside all bins.
    names : Mapping of int to str
        ``"0.5–1 K"``, ``"≥ 4 K"``.
    """
    bins = np.searchsorted(edges, dt, side="right").astype(np.int32) - 1
    bins[~(np.isfinite(dt) & (bins < len(edges) - 1))] = -1
    names = {
        number: f"{low:g}–{high:g} K" if np.isfinite(high) else f"≥ {low:g} K"
        for number, (low, high) in enumerate(itertools.pairwise(edges))
    }
    return bins, names


def _rows_at_once(source: SampleSource) -> int:
    rows = max(1, _BLOCK_VALUES // int(np.prod(source.sample_shape)))
    blocks = max(1, rows // max(1, source.block_rows))
    return blocks * max(1, source.block_rows)
