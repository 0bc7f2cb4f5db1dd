"""How much of each partition, such as each scan of a collection, a selection holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Partitions

_MOST = 50
_Z = 1.959963984540054  # of 95 %


@dataclass(frozen=True)
class PartitionShare:
    """A selection's part of one partition.

    Attributes
    ----------
    name : str
    n : int
        Selected points of the partition.
    of_partition : float
        n / number of the partition's points in the ROI; NaN where it has none there.
    interval : tuple of float
        Of that share, 95 %, by Wilson's score. It takes points as independent, which neighbors on
        a scan are not: the narrowest it could be.
    """

    name: str
    n: int
    of_partition: float
    interval: tuple[float, float]


def comparable(partition: Partitions | None) -> Partitions | None:
    """Return the partitions of samples; None where there are not 2 to 50 of them."""
    return partition if partition is not None and 2 <= len(partition.names) <= _MOST else None


def partition_shares(
    partitions: Partitions, inside: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> tuple[PartitionShare, ...]:
    """Return how much of each partition a selection inside of the ROI holds.

    Parameters
    ----------
    inside, mask : ndarray of bool, shape (n,)

    Source
    ------
    Wilson, *J. Am. Stat. Assoc.* 22 (1927) 209.
    """
    counts = zip(
        partitions.names,
        partitions.count(mask & inside).tolist(),
        partitions.count(inside).tolist(),
        strict=True,
    )
    return tuple(
        PartitionShare(name, n, n / total if total else float("nan"), wilson_interval(n, total))
        for name, n, total in counts
    )


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of k among n independent samples; NaN of none."""
    if not n:
        return float("nan"), float("nan")
    share, square = k / n, _Z**2 / n
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * np.sqrt(share * (1 - share) / n + square / n / 4)
    # At the ends the bound is the end itself, but for rounding.
    low, high = float(middle - half), float(middle + half)
    return (0.0 if k == 0 else low), (1.0 if k == n else high)
