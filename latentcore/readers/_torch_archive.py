"""Files of ``torch.save``: looked into, and loaded, without executing anything."""

from __future__ import annotations

import pickletools
import warnings
import zipfile
from pathlib import Path
from typing import Any

from latentcore.errors import MalformedFileError, UnsafeFileError

__all__ = ["load_torch", "torch_words"]

# Keys stand before the values; a dictionary of features has few.
_HEAD_BYTES = 65_536
_MOST_BYTES = 4 << 30
_MOST_ENTRIES = 20_000


def torch_words(path: Path) -> set[str]:
    """Return the words with which a file of ``torch.save`` begins, its keys among them.

    Empty where it is no such file. The pickle is read as a list of instructions; none is
    carried out.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1]
            pickled = next((name for name in names if name.endswith("/data.pkl")), None)
            if pickled is None or any(name.endswith("/constants.pkl") for name in names):
                return set()
            with archive.open(pickled) as file:
                head = file.read(_HEAD_BYTES)
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return set()
    words: set[str] = set()
    try:
        for instruction, argument, _ in pickletools.genops(head):
            if "UNICODE" in instruction.name and isinstance(argument, str):
                words.add(argument)
    except (ValueError, UnicodeDecodeError, IndexError):
        return words  # the head ends in the middle of an instruction
    return words


def load_torch(path: Path) -> Any:
    """Load a file of ``torch.save`` that holds tensors and plain values only.

    Raises
    ------
    UnsafeFileError
        If it holds anything that would have to be executed, or unpacks to more than it is.
    MalformedFileError
        If it is damaged.
    """
    import pickle

    import torch

    if zipfile.is_zipfile(path):
        _check_archive(path)
    try:
        with warnings.catch_warnings():
            # It warns of pickles by other programs than torch; they end in an error anyway.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
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


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than their size: torch never compresses."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        message = f"{path.name!r} is damaged: {error}. Copy it again."
        raise MalformedFileError(message) from error
    unpacked = sum(entry.file_size for entry in entries)
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or unpacked > min(path.stat().st_size, _MOST_BYTES) or len(entries) > _MOST_ENTRIES:
        message = (
            f"{path.name!r} is refused: {len(entries):,} entries unpack to {unpacked:,} bytes from "
            f"{path.stat().st_size:,}; at most {_MOST_BYTES:,} are read. torch.save writes "
            "uncompressed; save it again with torch."
        )
        raise UnsafeFileError(message)
