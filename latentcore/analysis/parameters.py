"""Parameters of methods: declared once, beside the method that has them.

A method (a clusterer, a classifier) is a frozen dataclass whose fields are declared with
`parameter`. From that come its widgets, its options on the command line and its lines in reports.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from latentcore.errors import RequestError
from latentcore.registry import Registry

T = TypeVar("T")

# The one parameter that a request has whatever the method.
SEED = "seed"
# What numpy's RandomState takes, which scikit-learn and umap-learn draw from.
_LARGEST_SEED = (1 << 32) - 1


@dataclass(frozen=True)
class Parameter:
    """How one parameter of a method is asked for.

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
    """Declare a method's field; `details` are the fields of `Parameter`."""
    return field(default=default, metadata={"parameter": Parameter(**details)})


def parameter_of(declared: dataclasses.Field[Any]) -> Parameter:
    """Return the `Parameter` of a method's field."""
    found = declared.metadata["parameter"]
    assert isinstance(found, Parameter)
    return found


def make_method(family: Registry[type[T]], name: str, given: Mapping[str, object]) -> T:
    """Make a method from its name and those parameters that were given.

    Parameters
    ----------
    family : Registry
        Of methods.
    name : str
        A name in it.
    given : Mapping
        Parameter → value; None means the method's default. ``seed`` is passed over by methods
        that use no random numbers.

    Raises
    ------
    UnknownNameError
        If no method has that name.
    RequestError
        If the method lacks one of the parameters, or a value makes no sense.
    """
    kind = family.get(name)
    fields = {declared.name for declared in dataclasses.fields(kind)}  # type: ignore[arg-type]
    chosen = {key: value for key, value in given.items() if value is not None}
    foreign = sorted(set(chosen) - fields - {SEED})
    if foreign:
        message = (
            f"{name} has no parameter {', '.join(map(repr, foreign))}. "
            f"It has: {', '.join(sorted(fields))}. Leave it out, or choose another {family.kind}."
        )
        raise RequestError(message)
    return kind(**{key: value for key, value in chosen.items() if key in fields})


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


def check_seed(seed: int) -> None:
    """Refuse a seed that scikit-learn and umap-learn can't take.

    Raises
    ------
    RequestError
    """
    if not 0 <= seed <= _LARGEST_SEED:
        message = f"The seed must be from 0 to {_LARGEST_SEED}, but is {seed}."
        raise RequestError(message)
