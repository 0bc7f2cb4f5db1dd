"""One sample: an array of its own, or a row of any file of samples, pictures included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, RequestError, cause
from latentcore.readers import open_samples
from latentcore.readers.media.files import PICTURES
from latentcore.readers.media.pictures import float_pixels
from latentcore.storage import local_path

__all__ = ["PICTURES", "read_one_sample"]

_MOST_PIXELS = 64_000_000


def read_one_sample(location: str, row: int | None = None) -> NDArray[np.generic]:
    """Read one sample.

    Parameters
    ----------
    location : str
        A picture (a TIFF also of floats), an ``.npy`` of (H, W) or (C, H, W), or any other file
        of samples.
    row : int, optional
        Which of a file of samples; it may be left out where there is only one.

    Returns
    -------
    ndarray, shape (C, H, W)
        In the file's dtype.

    Raises
    ------
    MalformedFileError
        If it can't be read, or is too large to be one sample.
    RequestError
        If there are several and `row` names none of them.
    """
    path = local_path(location)
    if path.suffix.lower() == ".npy":
        _refuse_row(path, row)
        return _array(path)
    pixels = float_pixels(path) if path.is_file() else None
    if pixels is not None:
        _refuse_row(path, row)
        return pixels[None]
    return _row_of(location, row)


def _refuse_row(path: Path, row: int | None) -> None:
    if row not in (None, 0):
        message = (
            f"Row {row} of {path.name!r} was asked for, but it holds one sample. Leave it out."
        )
        raise RequestError(message)


def _array(path: Path) -> NDArray[np.generic]:
    try:
        pixels: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = (
            f"The array {path.name!r} can't be read: {cause(error)}. It must be an .npy of numbers."
        )
        raise MalformedFileError(message) from error
    shape = pixels.shape[1:] if pixels.ndim == 4 and len(pixels) == 1 else pixels.shape
    if len(shape) not in (2, 3) or 0 in shape or pixels.dtype.kind not in "uif":
        message = (
            f"{path.name!r} holds {pixels.dtype} of shape {pixels.shape}, but one sample has the "
            "shape (H, W) or (C, H, W), of numbers. Save one sample, without others beside it."
        )
        raise MalformedFileError(message)
    _refuse_large(path, pixels.size)
    return np.array(pixels).reshape((1, *shape) if len(shape) == 2 else shape)


def _row_of(location: str, row: int | None) -> NDArray[np.generic]:
    with open_samples(location) as source:
        n = len(source)
        if row is None and n != 1:
            message = (
                f"{Path(location).name!r} holds {n:,} samples, but one is searched for. Say which "
                f"row: 0 to {n - 1}."
            )
            raise RequestError(message)
        number = row or 0
        if not 0 <= number < n:
            message = (
                f"Row {number} of {Path(location).name!r} was asked for, but it has rows 0 to "
                f"{n - 1}."
            )
            raise RequestError(message)
        found = source.read(np.array([number], np.int64))
        return found.reshape(found.shape[1:])


def _refuse_large(path: Path, pixels: int) -> None:
    if pixels > _MOST_PIXELS:
        message = (
            f"{path.name!r} has {pixels:,} pixels: more than one sample can have "
            f"({_MOST_PIXELS:,}). Cut it."
        )
        raise MalformedFileError(message)
