"""Ways to put samples into clusters, one file each.

A clusterer is a frozen dataclass. Its fields, declared with `parameter`, become the page's
widgets, the command line's options and the lines of the report; ``fit`` does the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.registry import Registry

__all__ = [
    "CLUSTERERS",
    "ClusterFit",
    "Clusterer",
    "Parameter",
    "make_clusterer",
    "parameter",
    "parameter_of",
]


@dataclass(frozen=True)
class Parameter:
    """How one parameter of a clusterer is asked for.

    Attributes
    ----------
    help : str
        One sentence.
    convert : callable
        Makes the value from its text.
    choices : tuple of str
        The allowed values, empty for numbers.
    minimum : float or None
        Smallest sensible value.
    automatic : str
        What is done when the value is None; empty where None is not allowed.
    """

    help: str
    convert: Callable[[str], object] = str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    automatic: str = ""


def parameter(default: Any, **details: Any) -> Any:
    """Declare a clusterer's field; `details` are the fields of `Parameter`."""
    return field(default=default, metadata={"parameter": Parameter(**details)})


def parameter_of(declared: dataclasses.Field[Any]) -> Parameter:
    """Return the `Parameter` of a clusterer's field."""
    found = declared.metadata["parameter"]
    assert isinstance(found, Parameter)
    return found


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
    """

    labels: NDArray[np.int32]
    parameters: Mapping[str, object]
    scores: Mapping[str, object]
    engine: str


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
        """Put the rows of `values`, finite, shape (n, d), into clusters.

        Raises
        ------
        RequestError
            If the parameters don't suit the number of rows.
        """
        ...


CLUSTERERS: Registry[type[Clusterer]] = Registry("clusterer", "latentcore.analysis.clusterers")


def make_clusterer(method: str, given: Mapping[str, object]) -> Clusterer:
    """Make a clusterer from its name and those parameters that were given.

    Parameters
    ----------
    method : str
        A name in `CLUSTERERS`.
    given : Mapping
        Parameter → value; None means the method's default. ``seed`` is passed over by methods
        that use no random numbers.

    Raises
    ------
    UnknownNameError
        If no clusterer has that name.
    RequestError
        If the method lacks one of the parameters, or a value makes no sense.
    """
    kind = CLUSTERERS.get(method)
    fields = {declared.name for declared in dataclasses.fields(kind)}
    chosen = {name: value for name, value in given.items() if value is not None}
    foreign = sorted(set(chosen) - fields - {"seed"})
    if foreign:
        message = (
            f"{method} has no parameter {', '.join(map(repr, foreign))}. "
            f"It has: {', '.join(sorted(fields))}. Leave it out, or choose another method."
        )
        raise RequestError(message)
    return kind(**{name: value for name, value in chosen.items() if name in fields})


def distinct_rows(values: NDArray[np.floating]) -> int:
    """Return how many different rows there are."""
    return len(np.unique(values, axis=0))


def check_k(k: int, values: NDArray[np.floating]) -> None:
    """Refuse more clusters than there are different points.

    Raises
    ------
    RequestError
    """
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


def check_at_least(name: str, value: float | None, least: float, *, open_end: bool = False) -> None:
    """Refuse a parameter below its smallest sensible value.

    Raises
    ------
    RequestError
    """
    if value is None or value > least or (value == least and not open_end):
        return
    sign = ">" if open_end else "≥"
    message = f"{name} must be {sign} {least:g}, but is {value:g}."
    raise RequestError(message)


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a value that is none of the choices.

    Raises
    ------
    RequestError
    """
    if value not in choices:
        message = f"{name} must be one of {', '.join(choices)}, but is {value!r}."
        raise RequestError(message)
