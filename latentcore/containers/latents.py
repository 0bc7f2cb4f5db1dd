"""Latent vectors of a set of samples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.lazy import is_later, later, lazy_fields, some_of, unmade
from latentcore.containers.partitions import Partitions
from latentcore.containers.provenance import Provenance
from latentcore.containers.samples import SourceRef
from latentcore.containers.stored_matrix import StoredMatrix
from latentcore.errors import RequestError, ShapeError

_BLOCK_VALUES = 1 << 20
_FOLD = 64
# Columns read from a file that are kept in memory; those of 20 million rows take 80 MB each.
_MOST_COLUMNS = 6
_THREADS = 2

T = TypeVar("T")


def default_sample_ids(n: int) -> NDArray[np.str_]:
    """Return the row numbers as text: the ids of samples that have no others."""
    return _numbers(np.arange(n), n)


def later_sample_ids(n: int) -> NDArray[np.str_]:
    """Return `default_sample_ids` for a lazy field."""
    return later(lambda: default_sample_ids(n), lambda rows: _numbers(rows, n))


def _numbers(rows: NDArray[np.integer], n: int) -> NDArray[np.str_]:
    return rows.astype(f"U{len(str(max(0, n - 1)))}")


@lazy_fields("values", "sample_ids", "fingerprint")
@dataclass(frozen=True, eq=False)
class LatentSet:
    """n latent vectors of d dimensions.

    Attributes
    ----------
    values : ndarray of float32, shape (n, d)
        A NaN row was not encoded. Those of a large file are read when somebody asks for them:
        `blocks`, `rows` and `dimension` need less memory.
    sample_ids : ndarray of str, shape (n,)
    dims : ndarray of int32, shape (d,)
        Which of the model's latent dimensions the columns are: a file may hold only some.
    partition : Partitions or None
    labels : ndarray of int32, shape (n,), or None
        Which class each sample is of.
    targets : ndarray of float64, shape (n,) or (n, k), or None
        Measured values that belong to each sample, where they are no classes: NaN where there
        is none.
    ref : SourceRef or None
        Where it was read from.
    fingerprint : str
        Changes when the content changes. That of a large file may still be computed by a thread.
    provenance : Provenance or None
        How it was made, where that is known.
    stored : StoredMatrix or None
        The same as `values`, where they stay in their file.
    """

    values: NDArray[np.float32]
    sample_ids: NDArray[np.str_]
    dims: NDArray[np.int32]
    grid: ScanGrid | None = None
    partition: Partitions | None = None
    labels: NDArray[np.int32] | None = None
    targets: NDArray[np.float64] | None = None
    ref: SourceRef | None = None
    fingerprint: str = ""
    provenance: Provenance | None = None
    stored: StoredMatrix | None = None

    def __post_init__(self) -> None:
        if self.stored is None and (self.values.ndim != 2 or self.values.dtype != np.float32):
            message = (
                f"Latents must be float32 of shape (n, d), but are {self.values.dtype} of shape "
                f"{self.values.shape}."
            )
            raise ShapeError(message)
        n, d = self.shape
        for name, got, want in (
            ("sample_ids", n if is_later(self, "sample_ids") else len(self.sample_ids), n),
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
        return self.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        n, d = self.values.shape if self.stored is None else self.stored.shape
        return n, d

    @cached_property
    def encoded(self) -> NDArray[np.bool_]:
        """Which samples have a latent (all dimensions finite), shape (n,)."""
        if "_moments" in vars(self):
            return self._moments[0]
        encoded = np.empty(len(self), np.bool_)
        for rows, values in self.blocks():
            encoded[rows] = _finite_rows(values)
        encoded.setflags(write=False)  # shared by all who ask
        return encoded

    @cached_property
    def partly_encoded(self) -> NDArray[np.bool_]:
        """Which samples have a finite value in some dimension, shape (n,)."""
        found = np.empty(len(self), np.bool_)
        for rows, values in self.blocks():
            found[rows] = np.isfinite(values.sum()) or np.isfinite(values).any(axis=1)
        found.setflags(write=False)  # shared by all who ask
        return found

    @cached_property
    def spreads(self) -> NDArray[np.float64]:
        """Standard deviation of each dimension over the encoded samples, 0 of none, shape (d,)."""
        n, squares = self._moments[1:]
        return np.sqrt(squares / max(1, n))

    @cached_property
    def _moments(self) -> tuple[NDArray[np.bool_], int, NDArray[np.float64]]:
        """Which samples have a latent, how many, and the sums of squares about their mean (d,).

        A large file is read once for all three, by two threads.
        """
        encoded = np.empty(len(self), np.bool_)

        def of(part: slice) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
            values = self._block(part)
            encoded[part] = present = _finite_rows(values)
            own = (values if present.all() else values[present]).astype(np.float64)
            middle = _sums(own) / max(1, len(own))
            own -= middle
            return len(own), middle, np.einsum("ij,ij->j", own, own)

        n, mean, squares = 0, np.zeros(self.shape[1]), np.zeros(self.shape[1])
        for m, middle, own_squares in self._worked(of, self._parts()):
            if m == 0:
                continue
            # Blocks are joined as by Chan, Golub and LeVeque, *Am. Stat.* 37 (1983) 242.
            shift = middle - mean
            squares += own_squares + shift**2 * (n * m / (n + m))
            mean += shift * (m / (n + m))
            n += m
        encoded.setflags(write=False)  # shared by all who ask
        return encoded, n, squares

    @property
    def varying(self) -> NDArray[np.bool_]:
        """Which dimensions have two different finite values, shape (d,)."""
        low = np.full(self.shape[1], np.inf, np.float32)
        high = -low
        for _, values in self.blocks():
            finite = np.isfinite(values)
            low = np.minimum(low, values.min(axis=0, initial=np.inf, where=finite))
            high = np.maximum(high, values.max(axis=0, initial=-np.inf, where=finite))
            if (low < high).all():
                break  # most often after the first piece of a large file
        return np.asarray(low < high)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield all values, piece by piece: which rows, and their latents (b, d)."""
        for rows in self._parts():
            yield rows, self._block(rows)

    def _parts(self) -> Iterator[slice]:
        n, d = self.shape
        step = max(1, _BLOCK_VALUES // max(1, d))
        return (slice(start, min(n, start + step)) for start in range(0, n, step))

    def _block(self, rows: slice) -> NDArray[np.float32]:
        return self.values[rows] if self.stored is None else self.stored.read(rows)

    def _worked(self, work: Callable[[slice], T], parts: Iterable[slice]) -> Iterator[T]:
        """Yield what is worked out of each part, in their order; of a file, two at a time."""
        if self.stored is None:
            yield from map(work, parts)
            return
        with ThreadPoolExecutor(_THREADS) as pool:
            yield from pool.map(work, parts)

    def blocks_of(self, dims: Sequence[int]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield the values of some dimensions, piece by piece: a file is read once for all.

        Raises
        ------
        RequestError
            If the set doesn't hold one of them.
        """
        places = [self._place(dim) for dim in dims]
        for rows, values in self.blocks():
            yield rows, values[:, places]

    def rows(self, wanted: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the latents of some samples by their numbers, shape (m, d), in that order."""
        if self.stored is None:
            return np.asarray(self.values[wanted])
        found = np.empty((len(wanted), self.shape[1]), np.float32)
        order = np.argsort(wanted, kind="stable")
        ascending = np.asarray(wanted)[order]
        step = max(1, _BLOCK_VALUES // max(1, self.shape[1]))

        def near() -> Iterator[slice]:
            first = 0
            while first < len(order):
                end = int(np.searchsorted(ascending, ascending[first] + step))
                yield slice(first, end)
                first = end

        def read(part: slice) -> None:
            low, high = int(ascending[part.start]), int(ascending[part.stop - 1])
            found[order[part]] = self._block(slice(low, high + 1))[ascending[part] - low]

        list(self._worked(read, near()))
        return found

    def ids_of(self, wanted: NDArray[np.integer]) -> NDArray[np.str_]:
        """Return the ids of some samples by their numbers, shape (m,), in that order."""
        return some_of(self, "sample_ids", wanted)

    @cached_property
    def _columns(self) -> OrderedDict[int, NDArray[np.float32]]:
        return OrderedDict()

    def dimension(self, dim: int) -> NDArray[np.float32]:
        """Return the values of one of the model's latent dimensions, shape (n,).

        Raises
        ------
        RequestError
            If the set doesn't hold that dimension.
        """
        place = self._place(dim)
        if self.stored is None:
            return self.values[:, place]
        known = self._columns.pop(place, None)
        column = np.empty(len(self), np.float32) if known is None else known

        def read(rows: slice) -> None:
            column[rows] = self._block(rows)[:, place]

        if known is None:
            list(self._worked(read, self._parts()))
        self._columns[place] = column
        while len(self._columns) > _MOST_COLUMNS:
            self._columns.popitem(last=False)
        return column

    def _place(self, dim: int) -> int:
        found = np.flatnonzero(self.dims == dim)
        if len(found) == 0:
            message = (
                f"Latent dimension {dim} was asked for, but the latents hold {self._dims_text()}."
            )
            raise RequestError(message)
        return int(found[0])

    def with_dims(self, dims: Sequence[int]) -> LatentSet:
        """Return the same, where the columns are other dimensions than the file could say."""
        kept = unmade(self, "values", "sample_ids", "fingerprint")
        return replace(self, **kept, dims=np.array(dims, np.int32))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> LatentSet:
        """Return some of the samples, in the order given."""
        chosen: Any = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            values=self.rows(chosen),
            stored=None,
            sample_ids=self.sample_ids[chosen] if self.stored is None else self._later_ids(chosen),
            grid=None if self.grid is None else self.grid.take(rows),
            partition=None if self.partition is None else self.partition.take(rows),
            labels=None if self.labels is None else self.labels[rows],
            targets=None if self.targets is None else self.targets[rows],
        )

    def _later_ids(self, rows: NDArray[np.integer]) -> NDArray[np.str_]:
        return later(lambda: self.ids_of(rows), lambda wanted: self.ids_of(rows[wanted]))

    def _dims_text(self) -> str:
        return _ranges(sorted(int(dim) for dim in self.dims))


def _finite_rows(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    # The sum is finite only where all are, and far faster.
    if np.isfinite(values.sum()):
        return np.ones(len(values), np.bool_)
    return np.asarray(np.isfinite(values).all(axis=1))


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of each column; NumPy's own is slow where columns are few."""
    n, d = values.shape
    whole = n // _FOLD * _FOLD
    folded = values[:whole].reshape(-1, _FOLD * d).sum(axis=0).reshape(_FOLD, d).sum(axis=0)
    return np.asarray(folded + values[whole:].sum(axis=0))


def _ranges(numbers: Sequence[int]) -> str:
    """Write sorted numbers with runs joined: 0–15, 40, 371."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
