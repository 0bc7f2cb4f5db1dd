"""Ways to put samples into clusters, one file each.

A clusterer is a frozen dataclass. Its fields, declared with
`latentcore.analysis.parameters.parameter`, become the page's
widgets, the command line's options and the lines of the report; ``fit`` does the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import make_method
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.registry import Registry

__all__ = [
    "CLUSTERERS",
    "ClusterFit",
    "Clusterer",
    "make_clusterer",
]


@dataclass(frozen=True, eq=False)
class ClusterFit:
    """What a clusterer found.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        0, 1, …; -1 is noise.
    parameters : Mapping
        Every parameter that changes the labels, the found ones (k, eps) in place of None.
    scores : Mapping
        At least ``criterion`` and ``value`` (None where the method has no criterion).
    engine : str
        Name and version of the library.
    notes : tuple of str
        Sentences that somebody should read before they trust the labels.
    predict : callable, optional
        Labels of any rows; see `latentcore.analysis.cluster_samples`.
    """

    labels: NDArray[np.int32]
    parameters: Mapping[str, object]
    scores: Mapping[str, object]
    engine: str
    notes: tuple[str, ...] = ()
    predict: Callable[[NDArray[np.float64]], NDArray[np.int32]] | None = None


class Clusterer(Protocol):
    """A frozen dataclass whose fields are the method's parameters.

    Attributes
    ----------
    name : str
        The name it is registered under.
    title : str
        What a reader of a figure knows it as.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Put the rows of `values`, finite, shape (n, d), into clusters, computed in float64.

        Raises
        ------
        RequestError
            If the parameters don't suit the number of rows.
        """
        ...


CLUSTERERS: Registry[type[Clusterer]] = Registry("clusterer", "latentcore.analysis.clusterers")


def make_clusterer(method: str, given: Mapping[str, object]) -> Clusterer:
    """Make a clusterer; see `latentcore.analysis.parameters.make_method`."""
    return make_method(CLUSTERERS, method, given)


def learned_rows(n: int, most: int, seed: int = 0) -> NDArray[np.int64]:
    """Return which of n rows a method learns from where all would take too long, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def shuffled_rows(n: int, seed: int) -> NDArray[np.int64]:
    """Return the rows in the order in which samples of them are taken."""
    return np.random.default_rng(seed).permutation(n)


def distinct_rows(values: NDArray[np.floating]) -> int:
    """Return how many different rows there are."""
    return len(np.unique(values, axis=0))


def check_k(k: int, values: NDArray[np.floating]) -> None:
    """Refuse more clusters than there are different points.

    Raises
    ------
    RequestError
    """
    if k <= len(np.unique(values[:, 0])):
        return  # to sort whole rows of many features takes long
    different = distinct_rows(values)
    if k > different:
        found = (
            f"there are only {different} points"
            if different == len(values)
            else f"the {len(values)} points have only {different} different values"
        )
        message = (
            f"{k} clusters were asked for, but {found}. "
            "Ask for fewer clusters, or choose a larger ROI."
        )
        raise RequestError(message)
