"""The order of a reference's values and of a latent's, ties included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIGN = np.uint32(0x8000_0000)


@dataclass(frozen=True, eq=False)
class ReferenceOrder:
    """The reference, sorted; found once for all dimensions.

    Attributes
    ----------
    place : ndarray of uint64, shape (m,)
        Where each point comes when points are sorted by the reference, ties by row.
    values : ndarray of float64, shape (m,)
        The reference in that order.
    level : ndarray of int32, shape (m,)
        In that order, how many different smaller values there are.
    starts : ndarray of int64, shape (levels + 1,)
        Where each level starts in that order; the last is m.
    """

    place: NDArray[np.uint64]
    values: NDArray[np.float64]
    level: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, reference: NDArray[np.float64]) -> ReferenceOrder:
        """Sort a finite reference."""
        m = len(reference)
        order = np.argsort(reference, kind="stable")
        place = np.empty(m, np.uint64)
        place[order] = np.arange(m, dtype=np.uint64)
        values = reference[order]
        new = np.concatenate([[True], np.diff(values) > 0])
        return cls(
            place,
            values,
            np.cumsum(new, dtype=np.int32) - np.int32(1),
            np.append(np.flatnonzero(new), m).astype(np.int64),
        )

    @property
    def ties(self) -> float:
        """Number of pairs of points with the same value."""
        counts = np.diff(self.starts).astype(np.float64)
        return float((counts * (counts - 1) / 2).sum())

    @property
    def ranks(self) -> NDArray[np.float64]:
        """Mean ranks, from 1, in the order of `values`; shape (m,)."""
        mean = (self.starts[:-1] + self.starts[1:] + 1) / 2
        ranks: NDArray[np.float64] = mean[self.level]
        return ranks


def sorted_by_latent(
    latents: NDArray[np.float32], order: ReferenceOrder
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Sort points by latent, equal ones by the reference.

    The bits of a float32, the sign turned, sort as the number does; with the place in the order
    of the reference below them they make one 64-bit number, which numpy sorts on vector units,
    far quicker than it finds an order of floats.

    Parameters
    ----------
    latents : ndarray of float32, shape (d, m)
        Finite.

    Returns
    -------
    values : ndarray of float32, shape (d, m)
        Each row ascending.
    places : ndarray of uint32, shape (d, m)
        Place in the order of the reference of each of these values.
    """
    bits = (latents + np.float32(0)).view(np.uint32)  # -0 becomes 0: they tie
    negative = bits.view(np.int32) >> 31
    keys = (bits ^ (negative.view(np.uint32) | _SIGN)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= order.place
    keys.sort(axis=1)
    top = (keys >> np.uint64(32)).astype(np.uint32)
    positive = (~top).view(np.int32) >> 31
    values = (top ^ (positive.view(np.uint32) | _SIGN)).view(np.float32)
    return values, keys.astype(np.uint32)


def near_one(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values times the power of two that brings the largest near 1.

    That rounds nothing, and keeps squares and sums from overflowing or vanishing.
    """
    _, exponent = np.frexp(np.abs(values).max())
    scaled: NDArray[np.float64] = np.ldexp(values, -exponent)
    return scaled
