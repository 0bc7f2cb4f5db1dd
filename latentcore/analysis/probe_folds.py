"""How labeled samples are dealt into folds, so that each is tested on once.

What belongs together is never divided: squares of a scan, or groups that somebody names (scans,
files, specimens). Samples of one group are alike, and a probe would only have to remember them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_seed
from latentcore.analysis.probe_splits import Split, blocked_folds, squares_of, stratified_folds
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError

Labels = NDArray[np.int64]

_MOST_FOLDS = 50


@dataclass(frozen=True, eq=False)
class Folds:
    """Splits that test every labeled sample once.

    Attributes
    ----------
    splits : tuple of Split
    names : tuple of str
        What each one tests.
    groups : ndarray of int64, shape (n,)
        What is never divided: number of the square or group, or of the sample itself; −1 where
        a sample takes no part.
    parameters : Mapping
        Everything that changes them.
    """

    kind: str
    splits: tuple[Split, ...]
    names: tuple[str, ...]
    groups: NDArray[np.int64]
    parameters: Mapping[str, object]


def folds_by_place(
    labels: Labels, grid: ScanGrid | None, n_folds: int, seed: int, block: int | None = None
) -> Folds:
    """Deal whole squares of the scan into folds; see `latentcore.analysis.probe_splits`."""
    _check_number(n_folds)
    groups, side = squares_of(labels, grid, block)
    splits = _filled(blocked_folds(labels, grid, 1 / n_folds, seed, block))
    parameters = {"n_folds": n_folds, "seed": seed, "block": side}
    return Folds("blocked", splits, _numbered(splits), groups, parameters)


def folds_at_random(labels: Labels, n_folds: int, seed: int) -> Folds:
    """Deal samples into folds at random, of each class alike."""
    _check_number(n_folds)
    splits = tuple(stratified_folds(labels, 1 / n_folds, seed))
    groups = np.where(labels >= 0, np.arange(len(labels)), -1)
    parameters = {"n_folds": n_folds, "seed": seed}
    return Folds("stratified", splits, _numbered(splits), groups, parameters)


def folds_of_groups(
    labels: Labels,
    groups: NDArray[np.int64],
    names: Mapping[int, str],
    n_folds: int | None,
    seed: int,
) -> Folds:
    """Deal whole groups into folds; without a number of folds each group is one.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        −1 takes no part.
    groups : ndarray of int64, shape (n,)
        −1 where a sample is in none; it takes no part then.
    names : Mapping of int to str
        Of the groups.
    n_folds : int, optional
        The groups are dealt so that the classes' shares are as alike as they can be
        (scikit-learn's ``StratifiedGroupKFold``).

    Raises
    ------
    RequestError
        If there are fewer groups than folds, or more than 50 folds.
    """
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

    check_seed(seed)
    rows = np.flatnonzero((labels >= 0) & (groups >= 0))
    present = np.unique(groups[rows]).tolist()
    if len(present) < max(2, n_folds or 0):
        message = (
            f"Labeled samples lie in {len(present)} groups, but {max(2, n_folds or 0)} are needed. "
            "Name other groups, or fewer folds."
        )
        raise RequestError(message)
    alone = n_folds is None or n_folds == len(present)
    _check_number(len(present) if n_folds is None else n_folds)
    if alone:
        dealt = list(LeaveOneGroupOut().split(rows, labels[rows], groups[rows]))
    else:
        made = StratifiedGroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # A class of fewer samples than folds can't be in each.
            warnings.simplefilter("ignore", UserWarning)
            dealt = list(made.split(rows, labels[rows], groups[rows]))
    splits = _filled(_split(len(labels), rows[train], rows[test]) for train, test in dealt)
    called = tuple(names[code] for code in present) if alone else _numbered(splits)
    taking_part = np.full(len(labels), -1, np.int64)
    taking_part[rows] = groups[rows]
    parameters = {"n_folds": len(splits), "seed": seed, "n_groups": len(present)}
    return Folds("groups", splits, called, taking_part, parameters)


def exchanged_labels(labels: Labels, groups: NDArray[np.int64], seed: int) -> Labels:
    """Exchange the labels of whole groups, so that neighbors keep labels that are alike.

    The labels of each group stay together and in order; the groups' labels are laid out again in
    a random order of the groups. Where groups differ in size, what is laid out moves across their
    borders. If each sample is its own group, this is a permutation of the labels.
    """
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    drawn = np.random.default_rng(seed).permutation(len(parts))
    exchanged = np.full_like(labels, -1)
    exchanged[order] = labels[np.concatenate([parts[place] for place in drawn])]
    return exchanged


def arrangements(groups: NDArray[np.int64]) -> float:
    """Return in how many ways groups can be exchanged; infinite where it is very many."""
    n = len(np.unique(groups[groups >= 0]))
    return float(math.factorial(n)) if n < 20 else math.inf


def _split(n: int, train: NDArray[np.int64], test: NDArray[np.int64]) -> Split:
    masks = np.zeros((2, n), np.bool_)
    masks[0, train] = masks[1, test] = True
    return Split("groups", masks[0], masks[1])


def _filled(splits: Iterable[Split]) -> tuple[Split, ...]:
    """Return the splits that test something: one huge group may leave a fold empty."""
    return tuple(split for split in splits if split.test.any())


def _numbered(splits: tuple[Split, ...]) -> tuple[str, ...]:
    return tuple(f"fold {number + 1}" for number in range(len(splits)))


def _check_number(n_folds: int) -> None:
    if not 2 <= n_folds <= _MOST_FOLDS:
        message = (
            f"{n_folds} folds were asked for, but there can be 2 to {_MOST_FOLDS}. "
            "Give another number of ⟨folds⟩."
        )
        raise RequestError(message)
