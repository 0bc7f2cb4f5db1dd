"""Which pure patterns a neighborhood holds, and how much of each is in its middle.

A pattern recorded across a boundary is a mixture of those of both sides. As in the spectral
unmixing of remote sensing, the pure ones are the corners of what a neighborhood's patterns span:
each is as far as possible from the flat through those before it (successive projections:
M. C. U. Araújo et al., *Chemom. Intell. Lab. Syst.* 57 (2001) 65). A pattern's coordinates between
the corners are its shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Of the mean square of the edges: corners that almost lie on one line still give shares.
_RIDGE = np.float32(1e-3)
# Where the shares of a corner sum up to less, it is left as it was found.
_NOBODY = 1e-3


@dataclass(frozen=True)
class UnmixingSettings:
    """Numbers of the unmixing; none has to do with noise, size or material of a scan.

    Attributes
    ----------
    reach : int
        Half-width of the neighborhood, in scan steps.
    corners : int
        Most pure patterns in it: where three grains meet at a pore there are four.
    purity : float
        Power of the share with which a point counts for its corner's pattern.
    near : float
        Points count for a corner by a Gaussian of their distance from the middle, of this s.d. in
        scan steps: the lattice bends within a grain.
    blur : float
        So for the shares, which are averaged about the middle: a boundary is longer than a step.
    hardness : float
        How much more the larger share counts: e to its power for a difference of 1.
    """

    reach: int = 2
    corners: int = 4
    purity: float = 6.0
    near: float = 2.0
    blur: float = 0.6
    hardness: float = 15.0


def unmixed(
    scores: Floats, cleaned: Floats, near: NDArray[np.int64], squares: Floats, apart: float,
    settings: UnmixingSettings,
) -> tuple[Floats, NDArray[np.int64]]:  # fmt: skip
    """Return what most of each neighborhood's middle is made of.

    Parameters
    ----------
    scores : ndarray of float32, shape (n, k)
        Of the patterns as they are.
    cleaned : ndarray of float32, shape (n, k)
        The same with less noise: corners are looked for here, or the noisiest would be.
    near : ndarray of int64, shape (b, w)
        Rows of each neighborhood, −1 for none, its middle in the middle.
    apart : float
        A corner lies at least so far from the flat through the others.

    Returns
    -------
    ndarray of float32, shape (b, k)
        The pure pattern of the largest share; between two where their shares are alike.
    ndarray of int64, shape (b,)
        How many corners were found.
    """
    there = near >= 0
    corners, found = _corners(cleaned[near], there, apart, settings.corners)
    weights = _shares(corners, found, cleaned[near]) ** settings.purity
    weights *= (np.exp(squares / (-2 * settings.near**2)) * there)[:, :, None]
    corners = _refined(corners, weights, scores[near])
    place = (np.exp(squares / (-2 * settings.blur**2)) * there)[:, :, None]
    shares = (_shares(corners, found, scores[near]) * place).sum(axis=1) / place.sum(axis=1)
    decided = np.where(found, np.exp(settings.hardness * (shares - 1)), 0)
    decided /= decided.sum(axis=1, keepdims=True)
    values: Floats = np.einsum("bm,bmk->bk", decided, corners).astype(np.float32)
    return values, found.sum(axis=1)


def _corners(
    values: Floats, there: NDArray[np.bool_], apart: float, most: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return up to `most` corners of each neighborhood, (b, m, k), and which were found."""
    rows = np.arange(len(values))
    middle = values[:, values.shape[1] // 2]
    rest = values - middle[:, None]
    corners, found = [], []
    for number in range(most):
        squares = np.where(there, np.square(rest).sum(axis=2), -1)
        farthest = squares.argmax(axis=1)
        far = squares[rows, farthest] > apart * apart if number else np.ones(len(rows), np.bool_)
        corners.append(values[rows, farthest])
        found.append(far)
        if number == 0:
            rest = values - corners[0][:, None]
            continue
        edge = rest[rows, farthest]
        edge = edge / np.maximum(np.linalg.norm(edge, axis=1, keepdims=True), 1e-12)
        edge = edge * far[:, None]
        rest = rest - np.einsum("bwk,bk->bw", rest, edge)[:, :, None] * edge[:, None]
    return np.stack(corners, axis=1), np.stack(found, axis=1)


def _shares(corners: Floats, found: NDArray[np.bool_], values: Floats) -> Floats:
    """Return the shares of the corners in each value, from 0 to 1, their sum 1: (b, w, m)."""
    edges = (corners[:, 1:] - corners[:, :1]) * found[:, 1:, None]
    products = np.einsum("bmk,bnk->bmn", edges, edges)
    size = np.maximum(np.einsum("bmm->b", products) / edges.shape[1], 1e-12)
    # A corner that wasn't found has no edge: any number makes its row solvable, its share is 0.
    extra = _RIDGE + ~found[:, 1:]
    products += (size[:, None] * extra)[:, :, None] * np.eye(edges.shape[1], dtype=np.float32)
    along = np.einsum("bmk,bwk->bmw", edges, values - corners[:, :1])
    others = np.linalg.solve(products, along).transpose(0, 2, 1)
    first = 1 - others.sum(axis=2, keepdims=True)
    shares = np.clip(np.concatenate([first, others], axis=2), 0, 1)
    shares /= np.maximum(shares.sum(axis=2, keepdims=True), 1e-6)
    return np.asarray(shares * found[:, None], np.float32)


def _refined(corners: Floats, weights: Floats, values: Floats) -> Floats:
    """Return each corner as the average of what is almost it, free of most noise."""
    total = weights.sum(axis=1)[:, :, None]
    averages = np.einsum("bwm,bwk->bmk", weights, values) / np.maximum(total, 1e-12)
    return np.where(total > _NOBODY, averages, corners).astype(np.float32)
