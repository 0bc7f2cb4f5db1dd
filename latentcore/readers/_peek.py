"""A cheap, safe look at a file, by which readers recognize what is theirs."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import h5py

from latentcore.errors import InputError
from latentcore.hdf5 import follow, open_hdf5, text, text_attribute
from latentcore.readers.media.files import kind_of_head, kinds_in_folder

_HEAD_BYTES = 65_536
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class _Hdf5Outline:
    """The top level of an HDF5 file: keys, shapes of its datasets, and what it says it is."""

    keys: tuple[str, ...] = ()
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    encoding_type: str = ""
    manufacturer: str = ""


@dataclass(frozen=True)
class Peek:
    """What a reader may look at before it says whether a file is its own.

    Attributes
    ----------
    path : Path
        An existing local file or folder.
    options : dict
        What the caller gave besides the location, for example ``coords``.
    """

    path: Path
    options: dict[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """File name in lower case."""
        return self.path.name.lower()

    @cached_property
    def head(self) -> bytes:
        """First 64 KiB, empty for a folder; unzipped where the file is gzip."""
        if not self.path.is_file():
            return b""
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError as error:
            message = f"{self.path.name!r} can't be read: {error.strerror}. Check its permissions."
            raise InputError(message) from error
        if not head.startswith(_GZIP):
            return head
        try:
            with gzip.open(self.path, "rb") as unzipped:
                return unzipped.read(_HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            return b""

    @property
    def is_hdf5(self) -> bool:
        """Whether it starts with HDF5's signature."""
        return self.head.startswith(b"\x89HDF\r\n\x1a\n")

    @property
    def is_parquet(self) -> bool:
        """Whether it starts with parquet's magic number."""
        return self.head.startswith(b"PAR1")

    @property
    def is_npy(self) -> bool:
        """Whether it starts with NumPy's magic string."""
        return self.head.startswith(b"\x93NUMPY")

    @property
    def is_text(self) -> bool:
        """Whether it may be text: no binary format is known by such a beginning."""
        binary = self.is_hdf5 or self.is_parquet or self.is_npy or b"\x00" in self.head
        return bool(self.head) and not binary

    @property
    def media_kinds(self) -> set[str]:
        """What of ``"picture"`` and ``"video"`` it is, or a folder holds."""
        return {kind for kind, count in self._media.items() if count}

    @property
    def hdf5_keys(self) -> tuple[str, ...]:
        """Top-level keys, empty where the file is not HDF5.

        Raises
        ------
        UnsafeFileError
            If the file links to others.
        """
        return self._hdf5.keys

    @property
    def hdf5_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each top-level dataset."""
        return self._hdf5.shapes

    @property
    def encoding_type(self) -> str:
        """What an HDF5 file's root attribute ``encoding-type`` says it is."""
        return self._hdf5.encoding_type

    @property
    def manufacturer(self) -> str:
        """What a vendor's HDF5 file says of its maker, in lower case.

        The key is written in any case, EDAX's with a blank before it.
        """
        return self._hdf5.manufacturer

    @cached_property
    def table_columns(self) -> tuple[str, ...]:
        """Column names as written, where the file is a CSV, gzipped CSV or parquet table."""
        if self.is_parquet:
            import pyarrow.parquet

            try:
                return tuple(pyarrow.parquet.read_schema(self.path).names)
            except (OSError, ValueError):
                return ()
        return self.table_rows[0] if self.table_rows else ()

    @cached_property
    def table_rows(self) -> tuple[tuple[str, ...], ...]:
        """First two rows of a text table, cells stripped; empty for anything else."""
        if not self.is_text:
            return ()
        lines = self._text.splitlines()[:2]
        separator = self.separator
        if not lines or separator not in lines[0]:
            return ()
        try:
            rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            return ()
        return tuple(tuple(cell.strip() for cell in row) for row in rows)

    @property
    def separator(self) -> str:
        """What separates a text table's cells: the comma, semicolon or tab of its first line.

        Semicolon and tab win over the comma, which beside them is a decimal sign.
        """
        first = self._text.split("\n", 1)[0]
        return next((mark for mark in "\t;" if mark in first), ",")

    @property
    def encoding(self) -> str:
        """``"utf-8-sig"``, or ``"latin-1"`` where that can't be right."""
        try:
            # A character cut in half at the end of the head is no evidence.
            self.head[:-4].decode("utf-8-sig")
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8-sig"

    @property
    def found(self) -> str:
        """What the file seems to be, for error messages."""
        if self.path.is_dir():
            held = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in self._media.items() if n]
            return f"It is a folder with {' and '.join(held) or 'no pictures or videos'}."
        if self.path.stat().st_size == 0:
            return "It is empty (0 bytes)."
        if self.is_hdf5:
            keys = ", ".join(repr(key) for key in self.hdf5_keys[:12])
            return f"Its top-level keys are {keys}." if keys else "It is an empty HDF5 file."
        if self.table_columns:
            columns = ", ".join(repr(name) for name in self.table_columns[:12])
            return f"Its columns are {columns}."
        return f"It starts with the bytes {self.head[:16]!r} and is neither HDF5 nor a table."

    @cached_property
    def _text(self) -> str:
        return self.head.decode(self.encoding, "replace")

    @cached_property
    def _media(self) -> dict[str, int]:
        if self.path.is_dir():
            return kinds_in_folder(self.path)
        kind = kind_of_head(self.head)
        return {kind: 1} if kind else {}

    @cached_property
    def _hdf5(self) -> _Hdf5Outline:
        if not self.is_hdf5:
            return _Hdf5Outline()
        with open_hdf5(self.path) as file:
            keys = tuple(file)
            entries = {key: follow(file, key) for key in keys}
            shapes = {
                key: entry.shape or ()
                for key, entry in entries.items()
                if isinstance(entry, h5py.Dataset)
            }
            makers = (text(file, key) for key in keys if key.strip().lower() == "manufacturer")
            return _Hdf5Outline(
                keys, shapes, text_attribute(file, "encoding-type"), next(makers, "").lower()
            )
