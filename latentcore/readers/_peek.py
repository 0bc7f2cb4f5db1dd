"""A cheap, safe look at a file, by which readers recognise what is theirs."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from latentcore.readers._hdf5 import open_hdf5

__all__ = ["Peek"]

_HEAD_BYTES = 65_536


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
        with self.path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(self.path, "rb") as unzipped:
                try:
                    return unzipped.read(_HEAD_BYTES)
                except (OSError, EOFError):
                    return b""
        return head

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

    @cached_property
    def hdf5_keys(self) -> tuple[str, ...]:
        """Top-level keys, empty where the file is not HDF5.

        Raises
        ------
        UnsafeFileError
            If the file links to others.
        """
        if not self.is_hdf5:
            return ()
        with open_hdf5(self.path) as file:
            return tuple(file.keys())

    @cached_property
    def table_columns(self) -> tuple[str, ...]:
        """Column names as written, where the file is a CSV, gzipped CSV or parquet table."""
        if self.is_parquet:
            import pyarrow.parquet

            try:
                return tuple(pyarrow.parquet.read_schema(self.path).names)
            except (OSError, ValueError):
                return ()
        if self.is_hdf5 or self.is_npy or not self.path.is_file() or b"\x00" in self.head[:4096]:
            return ()
        try:
            first = io.StringIO(self.head.decode("utf-8-sig")).readline()
        except UnicodeDecodeError:
            first = io.StringIO(self.head.decode("latin-1")).readline()
        separator = max(",;\t", key=first.count)
        if first.count(separator) == 0:
            return ()
        return tuple(name.strip() for name in next(csv.reader([first], delimiter=separator)))

    @property
    def found(self) -> str:
        """What the file seems to be, for error messages."""
        if self.path.is_dir():
            return "It is a folder."
        if self.is_hdf5:
            keys = ", ".join(repr(key) for key in self.hdf5_keys[:12])
            return f"Its top-level keys are {keys}." if keys else "It is an empty HDF5 file."
        if self.table_columns:
            columns = ", ".join(repr(name) for name in self.table_columns[:12])
            return f"Its columns are {columns}."
        return f"It starts with the bytes {self.head[:16]!r} and is neither HDF5 nor a table."
