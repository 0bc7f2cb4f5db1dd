"""Listings of the server folders that the operator has configured."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from latentcore.errors import InputError
from latentcore.readers.media.files import visible_files
from pages.access.places import closed_below, is_closed, is_plain, resolve, roots

_MOST_ENTRIES = 500
# A folder that is a scan by itself, and is opened as a file is.
_STORE = ".zspy"
_MOST_WEIGHED = 20_000


@dataclass(frozen=True)
class Entry:
    """One line of a folder's listing.

    Attributes
    ----------
    is_folder : bool
        False as well for a folder that is one scan (``.zspy``).
    size : int
        In bytes; 0 for a folder.
    """

    name: str
    place: str
    is_folder: bool
    size: int


@dataclass(frozen=True)
class Listing:
    """What a server folder holds, folders first.

    Attributes
    ----------
    left_out : int
        How many more there are than are listed.
    """

    entries: tuple[Entry, ...]
    left_out: int


def list_folder(place: str) -> Listing:
    """List a server folder (``folder:ROOT``) or one below it: at most 500 entries, none hidden.

    Raises `InputError` if it is no folder that may be read.
    """
    path = resolve(place, to_list=True)
    if not place.startswith("folder:") or not path.is_dir():
        message = f"{place!r} is no server folder. There are: {', '.join(roots()) or 'none'}."
        raise InputError(message)
    base = roots()[place.removeprefix("folder:").split("/")[0]].resolve()
    try:
        found = list(islice(path.iterdir(), 20 * _MOST_ENTRIES))
    except OSError as error:
        message = f"The folder {place!r} can't be read: {error.strerror}."
        raise InputError(message) from error
    closed = closed_below(path)
    visible = sorted(
        (
            (_is_folder(entry), entry)
            for entry in found
            if entry not in closed and _may_show(entry, base)
        ),
        key=lambda known: (not known[0], known[1].name.lower()),
    )
    entries = tuple(
        Entry(entry.name, f"{place}/{entry.name}", is_folder, 0 if is_folder else _size(entry))
        for is_folder, entry in visible[:_MOST_ENTRIES]
    )
    return Listing(entries, len(visible) - len(entries))


def _is_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.lower().endswith(_STORE)


def _size(entry: Path) -> int:
    """Return the bytes of a file, or of the files in a folder."""
    if not entry.is_dir():
        return entry.stat().st_size
    files = islice(visible_files(entry), _MOST_WEIGHED)
    return sum(file.stat().st_size for file in files if file.is_file())


def _may_show(entry: Path, base: Path) -> bool:
    """Whether an entry of an open folder below `base` is so as well: only links lead elsewhere."""
    try:
        if entry.is_symlink():
            real = entry.resolve(strict=True)
            if not real.is_relative_to(base) or is_closed(real):
                return False
    except OSError:
        return False
    return is_plain(entry.name)


def fitting(folder: str, pattern: str) -> list[Entry]:
    """Return the files of a server folder whose names fit a pattern such as ``scan_*.h5``.

    Raises `InputError` if it is no folder that may be read.
    """
    files = (entry for entry in list_folder(folder).entries if not entry.is_folder)
    return [entry for entry in files if fnmatch.fnmatchcase(entry.name, pattern)]
