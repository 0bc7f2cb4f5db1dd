"""Classifiers that measure how much of a label is in latents, one file each.

A probe is a frozen dataclass. Its fields, declared with
`latentcore.analysis.parameters.parameter`, become the page's widgets, the command line's options
and the lines of the report; ``fit`` does the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import make_method
from latentcore.registry import Registry

__all__ = [
    "PROBES",
    "WEIGHTS",
    "Arrays",
    "FittedProbe",
    "Probabilities",
    "Probe",
    "floats",
    "make_probe",
    "softmax",
]

Arrays = Mapping[str, NDArray[np.generic]]
Probabilities = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# How classes count: "none" as many samples as they have, "balanced" all alike.
WEIGHTS = ("none", "balanced")


@dataclass(frozen=True, eq=False)
class FittedProbe:
    """A classifier that has learned.

    Attributes
    ----------
    classes : ndarray of int64, shape (m,)
        Ascending; those that it was shown.
    probabilities : callable
        Values (n, d) → probabilities (n, m).
    arrays : Mapping of str to ndarray
        What it learned: all that `Probe.restored` needs.
    parameters : Mapping
        Every parameter that changes the result.
    engine : str
        Name and version of the library.
    notes : tuple of str
        What one should know before trusting it.
    """

    classes: NDArray[np.int64]
    probabilities: Probabilities
    arrays: Arrays
    parameters: Mapping[str, object]
    engine: str
    notes: tuple[str, ...] = ()


class Probe(Protocol):
    """A frozen dataclass whose fields are the classifier's parameters.

    Attributes
    ----------
    name : str
        The name it is registered under.
    title : str
        What a reader of a figure knows it as.
    features : str
        What it sees, in a few words.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    features: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def fit(self, values: NDArray[np.float64], labels: NDArray[np.int64]) -> FittedProbe:
        """Learn from finite values (n, d) and their labels (n,), of two classes at least."""
        ...

    @staticmethod
    def restored(arrays: Arrays, n_classes: int, n_features: int) -> Probabilities:
        """Return the probabilities of a probe that has learned, from its arrays alone.

        Raises
        ------
        KeyError, TypeError, ValueError
            If these are not what such a probe learned.
        """
        ...


PROBES: Registry[type[Probe]] = Registry("classifier", "latentcore.analysis.probes")


def softmax(decision: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities (n, m) from decisions (n, m), or from those of the second of two."""
    if decision.shape[1] == 1:
        decision = np.hstack([np.zeros_like(decision), decision])
    grown: NDArray[np.float64] = np.exp(decision - decision.max(axis=1, keepdims=True))
    grown /= grown.sum(axis=1, keepdims=True)
    return grown


def floats(arrays: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return an array that must hold finite float64 of a shape; a length of -1 may be any."""
    found = arrays[name]
    same = len(found.shape) == len(shape) and all(
        wanted in (-1, length) for wanted, length in zip(shape, found.shape, strict=True)
    )
    if found.dtype != np.float64 or not same or not np.isfinite(found).all():
        message = f"{name} has the shape {found.shape} and the type {found.dtype}"
        raise ValueError(message)
    return found.astype(np.float64, copy=False)


def make_probe(name: str, given: Mapping[str, object]) -> Probe:
    """Make a probe; see `latentcore.analysis.parameters.make_method`."""
    return make_method(PROBES, name, given)
