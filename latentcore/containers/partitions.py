"""The partitions of samples, such as the scans of a collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Partitions:
    """Which partition each of n samples is of.

    Attributes
    ----------
    names : tuple of str
        In the order of their first samples.
    codes : ndarray of int32, shape (n,)
        The place of each sample's among the names: a name for each would be far larger.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def each(self) -> NDArray[np.str_]:
        """The name of each sample's, shape (n,)."""
        return np.array(self.names, np.str_)[self.codes]

    @property
    def alphabetical(self) -> Partitions:
        """The same with the names sorted."""
        order = np.argsort(self.names)
        names = tuple(self.names[place] for place in order)
        return Partitions(names, np.argsort(order).astype(np.int32)[self.codes])

    def mask(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Tell which samples are of one of some names, shape (n,)."""
        return np.isin(self.codes, [self.names.index(name) for name in names])

    def count(self, mask: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.int64]:
        """Count the samples of each partition, all or the chosen ones."""
        return np.bincount(self.codes[mask], minlength=len(self.names))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Partitions:
        """Return those of some samples, without names that none of them has."""
        codes = self.codes[rows]
        found, first, places = np.unique(codes, return_index=True, return_inverse=True)
        order = np.argsort(first)
        names = tuple(self.names[code] for code in found[order])
        return Partitions(names, np.argsort(order).astype(np.int32)[places])


def partitions_of(names: NDArray[np.str_] | None) -> Partitions | None:
    """Return the partitions of samples by the name of each, shape (n,); None of None."""
    if names is None:
        return None
    found, first, places = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Partitions(tuple(found[order].tolist()), np.argsort(order).astype(np.int32)[places])
