"""Latent vectors of a set of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.provenance import Provenance
from latentcore.containers.samples import SourceRef
from latentcore.errors import RequestError, ShapeError


def default_sample_ids(n: int) -> NDArray[np.str_]:
    """Return the row numbers as text: the ids of samples that have no others."""
    return np.arange(n).astype(np.str_)


@dataclass(frozen=True, eq=False)
class LatentSet:
    """n latent vectors of d dimensions.

    Attributes
    ----------
    values : ndarray of float32, shape (n, d)
        A NaN row was not encoded.
    sample_ids : ndarray of str, shape (n,)
    dims : ndarray of int32, shape (d,)
        Which of the model's latent dimensions the columns are: a file may hold only some.
    partition : ndarray of str, shape (n,), or None
    labels : ndarray of int32, shape (n,), or None
        Which class each sample is of.
    targets : ndarray of float64, shape (n,) or (n, k), or None
        Measured values that belong to each sample, where they are no classes: NaN where there
        is none.
    ref : SourceRef or None
        Where it was read from.
    fingerprint : str
        Changes when the content changes.
    provenance : Provenance or None
        How it was made, where that is known.
    """

    values: NDArray[np.float32]
    sample_ids: NDArray[np.str_]
    dims: NDArray[np.int32]
    grid: ScanGrid | None = None
    partition: NDArray[np.str_] | None = None
    labels: NDArray[np.int32] | None = None
    targets: NDArray[np.float64] | None = None
    ref: SourceRef | None = None
    fingerprint: str = ""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float32:
            message = (
                f"Latents must be float32 of shape (n, d), but are {self.values.dtype} of shape "
                f"{self.values.shape}."
            )
            raise ShapeError(message)
        n, d = self.values.shape
        for name, got, want in (
            ("sample_ids", len(self.sample_ids), n),
            ("dims", len(self.dims), d),
            ("grid", n if self.grid is None else len(self.grid), n),
            ("partition", n if self.partition is None else len(self.partition), n),
            ("labels", n if self.labels is None else len(self.labels), n),
            ("targets", n if self.targets is None else len(self.targets), n),
        ):
            if got != want:
                message = (
                    f"Latents of shape {(n, d)} can't go with {got} {name}; {want} are needed."
                )
                raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def encoded(self) -> NDArray[np.bool_]:
        """Which samples have a latent (all dimensions finite), shape (n,)."""
        encoded: NDArray[np.bool_] = np.asarray(np.isfinite(self.values).all(axis=1))
        return encoded

    def dimension(self, dim: int) -> NDArray[np.float32]:
        """Return the values of one of the model's latent dimensions, shape (n,).

        Raises
        ------
        RequestError
            If the set doesn't hold that dimension.
        """
        found = np.flatnonzero(self.dims == dim)
        if len(found) == 0:
            message = (
                f"Latent dimension {dim} was asked for, but the latents hold {self._dims_text()}."
            )
            raise RequestError(message)
        return self.values[:, found[0]]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> LatentSet:
        """Return some of the samples, in the order given."""
        return replace(
            self,
            values=self.values[rows],
            sample_ids=self.sample_ids[rows],
            grid=None if self.grid is None else self.grid.take(rows),
            partition=None if self.partition is None else self.partition[rows],
            labels=None if self.labels is None else self.labels[rows],
            targets=None if self.targets is None else self.targets[rows],
        )

    def _dims_text(self) -> str:
        return _ranges(sorted(int(dim) for dim in self.dims))


def _ranges(numbers: Sequence[int]) -> str:
    """Write sorted numbers with runs joined: 0–15, 40, 371."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
