"""A scan whose patterns are averages over their neighborhoods: the step ``nlpar`` of a recipe.

It is a source of samples like that which it wraps, so that everything that reads samples (fits,
encodes, trains, reconstructs, shows one) gets the same averages. All points of the scan are
neighbors, those too that are not encoded: whether a point is chosen doesn't change another's
pattern. λ and the noise are found on the scan as a whole, and are recorded.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.denoising import (
    Denoiser,
    Neighborhood,
    NoiseEstimate,
    estimate_noise,
)
from latentcore.containers import SampleSource, ScanGrid
from latentcore.errors import RequestError
from latentcore.preparation import Preparation
from latentcore.progress import Progress

# A scan whose averages fit into this is denoised once, a larger one whenever it is read.
_KEPT_BYTES = 256 << 20
# A neighbor that far, in λ², has a weight of 0.05.
_UNLIKE = 3.0


class DenoisedSamples:
    """Patterns averaged with their neighbors, float32; see `latentcore.containers.SampleSource`.

    Attributes
    ----------
    pixels : numpy.dtype
        Of the file.
    reach : int
    strength : str
    estimate : NoiseEstimate
        What was found on the scan, or given.

    Parameters
    ----------
    source : SampleSource
        Not closed with this: it belongs to whoever opened it.
    estimate : NoiseEstimate, optional
        One that was recorded; found on the scan if not given.
    progress : Progress, optional
        Of finding it.

    Raises
    ------
    RequestError
        If the samples have no places on a scan, or no neighbors to compare with.
    """

    def __init__(
        self,
        source: SampleSource,
        reach: int,
        strength: str,
        *,
        estimate: NoiseEstimate | None = None,
        progress: Progress | None = None,
    ) -> None:
        if source.grid is None:
            message = (
                f"nlpar={reach} averages patterns with those beside them on the scan, but the "
                f"samples of {source.ref.location!r} have no places on a scan grid. Leave nlpar "
                "out, or give a file with coordinates."
            )
            raise RequestError(message)
        self._source = source
        self.reach, self.strength = reach, strength
        self.ref = source.ref
        self.sample_shape = source.sample_shape
        self.dtype: np.dtype[np.generic] = np.dtype(np.float32)
        self.pixels = source.dtype
        self.sample_ids = source.sample_ids
        self.grid: ScanGrid | None = source.grid
        self.partition = source.partition
        self.labels = source.labels
        self.block_rows = source.block_rows
        self._denoiser = Denoiser(source.read, source.grid, source.sample_shape, reach)
        if estimate is None:
            estimate = estimate_noise(self._denoiser, strength, progress)
        else:
            self._denoiser.saturates(estimate.saturation)
        self.estimate = estimate
        self._lock = threading.Lock()
        self._kept: NDArray[np.float32] | None = None
        self._done = np.zeros(len(source), np.bool_)
        if 4 * len(source) * int(np.prod(self.sample_shape)) <= _KEPT_BYTES:
            self._kept = np.empty((len(source), *self.sample_shape), np.float32)

    def __len__(self) -> int:
        return len(self._source)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read denoised rows, in the order asked: float32 (b, *sample_shape)."""
        wanted = np.arange(len(self), dtype=np.int64)[rows]
        with self._lock:
            if self._kept is None:
                return self._denoiser.denoised(wanted, self.estimate.lam)
            new = np.unique(wanted[~self._done[wanted]])
            self._kept[new] = self._denoiser.denoised(new, self.estimate.lam)
            self._done[new] = True
            return self._kept[wanted]

    def look(self, row: int) -> Neighborhood:
        """Return what becomes of one pattern, and of what."""
        with self._lock:
            return self._denoiser.look(row, self.estimate.lam)

    def unlike(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return which share of the nearest neighbors hardly weighs, (b,); NaN without any."""
        with self._lock:
            apart = self._denoiser.distances(rows, 1)
        there = np.isfinite(apart)
        with np.errstate(invalid="ignore"):
            far: NDArray[np.float64] = (there & (apart > _UNLIKE * self.estimate.lam**2)).sum(
                axis=1
            ) / there.sum(axis=1)
        return far

    def record(self) -> dict[str, Any]:
        """Return what is needed to compute the averages again, JSON-like."""
        return {"nlpar": self.reach, "nlpar_strength": self.strength, **asdict(self.estimate)}

    def fingerprint(self) -> str:
        """Return text that changes when the patterns change."""
        made = json.dumps([self._source.fingerprint(), self.record()], sort_keys=True)
        return f"nlpar:{hashlib.blake2b(made.encode(), digest_size=16).hexdigest()}"

    def close(self) -> None:
        """Do nothing: the source belongs to whoever opened it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def denoised(
    source: SampleSource,
    preparation: Preparation,
    *,
    recorded: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> SampleSource:
    """Return the samples that a preparation is applied to: as they are, or denoised.

    Parameters
    ----------
    recorded : Mapping, optional
        What `DenoisedSamples.record` returned for these samples. Without it, or where it was for
        another window or strength, noise and λ are found anew.
    """
    reach, strength = int(preparation.step("nlpar")), str(preparation.step("nlpar_strength"))
    if reach == 0 or is_denoised(source, preparation):
        return source
    return DenoisedSamples(
        source, reach, strength, estimate=_estimate(recorded, strength), progress=progress
    )


def is_denoised(source: SampleSource, preparation: Preparation) -> bool:
    """Tell whether samples are averages as a preparation wants them, if it does."""
    wanted = preparation.step("nlpar"), preparation.step("nlpar_strength")
    if isinstance(source, DenoisedSamples):
        return (source.reach, source.strength) == wanted
    return wanted[0] == 0


def denoising_record(source: SampleSource) -> dict[str, Any]:
    """Return what is recorded of samples: ``denoising`` where they were denoised, or nothing."""
    return {"denoising": source.record()} if isinstance(source, DenoisedSamples) else {}


def pixels_of(source: SampleSource) -> np.dtype[np.generic]:
    """Return the type of the file's pixels, whose range a preparation may want to know."""
    return source.pixels if isinstance(source, DenoisedSamples) else source.dtype


def _estimate(recorded: Mapping[str, Any] | None, strength: str) -> NoiseEstimate | None:
    """Read a record; λ belongs to its strength, but to no window."""
    if recorded is None or recorded.get("nlpar_strength") != strength:
        return None
    try:
        lam, noise, saturation = (float(recorded[key]) for key in ("lam", "noise", "saturation"))
        found = NoiseEstimate(lam, noise, saturation, int(recorded["n_points"]))
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.lam > 0 else None
