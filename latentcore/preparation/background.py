"""The static background: what all patterns of a scan have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, damaged_among
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation.recipe import Preparation, Shape
from latentcore.progress import Progress

_FIT_ROWS = 256


def fit_static_background(
    parts: Sequence[tuple[SampleSource, NDArray[np.int64]]],
    preparation: Preparation,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the mean of the cropped samples: what all patterns of a scan have in common.

    Samples that are damaged or not finite are left out. The sum is taken in float64 over blocks of
    fixed size, so that it is the same in every run.

    Parameters
    ----------
    parts : sequence of (SampleSource, ndarray of int64)
        The sources, all with samples of one shape, and the rows of each that count.
    preparation : Preparation
        Its crop is applied.

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
    height, width = preparation.cropped(*shape[-2:])
    y0, x0 = (0, 0) if preparation.crop is None else (preparation.crop[0], preparation.crop[2])
    total = np.zeros((*shape[:-2], height, width))
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
            some = rows[start : start + _FIT_ROWS]
            block = source.read(some)
            done += len(block)
            block = block[~damaged_among(source, some)]
            block = block[..., y0 : y0 + height, x0 : x0 + width].astype(np.float64)
            block = block[np.isfinite(block.reshape(len(block), -1)).all(axis=1)]
            total += block.sum(axis=0)
            used += len(block)
    if used == 0:
        message = f"None of the {n_rows} samples is finite, so there is no static background."
        raise ShapeError(message)
    return (total / used).astype(np.float32)


def checked_background(
    preparation: Preparation, shape: Shape, background: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Return the background that a recipe needs for cropped samples of a shape, or None.

    Raises
    ------
    RequestError
        If it is needed but not given.
    ShapeError
        If it is of another shape.
    """
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
