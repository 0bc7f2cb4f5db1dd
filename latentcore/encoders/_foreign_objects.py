"""Objects of classes that aren't installed here, in a ``.pth`` file: read as plain data.

Trainers save their options beside the weights, as an instance of a class of their own (nenya's
``Params``, argparse's ``Namespace``). torch's restricted unpickler refuses such a file as a whole.
Here a class that is known to hold nothing but data is replaced by one that only takes a dictionary:
the foreign class is neither imported nor called, and any other name is still refused.
"""

from __future__ import annotations

import pickle
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch

__all__ = ["foreign_names", "is_data_holder", "load_restricted", "options_beside"]

# Classes by which trainers carry their options: nenya.params.Params, nenya.io.Params and
# ulmo.io.Params by its age, argparse.Namespace in what nenya descends from.
_HOLDER = "Params"
_STANDARD_HOLDERS = ("argparse.Namespace", "types.SimpleNamespace")
_OPTIONS_KEYS = ("opt", "options", "args")
_MOST_VALUES = 10_000
# torch keeps one list of welcome classes for all threads; two loads would undo each other's entry.
_LOADING = threading.Lock()


class _DataHolder:
    """Stands for a foreign object: takes its state, and does nothing with it."""

    __slots__ = ("state",)
    state: object

    def __new__(cls, *_: object) -> Self:
        """Make one, whatever arguments the file gives."""
        made = super().__new__(cls)
        made.state = {}
        return made

    def __init__(self, *_: object) -> None:
        """Ignore the arguments."""

    def __setstate__(self, state: object) -> None:
        """Keep the state as it is."""
        self.state = state


def is_data_holder(name: str) -> bool:
    """Tell whether a class, named with its module, holds nothing but data."""
    module, _, holder = name.rpartition(".")
    if name in _STANDARD_HOLDERS:
        return True
    return holder == _HOLDER and module.split(".")[0] not in {"", *sys.stdlib_module_names}


def foreign_names(path: Path) -> list[str]:
    """Return what a torch file holds besides tensors and plain containers, by name.

    Empty where that can't be told: the file is damaged, or of torch's format before 1.6.
    """
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError, KeyError, EOFError, OSError, pickle.UnpicklingError):
        return []


def load_restricted(path: Path, *, mmap: bool) -> object:
    """Read a torch file by the restricted unpickler, data holders included.

    Parameters
    ----------
    mmap : bool
        Whether tensors stay in the file until they are used.

    Raises
    ------
    pickle.UnpicklingError
        If it holds objects of any other class, or a function to be called.
    """
    # The lock holds for the question too: what another thread's load welcomes is not named.
    with _LOADING, warnings.catch_warnings():
        # It warns of pickles by other programs than torch; they end in an error anyway.
        warnings.simplefilter("ignore", UserWarning)
        names = filter(is_data_holder, foreign_names(path))
        holders: list[Any] = [(_DataHolder, name) for name in names]
        with torch.serialization.safe_globals(holders):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap or None)


def options_beside(loaded: object) -> dict[str, Any]:
    """Return the options that a checkpoint holds beside its weights: plain values only.

    Parameters
    ----------
    loaded : object
        What `load_restricted` returned.
    """
    if not isinstance(loaded, Mapping):
        return {}
    for key in _OPTIONS_KEYS:
        found = loaded.get(key)
        values = found.state if isinstance(found, _DataHolder) else found
        if isinstance(values, Mapping) and len(values) <= _MOST_VALUES:
            return {
                name: value
                for name, value in values.items()
                if isinstance(name, str) and _is_plain(value)
            }
    return {}


def _is_plain(value: object) -> bool:
    """Tell whether a value is made of numbers, text, lists and dictionaries, and isn't huge."""
    waiting, seen = [value], 0
    while waiting:
        one = waiting.pop()
        seen += 1
        if one is None or isinstance(one, bool | int | float | str):
            continue
        inner = _inner(one)
        # A list that holds itself, or many times another, ends here too.
        if inner is None or seen + len(inner) > _MOST_VALUES:
            return False
        waiting.extend(inner)
    return True


def _inner(value: object) -> list[object] | None:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return list(value.values())
    return None
