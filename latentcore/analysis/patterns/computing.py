"""Compute maps from the patterns of a scan, all in one reading of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import pattern_blocks, pattern_shape
from latentcore.analysis.patterns.detectors import Combination, Detector, Span, scaled
from latentcore.analysis.patterns.maps import PATTERN_MAPS
from latentcore.containers import SampleSource
from latentcore.progress import Progress

# Sums of whole numbers are exact; those of one byte need no more than this.
_SUM_TYPES: Mapping[str, type[np.generic]] = {
    "b": np.uint32,
    "u": np.uint64,
    "i": np.int64,
    "f": np.float64,
}


def pattern_maps(
    samples: SampleSource,
    names: Sequence[str],
    *,
    detectors: Mapping[str, Detector] | None = None,
    combinations: Mapping[str, Combination] | None = None,
    reduction: str = "sum",
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Compute maps of a scan from its patterns alone.

    Parameters
    ----------
    samples : SampleSource
        n patterns of one channel on a grid.
    names : sequence of str
        Names in `latentcore.analysis.patterns.maps.PATTERN_MAPS`.
    detectors : Mapping of str to Detector, optional
    combinations : Mapping of str to Combination, optional
        Of the detectors' means.
    reduction : str
        What a detector's map holds: the ``"sum"`` of its pixels, or their ``"mean"``.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By name, in the order asked; NaN where a pattern has no value.

    Raises
    ------
    InputError
        If a name is unknown, a detector doesn't lie on the pattern, or the samples are no
        patterns of a scan.
    """
    progress = progress or Progress()
    shape = pattern_shape(samples)
    parts = {name: PATTERN_MAPS.get(name) for name in names}
    spans = {name: one.spans(shape) for name, one in (detectors or {}).items()}
    values = {name: np.full(len(samples), np.nan) for name in (*parts, *spans)}
    with_neighbors = any(part.needs_neighbors for part in parts.values())
    done = 0
    for block in pattern_blocks(samples, with_neighbors=with_neighbors):
        progress.step(done, len(samples), "reading patterns")
        rows = block.rows[block.own]
        for name, part in parts.items():
            values[name][rows] = part.values(block)
        for name, pixels in spans.items():
            values[name][rows] = _sums(block.patterns, pixels)[block.own]
        done += len(rows)
    progress.step(done, len(samples), "reading patterns")
    means = {name: scaled(values[name], pixels, "mean") for name, pixels in spans.items()}
    for name, pixels in spans.items():
        values[name] = scaled(values[name], pixels, reduction)
    return values | {name: one.of(means) for name, one in (combinations or {}).items()}


def sum_type(dtype: np.dtype[np.generic]) -> type[np.generic]:
    """Return the type in which pixels are added up."""
    return _SUM_TYPES["b" if dtype.itemsize == 1 and dtype.kind in "bu" else dtype.kind]


def _sums(patterns: NDArray[np.generic], spans: list[Span]) -> NDArray[np.float64]:
    total = np.zeros(len(patterns), sum_type(patterns.dtype))
    for row, first, last in spans:
        total += patterns[:, row, first:last].sum(axis=1, dtype=total.dtype)
    return _finite(total.astype(np.float64))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)
