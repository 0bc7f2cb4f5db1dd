"""Fields of dataclasses that are too large to be held unless somebody uses them, or come later."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=NDArray[Any])
C = TypeVar("C")


@dataclass
class _Later:
    """How to make an array, and the one that was made as long as somebody else holds it."""

    make: Callable[[], NDArray[Any]]
    some: Callable[[NDArray[np.integer]], NDArray[Any]] | None = None
    made: weakref.ref[NDArray[Any]] | None = None


def later(make: Callable[[], T], some: Callable[[NDArray[np.integer]], T] | None = None) -> T:
    """Return what a lazy field takes for an array that is made whenever somebody asks for it.

    Parameters
    ----------
    make : callable
        Makes all of it.
    some : callable, optional
        Makes the entries of some rows, in less memory.
    """
    return cast("T", _Later(make, some))


def is_later(instance: object, field: str) -> bool:
    """Tell whether a lazy field makes its array whenever somebody asks for it."""
    return isinstance(vars(instance)[field], _Later)


def is_pending(instance: object, field: str) -> bool:
    """Tell whether a lazy field is still being computed, so that asking for it would wait."""
    given = vars(instance)[field]
    return isinstance(given, Future) and not given.done()


def some_of(instance: object, field: str, rows: NDArray[np.integer]) -> NDArray[Any]:
    """Return the entries of some rows of a lazy field, made alone where that is possible."""
    given = vars(instance)[field]
    if isinstance(given, _Later) and given.some is not None:
        return given.some(rows)
    return cast("NDArray[Any]", getattr(instance, field)[rows])


def lazy_fields(*names: str) -> Callable[[type[C]], type[C]]:
    """Let fields of a dataclass take `later`, or a future; to be written above ``@dataclass``."""

    def decorated(cls: type[C]) -> type[C]:
        for name in names:
            setattr(cls, name, _Lazy(name))
        return cls

    return decorated


def unmade(instance: object, *names: str) -> dict[str, Any]:
    """Return lazy fields as they were given, for `dataclasses.replace` to pass them on unmade."""
    return {name: instance.__dict__[name] for name in names}


class _Lazy:
    """The descriptor of a lazy field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        given = instance.__dict__[self._name]
        if isinstance(given, Future):
            return given.result()
        if not isinstance(given, _Later):
            return given
        found = None if given.made is None else given.made()
        if found is None:
            found = given.make()
            given.made = weakref.ref(found)
        return found

    def __set__(self, instance: object, value: object) -> None:
        instance.__dict__[self._name] = value
