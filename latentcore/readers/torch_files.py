"""Files of ``torch.save``: looked into, and loaded, without executing anything.

Pickle can run any program when it is loaded. torch's restricted unpickler knows tensors and plain
containers, and refuses a file as a whole that holds anything else. Trainers save their options
beside the weights, as an instance of a class of their own (nenya's ``Params``, argparse's
``Namespace``): a class that is known to hold nothing but data may be replaced by one that only
takes a dictionary. The foreign class is neither imported nor called.
"""

from __future__ import annotations

import pickle
import pickletools
import sys
import threading
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from latentcore.errors import MalformedFileError, UnsafeFileError, cause
from latentcore.zip_damage import ZIP_DAMAGE

# Keys stand before the values; a dictionary of features has few.
_HEAD_BYTES = 65_536
_MOST_BYTES = 4 << 30
_MOST_ENTRIES = 20_000
# Classes by which trainers carry their options: nenya.params.Params, nenya.io.Params and
# ulmo.io.Params by its age, argparse.Namespace in what nenya descends from.
_HOLDER = "Params"
_STANDARD_HOLDERS = ("argparse.Namespace", "types.SimpleNamespace")
_OPTIONS_KEYS = ("opt", "options", "args")
_MOST_VALUES = 10_000
# torch keeps one list of welcome classes for all threads; two loads would undo each other's entry.
_LOADING = threading.Lock()


def pickled_text(path: Path) -> set[str]:
    """Return the text with which a file of ``torch.save`` begins, its keys among it.

    Empty where it is no such file. The pickle is read as a list of instructions; none is
    executed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1]
            pickled = next((name for name in names if name.endswith("/data.pkl")), None)
            if pickled is None or any(name.endswith("/constants.pkl") for name in names):
                return set()
            with archive.open(pickled) as file:
                head = file.read(_HEAD_BYTES)
    except ZIP_DAMAGE:
        return set()
    texts: set[str] = set()
    try:
        for instruction, argument, _ in pickletools.genops(head):
            if "UNICODE" in instruction.name and isinstance(argument, str):
                texts.add(argument)
    except (ValueError, UnicodeDecodeError, IndexError):
        return texts  # the head ends in the middle of an instruction
    return texts


def load_torch(path: Path) -> Any:
    """Load a file of ``torch.save`` that holds tensors and plain values only.

    Raises
    ------
    UnsafeFileError
        If it holds anything that would have to be executed, or unpacks to more than it is.
    MalformedFileError
        If it is damaged.
    """
    if zipfile.is_zipfile(path):
        check_archive(path, _MOST_BYTES)
    try:
        return load_restricted(path)
    except pickle.UnpicklingError as error:
        message = (
            f"{path.name!r} is refused: it holds more than tensors and plain values, and loading "
            "the rest would execute code from the file. Nothing was executed. Save a dictionary "
            "of tensors, numbers and text with torch.save."
        )
        raise UnsafeFileError(message) from error
    except Exception as error:  # the unpickler raises whatever damage leads it to
        message = (
            f"{path.name!r} can't be read as a file of torch.save: {str(error)[:200]}. It is "
            "damaged, or of another kind: copy it again."
        )
        raise MalformedFileError(message) from error


def check_archive(path: Path, most_bytes: int) -> list[str]:
    """Return the names of an archive's entries; refuse one that unpacks to more than its size.

    torch never compresses.

    Raises
    ------
    UnsafeFileError
        If it does, or holds more than `most_bytes`.
    MalformedFileError
        If it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except ZIP_DAMAGE as error:
        message = f"{path.name!r} is damaged: {cause(error)}. Copy it again, whole."
        raise MalformedFileError(message) from error
    size, unpacked = path.stat().st_size, sum(entry.file_size for entry in entries)
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or unpacked > min(size, most_bytes) or len(entries) > _MOST_ENTRIES:
        message = (
            f"{path.name!r} is refused: {len(entries)} entries unpack to {unpacked} bytes from "
            f"{size}; at most {most_bytes} are read. torch.save writes uncompressed; save it "
            "again with torch."
        )
        raise UnsafeFileError(message)
    return [entry.filename for entry in entries]


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

    Empty where that can't be known: the file is damaged, or of torch's format before 1.6.
    """
    try:
        import torch

        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError, KeyError, EOFError, OSError, pickle.UnpicklingError):
        return []


def load_restricted(path: Path, *, mmap: bool = False, holders: bool = False) -> object:
    """Read a torch file by the restricted unpickler.

    Parameters
    ----------
    mmap : bool
        Whether tensors stay in the file until they are used.
    holders : bool
        Whether classes that hold nothing but data are read as such.

    Raises
    ------
    pickle.UnpicklingError
        If it holds objects of any other class, or a function to be called.
    """
    import torch

    # The lock holds for the question too: what another thread's load welcomes is not named.
    with _LOADING, warnings.catch_warnings():
        # It warns of pickles by other programs than torch; they end in an error anyway.
        warnings.simplefilter("ignore", UserWarning)
        names = filter(is_data_holder, foreign_names(path)) if holders else ()
        with torch.serialization.safe_globals([(_DataHolder, name) for name in names]):
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
