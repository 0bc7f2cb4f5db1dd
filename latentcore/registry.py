"""Name → implementation, for every family of parts.

A family is a package: each module in it whose name doesn't start with an underscore registers
one part when it is imported. The family is imported at the first look-up, so adding a part is
adding a file, and importing ``latentcore`` stays cheap.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from latentcore.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """One family of parts, looked up by name.

    Parameters
    ----------
    kind : str
        What one part is called in messages, for example ``"clusterer"``.
    package : str
        The package whose modules register the parts.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._parts: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files a part under `name`.

        Raises
        ------
        ValueError
            If another part already has that name.
        """

        def file_under_name(part: T) -> T:
            if name in self._parts and self._parts[name] is not part:
                message = f"Two {self.kind}s are called {name!r}."
                raise ValueError(message)
            self._parts[name] = part
            return part

        return file_under_name

    def names(self) -> tuple[str, ...]:
        """Return all names, in alphabetical order."""
        self._load()
        return tuple(sorted(self._parts))

    def get(self, name: str) -> T:
        """Return the part of that name.

        Raises
        ------
        UnknownNameError
            If there is none; the message lists what exists and the nearest name.
        """
        self._load()
        try:
            return self._parts[name]
        except KeyError:
            raise UnknownNameError(self._unknown(name)) from None

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield (name, part), in alphabetical order."""
        for name in self.names():
            yield name, self._parts[name]

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._parts, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"No {self.kind} is called {name!r}.{hint} There are: {', '.join(self.names())}."

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")
        self._loaded = True
