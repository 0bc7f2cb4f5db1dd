"""The smallest angle between two orientations of a crystal, and the mean of many.

Two orientations q₁ and q₂ of one phase differ by the misorientation m = q₁⁻¹·q₂, seen from the
crystal. The disorientation is the smallest rotation angle of s·m over the proper rotations s of the
Laue group: 2 arccos max |Re(s·m)|. Those of the second crystal add nothing, as a trace doesn't know
the order of a product.

Sources: Mackenzie, Biometrika 45, 1958, doi:10.1093/biomet/45.1-2.229 (cubic); Heinz & Neumann,
Acta Cryst. A47, 1991, doi:10.1107/S0108767391006864 (all groups); Markley et al., J. Guidance,
Control and Dynamics 30, 2007, doi:10.2514/1.28949 (mean of quaternions).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.orientations.rotations import Quaternions, inverse, multiply

# Rows at a time: 24 products of each are in memory.
_BLOCK = 1 << 15
# A mean that turns by less than 5e-5° has settled.
_SETTLED = 1 - 1e-13
_MOST_ROUNDS = 20


def disorientation(
    first: Quaternions, second: Quaternions, group: Quaternions
) -> NDArray[np.float64]:
    """Return the disorientation angles of pairs.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n, 4)
    group : ndarray of float64, shape (g, 4)
        Of both crystals; see `proper_rotations`.

    Returns
    -------
    ndarray of float64, shape (n,)
        In degrees; NaN where an orientation is.
    """
    angles = np.empty(len(first))
    for start in range(0, len(first), _BLOCK):
        rows = slice(start, start + _BLOCK)
        largest = np.abs(group @ multiply(inverse(first[rows]), second[rows]).T).max(axis=0)
        angles[rows] = np.degrees(2 * np.arccos(np.minimum(largest, 1)))
    return angles


def mean_orientations(
    orientations: Quaternions, grains: NDArray[np.integer], count: int, group: Quaternions
) -> Quaternions:
    """Return the mean orientation of each grain.

    Each orientation is taken in its equivalent nearest to the grain's mean, which is that of the
    first point to begin with, until the mean settles. The mean of quaternions is the eigenvector
    of the largest eigenvalue of Σ q qᵀ, so that q and −q are one.

    Parameters
    ----------
    orientations : ndarray of float64, shape (n, 4)
        Finite.
    grains : ndarray of int, shape (n,)
        The grain of each, 0 … count − 1.
    group : ndarray of float64, shape (g, 4)

    Returns
    -------
    ndarray of float64, shape (count, 4)
        NaN for a grain without points.
    """
    means = np.full((count, 4), np.nan)
    present, first = np.unique(grains, return_index=True)
    means[present] = orientations[first]
    for _ in range(_MOST_ROUNDS):
        turned = _mean_of_nearest(orientations, grains, means, group)
        settled = np.abs((turned[present] * means[present]).sum(axis=1)).min(initial=1)
        means[present] = turned[present]
        if settled >= _SETTLED:
            break
    return means


def _mean_of_nearest(
    orientations: Quaternions,
    grains: NDArray[np.integer],
    means: Quaternions,
    group: Quaternions,
) -> Quaternions:
    count = len(means)
    rows, columns = np.triu_indices(4)
    sums = np.zeros((len(rows), count))
    for start in range(0, len(grains), _BLOCK):
        block = slice(start, start + _BLOCK)
        near = nearest(orientations[block], means[grains[block]], group)
        for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
            weights = near[:, row] * near[:, column]
            sums[place] += np.bincount(grains[block], weights, minlength=count)
    matrices = np.zeros((count, 4, 4))
    matrices[:, rows, columns] = matrices[:, columns, rows] = sums.T
    vectors: Quaternions = np.linalg.eigh(matrices)[1][:, :, -1]
    return vectors


def nearest(orientations: Quaternions, to: Quaternions, group: Quaternions) -> Quaternions:
    """Return of each orientation the equivalent that is nearest to another, shape (n, 4)."""
    # |Re((q·s)⁻¹·t)| = |s · (q⁻¹·t)| as vectors of four numbers.
    alike = group @ multiply(inverse(orientations), to).T
    return multiply(orientations, group[np.abs(alike).argmax(axis=0)])
