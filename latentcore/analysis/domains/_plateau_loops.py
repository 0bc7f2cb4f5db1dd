"""Compiled loop behind the plateau plot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled


@compiled
def large_parts(
    n: int, a: NDArray[np.int32], b: NDArray[np.int32], min_size: int
) -> NDArray[np.int32]:
    """Count the parts of `min_size` points and more after each merge, shape (k + 1,)."""
    parent = np.arange(n)
    size = np.ones(n, np.int64)
    counts = np.empty(len(a) + 1, np.int32)
    large = n if min_size <= 1 else 0
    counts[0] = large
    for k in range(len(a)):
        one, other = a[k], b[k]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        if size[one] < size[other]:
            one, other = other, one
        large -= int(size[one] >= min_size) + int(size[other] >= min_size)
        parent[other] = one
        size[one] += size[other]
        large += int(size[one] >= min_size)
        counts[k + 1] = large
    return counts
