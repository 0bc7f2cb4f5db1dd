"""Pictures and videos among files: how they are recognized, listed and sorted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts")

_PICTURE_HEADS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+",
)  # fmt: skip
_VIDEO_HEADS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_MP4_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide")
_TS_PACKET = 188
# A look must be cheap; a folder of samples shows what it is early.
_MOST_LOOKED_AT = 20_000


def kind_of_head(head: bytes) -> str:
    """Tell a ``"picture"`` and a ``"video"`` by their first bytes; anything else is ``""``."""
    container = head[8:12] if head.startswith(b"RIFF") else b""
    if head.startswith(_PICTURE_HEADS) or container == b"WEBP":
        return "picture"
    is_ts = head[:1] == b"G" and head[_TS_PACKET : _TS_PACKET + 1] == b"G"
    if head.startswith(_VIDEO_HEADS) or container == b"AVI " or head[4:8] in _MP4_ATOMS or is_ts:
        return "video"
    return ""


def kinds_in_folder(folder: Path) -> dict[str, int]:
    """Count the pictures and videos in a folder and those below it, by their names' endings."""
    counts = {"picture": 0, "video": 0}
    for path in islice(visible_files(folder), _MOST_LOOKED_AT):
        counts["picture"] += path.name.lower().endswith(PICTURES)
        counts["video"] += path.name.lower().endswith(VIDEOS)
    return counts


def visible_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those below it; hidden ones and links to folders not."""
    for path, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(path, name) for name in names if not name.startswith("."))


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
    """Return the error for files that are all damaged; it describes the first."""
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
