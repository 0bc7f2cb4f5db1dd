"""The pixels of a scan's patterns, laid out so that a virtual detector reads only its own.

A file of patterns holds all pixels of one pattern together, so that a detector would have to read
all of it. Here blocks of up to 4,096 patterns are transposed: within a block each pixel's values
lie together, and a detector's rows of pixels are read and added up as they lie. Beside it stand
means over bins of pixels, one byte each, from which a browser makes approximate maps by itself
while a detector is dragged.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import pattern_shape
from latentcore.analysis.patterns.computing import sum_type
from latentcore.analysis.patterns.detectors import Span
from latentcore.containers import SampleSource
from latentcore.errors import RequestError, StorageError
from latentcore.progress import Progress
from latentcore.storage import built

_KIND = "detector-pixels"
_VERSION = 1
_PIXELS = "pixels.bin"
_SUMMARY = "summary.npz"
_MOST_BLOCK_ROWS = 4_096
_BLOCK_BYTES = 32 << 20
_TURNED_AT_ONCE = 128
_MOST_BIN_BYTES = 32_000_000
_MOST_BINS, _FEWEST_BINS = 64, 4
_MOST_THREADS = 4
_LEVELS = 255


@dataclass(frozen=True, eq=False)
class Bins:
    """Means over bins of pixels, b of them, for approximate maps.

    Attributes
    ----------
    rows, columns : ndarray of int32
        Where bins begin, and where the last one ends; bins are counted row by row.
    levels : ndarray of uint8, shape (b, n)
        The mean of a bin is ``low + step · level``.
    low, step : ndarray of float32, shape (b,)
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    levels: NDArray[np.uint8]
    low: NDArray[np.float32]
    step: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PixelStore:
    """The pixels of n patterns of (H, W).

    Attributes
    ----------
    pixels : Path or None
        None where they would take more disk space than there is: then there are only bins.
    mean : ndarray of float32, shape (H, W)
        The mean pattern.
    """

    n: int
    shape: tuple[int, int]
    dtype: np.dtype[np.generic]
    pixels: Path | None
    mean: NDArray[np.float32]
    bins: Bins

    def sums(self, spans: list[Span]) -> NDArray[np.float64]:
        """Add up the pixels of a detector, shape (n,); NaN where one of them is not finite.

        Raises
        ------
        RequestError
            If the pixels are not (or no more) at hand.
        """
        if self.pixels is None:
            message = "The pixels of this scan take too much disk space to keep them at hand."
            raise RequestError(message)
        width = self.shape[1]
        runs = [(row * width + first, row * width + last) for row, first, last in spans]
        out = np.empty(self.n)

        def add(block: tuple[int, NDArray[np.generic]]) -> None:
            start, values = block
            total = np.zeros(values.shape[1], sum_type(self.dtype))
            for first, last in runs:
                total += np.add.reduce(values[first:last], axis=0, dtype=total.dtype)
            out[start : start + len(total)] = total

        with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
            list(threads.map(add, self._blocks(self.pixels)))
        out[~np.isfinite(out)] = np.nan
        return out

    def _blocks(self, path: Path) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Yield where each block begins, and its values, (H·W, m)."""
        count = math.prod(self.shape)
        try:
            values = np.memmap(path, self.dtype, "r", shape=(self.n * count,))
        except (OSError, ValueError) as error:
            message = "The pixels of this scan were removed meanwhile. Reload the page."
            raise RequestError(message) from error
        step = _block_rows(self.shape, self.dtype)
        for start in range(0, self.n, step):
            stop = min(start + step, self.n)
            yield start, values[start * count : stop * count].reshape(count, stop - start)


def open_pixels(samples: SampleSource) -> PixelStore | None:
    """Return the store of a scan's pixels if it was built before."""
    folder = _folder(samples)
    shape, dtype = pattern_shape(samples), samples.dtype.newbyteorder("=")
    pixels: Path | None = folder / _PIXELS
    size = _bytes(samples)
    try:
        if pixels is None or not pixels.is_file() or pixels.stat().st_size != size:
            if size <= built.largest_built():
                return None
            pixels = None
        with np.load(folder / _SUMMARY, allow_pickle=False) as summary:
            names = ("rows", "columns", "levels", "low", "step")
            bins = Bins(*(summary[name] for name in names))
            mean = summary["mean"]
    except (OSError, ValueError, KeyError):
        return None
    if mean.shape != shape or bins.levels.shape[1:] != (len(samples),):
        return None
    built.used(folder)
    return PixelStore(len(samples), shape, dtype, pixels, mean, bins)


def build_pixels(samples: SampleSource, progress: Progress) -> PixelStore:
    """Build the store of a scan's pixels; the whole file is read once.

    Raises
    ------
    InputError
        If the samples are no patterns of a scan, can't be read, or the disk is full.
    """
    folder, size = _folder(samples), _bytes(samples)
    whole = size <= built.largest_built()
    with built.building(folder, size if whole else 0) as work:
        if whole:
            with (work / _PIXELS).open("wb") as file:
                summary = _read_all(samples, progress, file)
        else:
            summary = _read_all(samples, progress, None)
        np.savez(work / _SUMMARY, allow_pickle=False, **summary)
    store = open_pixels(samples)
    if store is None:
        message = "The pixels of this scan were removed as soon as they were there. Try again."
        raise StorageError(message)
    return store


def _read_all(
    samples: SampleSource, progress: Progress, file: BinaryIO | None
) -> dict[str, NDArray[Any]]:
    """Read all patterns and return what is told of them; their pixels go to a file."""
    shape = pattern_shape(samples)
    rows, columns = _edges(shape, len(samples))
    means = np.empty((len(rows) - 1, len(columns) - 1, len(samples)), np.float32)
    total, counted = np.zeros(shape), np.zeros(shape)
    step = _block_rows(shape, samples.dtype)
    for start in range(0, len(samples), step):
        progress.step(start, len(samples), "reading patterns")
        patterns = samples.read(slice(start, start + step))[:, 0]
        turned = _turned(patterns)
        if file is not None:
            file.write(turned.data)
        finite = np.isfinite(turned)
        total += turned.sum(axis=-1, dtype=np.float64, where=finite)
        counted += finite.sum(axis=-1)
        means[..., start : start + step] = _bin_means(turned, rows, columns)
    low, height, levels = _levels(means.reshape(-1, len(samples)), samples.dtype, rows, columns)
    mean = np.divide(total, counted, out=np.zeros(shape), where=counted > 0).astype(np.float32)
    return {
        "mean": mean, "rows": rows, "columns": columns, "levels": levels, "low": low,
        "step": height,
    }  # fmt: skip


def _folder(samples: SampleSource) -> Path:
    return built.built_folder(_KIND, f"{_VERSION} {samples.fingerprint()} {samples.ref.reader}")


def _bytes(samples: SampleSource) -> int:
    return len(samples) * math.prod(pattern_shape(samples)) * samples.dtype.itemsize


def _block_rows(shape: tuple[int, int], dtype: np.dtype[np.generic]) -> int:
    return max(1, min(_MOST_BLOCK_ROWS, _BLOCK_BYTES // (math.prod(shape) * dtype.itemsize)))


def _edges(shape: tuple[int, int], n: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where bins begin and end, so many that their means stay small."""
    fit = int(np.clip(math.isqrt(_MOST_BIN_BYTES // n), _FEWEST_BINS, _MOST_BINS))
    rows, columns = (
        np.linspace(0, side, min(side, fit) + 1).round().astype(np.int32) for side in shape
    )
    return rows, columns


def _turned(patterns: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return (m, H, W) as (H, W, m); few at a time stay in the processor's cache."""
    turned = np.empty((*patterns.shape[1:], len(patterns)), patterns.dtype)
    for start in range(0, len(patterns), _TURNED_AT_ONCE):
        some = slice(start, start + _TURNED_AT_ONCE)
        turned[..., some] = np.moveaxis(patterns[some], 0, -1)
    return turned


def _bin_means(
    turned: NDArray[np.generic], rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the means over bins of pixels, from (H, W, m)."""
    means = np.empty((len(rows) - 1, len(columns) - 1, turned.shape[-1]), np.float32)
    for down, (top, bottom) in enumerate(itertools.pairwise(rows)):
        # Summed row by row as it lies: numpy's reduceat takes ten times as long.
        across = turned[top:bottom].sum(axis=0, dtype=sum_type(turned.dtype))
        for right, (left, end) in enumerate(itertools.pairwise(columns)):
            count = (bottom - top) * (end - left)
            means[down, right] = across[left:end].sum(axis=0, dtype=np.float64) / count
    return means


def _levels(
    means: NDArray[np.float32],
    dtype: np.dtype[np.generic],
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Return means as one byte each, with what makes them means again."""
    means = np.nan_to_num(means, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low = means.min(axis=1)
    step = (means.max(axis=1) - low) / _LEVELS
    # Bins of one pixel are those pixels: whole numbers stay what they are.
    if dtype.kind in "bui" and np.diff(rows).max() == np.diff(columns).max() == 1:
        step = np.maximum(step, 1)
    step[step == 0] = 1
    means -= low[:, None]
    means /= step[:, None]
    return low, step.astype(np.float32), np.rint(means, out=means).astype(np.uint8)
