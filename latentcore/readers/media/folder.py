"""The files of a folder: which there are, what they are called, and how they are sorted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.readers.media.kinds import visible_files

__all__ = ["MediaFiles", "find_media", "look_into", "none_readable"]

T = TypeVar("T")

_MOST_FILES = 1_000_000
# Folders of these names part the samples; folders of other names say what is in the pictures.
_PARTITION_NAME = re.compile(r"(?i)(train|valid|val|test|eval|dev|holdout)([-_ ].*|ing|ation)?")


@dataclass(frozen=True, eq=False)
class MediaFiles:
    """n files, in the order of their names.

    Attributes
    ----------
    location : str
        The folder, or the one file.
    ids : ndarray of str, shape (n,)
        Path of each below the folder, with ``/``.
    partition : ndarray of str, shape (n,), or None
        The outermost folder of each, where every file lies in one.
    labels : ndarray of int32, shape (n,), or None
        Number of the folder that each lies in, in alphabetical order of their names; None where
        these only part the samples (train, test).
    """

    location: str
    paths: tuple[Path, ...]
    ids: NDArray[np.str_]
    partition: NDArray[np.str_] | None = None
    labels: NDArray[np.int32] | None = None


def find_media(location: Path, suffixes: tuple[str, ...]) -> MediaFiles:
    """List the files of some kinds, in a folder and in the folders below it; or the one file.

    Hidden files and folders are left out.

    Raises
    ------
    MalformedFileError
        If there is none, or more than any folder of samples holds.
    UnsafeFileError
        If one is a link that leads out of the folder.
    """
    if location.is_file():
        return MediaFiles(str(location), (location,), np.array([location.name]))
    ids = sorted(_below(location, suffixes))
    if not ids:
        message = (
            f"The folder {location.name!r} holds no file of the kinds {', '.join(suffixes)}, nor "
            "do the folders in it. Name the folder that does."
        )
        raise MalformedFileError(message)
    paths = tuple(location / one for one in ids)
    _check_links(location, paths)
    folders = [one.split("/")[:-1] for one in ids]
    return MediaFiles(str(location), paths, np.array(ids), _partition(folders), _labels(folders))


def look_into(files: MediaFiles, look: Callable[[Path], T], damaged: dict[int, str]) -> Iterator[T]:
    """Look into one file after the other, passing over those that can't be read.

    Parameters
    ----------
    look : callable
        Raises `MalformedFileError` for a file that is damaged.
    damaged : dict of int to str
        What is wrong with the files of some rows, which are passed over; others are added.

    Raises
    ------
    MalformedFileError
        If not one can be read.
    """
    found = False
    for row, path in enumerate(files.paths):
        if row in damaged:
            continue
        try:
            seen = look(path)
        except MalformedFileError as error:
            damaged[row] = str(error)
            continue
        found = True
        yield seen
    if not found:
        raise none_readable(files.location, list(damaged.values()))


def none_readable(location: str, reasons: Sequence[str]) -> MalformedFileError:
    """Return the error that tells that all files are damaged, and what is wrong with the first."""
    if len(reasons) == 1:
        return MalformedFileError(reasons[0])
    name = Path(location).name
    return MalformedFileError(
        f"None of the {len(reasons)} files of {name!r} can be read. The first: {reasons[0]}"
    )


def _below(location: Path, suffixes: tuple[str, ...]) -> list[str]:
    files = (path for path in visible_files(location) if path.name.lower().endswith(suffixes))
    found = [path.relative_to(location).as_posix() for path in islice(files, _MOST_FILES + 1)]
    if len(found) > _MOST_FILES:
        message = (
            f"The folder {location.name!r} holds more than {_MOST_FILES:,} files. Name one of the "
            "folders in it."
        )
        raise MalformedFileError(message)
    return found


def _check_links(location: Path, paths: Sequence[Path]) -> None:
    """Refuse links that lead elsewhere: a server shows what is in its folders, nothing else."""
    base = location.resolve()
    for path in paths:
        if path.is_symlink() and not path.resolve().is_relative_to(base):
            message = (
                f"{path.name!r} is a link that leads out of the folder {location.name!r}, so it "
                "is refused. Put the file itself there."
            )
            raise UnsafeFileError(message)


def _partition(folders: Sequence[Sequence[str]]) -> NDArray[np.str_] | None:
    if not all(folders):
        return None
    return np.array([parts[0] for parts in folders])


def _labels(folders: Sequence[Sequence[str]]) -> NDArray[np.int32] | None:
    if not all(folders):
        return None
    classes = np.array([parts[-1] for parts in folders])
    names, numbers = np.unique(classes, return_inverse=True)
    if all(_PARTITION_NAME.fullmatch(str(name)) for name in names):
        return None
    return numbers.astype(np.int32)
