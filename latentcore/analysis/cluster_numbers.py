"""Numbers, and so colors, that clusters keep when the ROI changes.

A method numbers its clusters anew for each set of points. Here they take the numbers of those
clusters of the whole scan, found by the same method on the same features, with which they share
most points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Clustering


def numbers_of(labels: NDArray[np.integer], reference: NDArray[np.integer]) -> dict[int, int]:
    """Return the number that each cluster takes from the reference cluster it overlaps with.

    The assignment is the one with the most common points (Kuhn, *Naval Research Logistics
    Quarterly* 2 (1955) 83); a cluster that is left over takes the next number that the reference
    has not. Noise takes no part.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        Of the same points.
    """
    from scipy.optimize import linear_sum_assignment

    own = np.unique(labels[labels >= 0])
    known = np.unique(reference[reference >= 0])
    both = (labels >= 0) & (reference >= 0)
    cell = np.searchsorted(own, labels[both]) * len(known)
    cell += np.searchsorted(known, reference[both])
    shared = np.bincount(cell, minlength=len(own) * len(known)).reshape(len(own), len(known))
    pairs = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    numbers = {int(own[a]): int(known[b]) for a, b in pairs if shared[a, b]}
    following = int(known.max(initial=-1)) + 1
    for label in map(int, own):
        if label not in numbers:
            numbers[label] = following
            following += 1
    return dict(sorted(numbers.items()))


def renumbered(clustering: Clustering, numbers: Mapping[int, int]) -> Clustering:
    """Return the same clusters by other numbers, which its parameters name from then on.

    Parameters
    ----------
    numbers : Mapping of int to int
        For each label its new one; those that are not named stay.
    """
    if all(label == number for label, number in numbers.items()):
        return clustering
    table = np.arange(-1, int(clustering.labels.max()) + 1, dtype=np.int32)
    for label, number in numbers.items():
        table[label + 1] = number
    parameters = {**clustering.parameters, "numbers": dict(numbers)}
    return replace(clustering, labels=table[clustering.labels + 1], parameters=parameters)
