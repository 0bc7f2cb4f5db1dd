"""Which samples a probe learns from, and which it is tested on.

Neighboring points of a scan are alike: a random split puts a point's neighbors on the other
side, so that a probe need only remember. A blocked split keeps whole squares of the scan together.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_seed
from latentcore.containers import Partitions, ScanGrid
from latentcore.errors import RequestError

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BLOCKS_ALONG = 8


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test samples.

    Attributes
    ----------
    kind : str
        ``"given"``, ``"stratified"`` or ``"blocked"``.
    train, test : ndarray of bool, shape (n,)
        A sample may be in neither.
    parameters : Mapping
        Everything that changes it.
    notes : tuple of str
        What one should know before trusting figures from it.
    """

    kind: str
    train: Mask
    test: Mask
    parameters: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def given_split(labels: Labels, partition: Partitions | None, name: str) -> Split:
    """Test on one partition and learn from all others.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        −1 takes no part.
    partition : Partitions or None
    name : str
        The partition to test on.

    Raises
    ------
    RequestError
        If there is no such partition, or no labeled sample on one of the sides.
    """
    present = [] if partition is None else sorted(partition.names)
    if partition is None or name not in present:
        has = f"the partitions {', '.join(present)}" if present else "no partitions"
        message = f"The partition {name!r} was to be the test set, but the latents have {has}. " + (
            "Name one of these." if present else "Leave ⟨split⟩ out."
        )
        raise RequestError(message)
    labeled, test = labels >= 0, partition.mask([name])
    split = Split("given", labeled & ~test, labeled & test, {"test": name})
    for side, mask in (("to learn from", split.train), ("to be tested on", split.test)):
        if not mask.any():
            message = (
                f"With {name!r} as the test set there is no labeled sample {side}. "
                "Choose another partition, or leave ⟨split⟩ out."
            )
            raise RequestError(message)
    return split


def stratified_split(labels: Labels, fraction: float, seed: int) -> Split:
    """Draw test samples at random, of each class the same fraction.

    It is scikit-learn's ``train_test_split`` of the labeled rows, in their order.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        −1 takes no part; two samples of each class at least.
    fraction : float
        Of the labeled samples, between 0 and 1.

    Raises
    ------
    RequestError
        If the fraction leaves a class without a sample on one of the sides.
    """
    from sklearn.model_selection import train_test_split

    _check(fraction, seed)
    rows = np.flatnonzero(labels >= 0)
    try:
        train, test = train_test_split(
            rows, test_size=fraction, random_state=seed, stratify=labels[rows]
        )
    except ValueError as error:
        message = (
            f"A test fraction of {fraction:g} of {len(rows)} labeled samples can't hold every "
            f"class: {error} Choose another fraction, or leave rare classes out."
        )
        raise RequestError(message) from error
    parameters = {"test_fraction": fraction, "seed": seed}
    return Split("stratified", _mask(labels, train), _mask(labels, test), parameters)


def blocked_split(
    labels: Labels, grid: ScanGrid | None, fraction: float, seed: int, block: int | None = None
) -> Split:
    """Draw whole squares of the scan, so that the classes' shares are as alike as they can be.

    The squares are dealt into 1 / fraction groups by scikit-learn's ``StratifiedGroupKFold``; the
    first group is tested on. The share that is tested is therefore near `fraction`, not equal.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        −1 takes no part.
    block : int, optional
        Nodes along a square's side; by default an eighth of the labeled area's.

    Raises
    ------
    RequestError
        If there is no grid, or too few squares.
    """
    return next(blocked_folds(labels, grid, fraction, seed, block))


def blocked_folds(
    labels: Labels, grid: ScanGrid | None, fraction: float, seed: int, block: int | None = None
) -> Iterator[Split]:
    """Yield the splits that test each group of squares in turn; see `blocked_split`."""
    from sklearn.model_selection import StratifiedGroupKFold

    _check(fraction, seed)
    rows = np.flatnonzero(labels >= 0)
    squares, side = squares_of(labels, grid, block)
    groups = squares[rows]
    parts = max(2, round(1 / min(fraction, 1 - fraction)))
    if len(np.unique(groups)) < parts:
        message = (
            f"Blocks of {side} × {side} points cut the scan into {len(np.unique(groups))} squares, "
            f"but {parts} are needed for a test fraction of {fraction:g}. Choose smaller blocks."
        )
        raise RequestError(message)
    folds = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
    parameters = {"test_fraction": fraction, "seed": seed, "block": side}
    with warnings.catch_warnings():
        # A class of fewer samples than groups can't be in each; the report says where it is.
        warnings.simplefilter("ignore", UserWarning)
        try:
            dealt = list(folds.split(rows, labels[rows], groups))
        except ValueError as error:
            message = f"The scan can't be split by place: {error} Split at random."
            raise RequestError(message) from error
    for rest, first in dealt:
        train, test = (rest, first) if fraction <= 0.5 else (first, rest)
        train_mask, test_mask = (_mask(labels, rows[chosen]) for chosen in (train, test))
        yield Split("blocked", train_mask, test_mask, parameters)


def squares_of(
    labels: Labels, grid: ScanGrid | None, block: int | None = None
) -> tuple[NDArray[np.int64], int]:
    """Return the square of the scan that each labeled sample lies in, and a square's side.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of the square; −1 where there is no label.
    int
        In nodes of the grid.

    Raises
    ------
    RequestError
        If there is no grid, or the side is below 1.
    """
    if grid is None:
        message = (
            "The latents have no coordinates, so they can't be split by place. Split at random."
        )
        raise RequestError(message)
    if block is not None and block < 1:
        message = f"Blocks of {block} × {block} points hold nothing. Give at least 1."
        raise RequestError(message)
    labeled = labels >= 0
    side = block or _usual_side(grid.row[labeled], grid.col[labeled])
    across = math.ceil(grid.shape[1] / side)
    squares = grid.row.astype(np.int64) // side * across + grid.col // side
    return np.where(labeled, squares, -1), side


def stratified_folds(labels: Labels, fraction: float, seed: int) -> Iterator[Split]:
    """Yield random splits of each class that test every labeled sample once.

    Raises
    ------
    RequestError
        If a class has fewer samples than there are splits.
    """
    from sklearn.model_selection import StratifiedKFold

    _check(fraction, seed)
    rows = np.flatnonzero(labels >= 0)
    parts = max(2, round(1 / min(fraction, 1 - fraction)))
    fewest = int(np.unique(labels[rows], return_counts=True)[1].min()) if len(rows) else 0
    if fewest < parts:
        message = (
            f"A class has {fewest} labeled samples, but each needs {parts}, one to be tested in "
            "every part. Label more of it."
        )
        raise RequestError(message)
    folds = StratifiedKFold(n_splits=parts, shuffle=True, random_state=seed)
    for train, test in folds.split(rows, labels[rows]):
        train_mask, test_mask = (_mask(labels, rows[chosen]) for chosen in (train, test))
        yield Split("stratified", train_mask, test_mask, {"test_fraction": fraction, "seed": seed})


def _usual_side(row: NDArray[np.int32], col: NDArray[np.int32]) -> int:
    rows, columns = (int(np.ptp(index)) + 1 for index in (row, col))
    return max(1, math.ceil(math.sqrt(rows * columns) / _BLOCKS_ALONG))


def _check(fraction: float, seed: int) -> None:
    check_seed(seed)
    if not 0 < fraction < 1:
        message = f"The test fraction must lie between 0 and 1, but is {fraction:g}."
        raise RequestError(message)


def _mask(labels: Labels, rows: NDArray[np.integer]) -> Mask:
    mask = np.zeros(len(labels), np.bool_)
    mask[rows] = True
    return mask
