"""The files of a zarr store, a folder or a zip: read by name, and never out of it."""

from __future__ import annotations

import os
import struct
import zipfile
from itertools import islice
from pathlib import Path
from typing import Protocol

from latentcore.errors import MalformedFileError, UnsafeFileError, cause
from latentcore.readers._hyperspy.trees import shown
from latentcore.zip_damage import ZIP_DAMAGE

_MOST_NAMES = 200_000
_MOST_DIRECTORY_BYTES = 32 << 20
_FORBIDDEN = ("/", "\\", "\0")
ZIP_MARK = b"PK\x03\x04"
METADATA = (".zgroup", ".zattrs", ".zarray", ".zmetadata", "zarr.json")


class Store(Protocol):
    """Named pieces of a store; names are relative, with ``/``."""

    path: Path

    def read(self, name: str, most: int) -> bytes | None:
        """Read a piece, None where there is none.

        Raises
        ------
        UnsafeFileError
            If it is longer than `most` bytes, or lies elsewhere.
        """
        ...

    def folders(self, name: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder."""
        ...

    def held(self, name: str) -> tuple[int, int]:
        """Return how many chunks a folder and those below it hold, and how many bytes."""
        ...

    def files(self) -> tuple[Path, ...]:
        """Return the files of this machine that it is made of."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class FolderStore:
    """A folder; see `Store`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.resolve()

    def read(self, name: str, most: int) -> bytes | None:
        """Read a file."""
        file = self._inside(name)
        if file is None or not file.is_file():
            return None
        with file.open("rb") as stream:
            content = stream.read(most + 1)
        _refuse_long(self.path, name, len(content), most)
        return content

    def folders(self, name: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder."""
        folder = self._inside(name)
        if folder is None or not folder.is_dir():
            return ()
        with os.scandir(folder) as entries:
            found = [entry.name for entry in islice(entries, _MOST_NAMES) if entry.is_dir()]
        return tuple(sorted(found))

    def held(self, name: str) -> tuple[int, int]:
        """Return how many chunks a folder and those below it hold, and how many bytes."""
        folder = self._inside(name)
        files = [] if folder is None else _below(folder)
        chunks = sum(_is_chunk(file.name) for file in files)
        return chunks, sum(file.stat().st_size for file in files)

    def files(self) -> tuple[Path, ...]:
        """Return all files, in the order of their names."""
        return tuple(sorted(_below(self._root)))

    def close(self) -> None:
        """Keep nothing open."""

    def _inside(self, name: str) -> Path | None:
        """Return where a piece lies; None where nothing does."""
        parts = _parts(self.path, name)
        file = self._root.joinpath(*parts)
        try:
            where = file.resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if where != file:
            message = (
                f"{shown(name)} of {self.path.name!r} is a link to another place; refused. Copy "
                "the store with its files in it."
            )
            raise UnsafeFileError(message)
        return where


class ZipStore:
    """A zip, of the store's content or of its folder; see `Store`.

    Raises
    ------
    MalformedFileError
        If it is no zip, or damaged.
    UnsafeFileError
        If it lists more than any store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _refuse_long_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except ZIP_DAMAGE as error:
            message = f"{path.name!r} is no zip, or is damaged: {cause(error)}. Copy it again."
            raise MalformedFileError(message) from error
        self._entries = {
            entry.filename: entry for entry in self._zip.infolist() if not entry.is_dir()
        }
        self._top = _top_folder(tuple(self._entries))
        self._folders: dict[str, set[str]] = {}
        for name in self._entries:
            if name.startswith(self._top):
                parts = name.removeprefix(self._top).split("/")[:-1]
                for depth, part in enumerate(parts[:16]):
                    self._folders.setdefault("/".join(parts[:depth]), set()).add(part)

    def read(self, name: str, most: int) -> bytes | None:
        """Read an entry."""
        _parts(self.path, name)
        entry = self._entries.get(self._top + name)
        if entry is None:
            return None
        _refuse_long(self.path, name, entry.file_size, most)
        try:
            with self._zip.open(entry) as stream:
                return stream.read(most)
        except ZIP_DAMAGE as error:
            message = (
                f"{shown(name)} in {self.path.name!r} can't be unpacked: {cause(error)}. Copy the "
            )
            raise MalformedFileError(message + "zip again, or pack it anew.") from error

    def folders(self, name: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder."""
        return tuple(sorted(self._folders.get(name, ())))

    def held(self, name: str) -> tuple[int, int]:
        """Return how many chunks a folder and those below it hold, and how many packed bytes."""
        start = f"{self._top}{name}/"
        inside = [entry for key, entry in self._entries.items() if key.startswith(start)]
        chunks = sum(_is_chunk(entry.filename) for entry in inside)
        return chunks, sum(entry.compress_size for entry in inside)

    def files(self) -> tuple[Path, ...]:
        """Return the one file."""
        return (self.path,)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _below(folder: Path) -> list[Path]:
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    files = [file for file in islice(found, _MOST_NAMES + 1) if not file.is_symlink()]
    if len(files) > _MOST_NAMES:
        message = (
            f"{folder.name!r} holds more than {_MOST_NAMES:,} files; refused. Save the signal with "
            "larger chunks."
        )
        raise UnsafeFileError(message)
    return files


def _is_chunk(name: str) -> bool:
    return name.rpartition("/")[2] not in METADATA


def _parts(store: Path, name: str) -> list[str]:
    parts = name.split("/") if name else []
    if any(part in ("", ".", "..") or any(mark in part for mark in _FORBIDDEN) for part in parts):
        message = f"{store.name!r} names a piece {shown(name)}, which leads out of it; refused."
        raise UnsafeFileError(message)
    return parts


def _refuse_long(store: Path, name: str, size: int, most: int) -> None:
    if size > most:
        message = (
            f"{shown(name)} of {store.name!r} is longer than the {most:,} bytes that it can have; "
            "refused. Save the signal again."
        )
        raise UnsafeFileError(message)


def _top_folder(names: tuple[str, ...]) -> str:
    """Return what all names of the store begin with: a folder may have been packed as such."""
    marks = [name for name in names if name.rpartition("/")[2] in (".zgroup", "zarr.json")]
    shortest = min(marks, key=lambda name: (name.count("/"), name), default="")
    return shortest.rpartition("/")[0] + "/" if "/" in shortest else ""


def _refuse_long_directory(path: Path) -> None:
    """Refuse a zip whose table of contents alone would fill the memory.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.14 and 4.3.16: the end of
    the table tells its size, in 32 bits, or where those don't suffice in a longer record before.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 128))
        tail = file.read()
    short, long = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    sizes = [
        struct.unpack_from(form, tail, place + offset)[0]
        for form, place, offset in (("<I", short, 12), ("<Q", long, 40))
        if 0 <= place <= len(tail) - offset - struct.calcsize(form)
    ]
    declared = [size for size in sizes if size != 0xFFFFFFFF]
    if max(declared, default=0) > _MOST_DIRECTORY_BYTES:
        message = f"The zip {path.name!r} lists more files than a store has; refused."
        raise UnsafeFileError(message)
