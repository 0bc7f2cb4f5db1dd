"""NORDIF's binary scans: ``Pattern.dat`` beside ``Setting.txt``.

Facts: the patterns follow each other as bytes, without a header; the settings are latin-1 text
with tabs and blocks in brackets: *Resolution* (width × height) under ``[Acquisition settings]``,
*Number of samples* (rows × columns) and *Step size* (µm) under ``[Area]``. A stopped scan has
fewer patterns than samples. The location may be the folder or either file.
"""

from __future__ import annotations

import math
import re
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._ebsd.places import Header, row_major
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource, row_numbers, written_rows
from latentcore.storage import local_path

_MARK = "[NORDIF]"
_PATTERNS, _SETTINGS = "pattern.dat", "setting.txt"
_MOST_SETTINGS_BYTES = 1 << 20
_MOST_PIXELS = 1 << 28
_BLOCK_BYTES = 2 << 20


@register_reader(SAMPLES_READERS, "nordif")
class Nordif:
    """Reader of NORDIF's scans."""

    description = "NORDIF scan: Pattern.dat and Setting.txt in one folder."
    wants = "Pattern.dat and Setting.txt in one folder"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether both files are there, and the settings are NORDIF's."""
        if not peek.path.is_dir() and peek.name not in (_PATTERNS, _SETTINGS):
            return False
        data, settings = _both(peek.path)
        return data is not None and settings is not None and _MARK in _text(settings)

    def open(self, ref: SourceRef) -> SampleSource:
        """Open a scan."""
        data, settings = _both(local_path(ref.location))
        if data is None or settings is None:
            message = (
                f"{Path(ref.location).name!r} is no NORDIF scan: it takes Pattern.dat and "
                "Setting.txt in one folder. Put both there."
            )
            raise MalformedFileError(message)
        found = _Settings.parse(_text(settings), settings.name)
        rows = _RawRows(data, (found.height, found.width))
        cells = found.columns * found.rows
        try:
            rows, notes = written_rows(rows)
            header = Header(found.columns, found.rows, (found.step, found.step))
            grid = row_major(header.checked(len(rows), data.name), len(rows))
        except BaseException:
            rows.close()
            raise
        if len(rows) < cells and not notes:
            notes = (
                f"{len(rows):,} of {cells:,} points were scanned: the scan was stopped early.",
            )
        return RowsSource(
            ref=ref,
            paths=(data, settings),
            rows=rows,
            sample_ids=default_sample_ids(len(rows)),
            grid=grid,
            notes=notes,
        )


@dataclass(frozen=True)
class _Settings:
    width: int
    height: int
    columns: int
    rows: int
    step: float

    @classmethod
    def parse(cls, text: str, name: str) -> _Settings:
        width, height = _pair(text, "Acquisition settings", "Resolution", name)
        rows, columns = _pair(text, "Area", "Number of samples", name)
        if math.prod((width, height)) > _MOST_PIXELS or 0 in (width, height, rows, columns):
            message = (
                f"{name!r} declares {rows} × {columns} patterns of {width} × {height} px, which no "
                "scan has. Copy it again from the scan's folder."
            )
            raise MalformedFileError(message)
        step = _entry(text, "Area", "Step size", r"(\d+(?:[.,]\d+)?)", name)
        return cls(width, height, columns, rows, float(step[1].replace(",", ".")))


class _RawRows:
    """Images of unsigned bytes, which several threads may read.

    Parameters
    ----------
    size : tuple of int
        (H, W).
    n : int, optional
        How many are read; all that the file holds whole, if not given.

    Raises
    ------
    MalformedFileError
        If the file doesn't hold a single one.
    """

    def __init__(self, path: Path, size: tuple[int, int], n: int | None = None) -> None:
        self.sample_shape = (1, *size)
        self.dtype: np.dtype[np.generic] = np.dtype(np.uint8)
        self._row_bytes = math.prod(size)
        self._path = path
        there = path.stat().st_size // self._row_bytes
        self._n = there if n is None else min(n, there)
        if self._n == 0:
            message = (
                f"{path.name!r} has {path.stat().st_size:,} bytes, less than one pattern of "
                f"{size[0]} × {size[1]} pixels. Copy it again."
            )
            raise MalformedFileError(message)
        self.block_rows = max(1, min(self._n, _BLOCK_BYTES // self._row_bytes))
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        # Closed with its last reference, as h5py does.
        self._close = weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._n

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return not self._close.alive

    def close(self) -> None:
        """Close the file."""
        self._close()

    def first(self, n: int) -> Self:
        """Return the first n images only, and close this one's file."""
        self.close()
        return type(self)(self._path, (self.sample_shape[1], self.sample_shape[2]), n)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, 1, H, W)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self._n)
            if step == 1:
                return self._run(start, max(0, stop - start))
            rows = np.arange(start, stop, step)
        numbers = row_numbers(rows, self._n, self._path.name)
        images = np.empty((len(numbers), *self.sample_shape), np.uint8)
        for place, number in enumerate(numbers.tolist()):
            images[place] = self._run(number, 1)[0]
        return images

    def _run(self, start: int, count: int) -> NDArray[np.uint8]:
        images = np.empty((count, *self.sample_shape), np.uint8)
        left = images.reshape(-1).data
        with self._lock:
            self._file.seek(start * self._row_bytes)
            while left:
                got = self._file.readinto(left)
                if not got:
                    message = (
                        f"{self._path.name!r} ends before its pattern {start + count - 1}: it "
                        "became shorter while it was open. Open it again."
                    )
                    raise MalformedFileError(message)
                left = left[got:]
        return images


def _pair(text: str, block: str, entry: str, name: str) -> tuple[int, int]:
    found = _entry(text, block, entry, r"(\d{1,7})\s*x\s*(\d{1,7})", name)
    return int(found[1]), int(found[2])


def _entry(text: str, block: str, entry: str, form: str, name: str) -> re.Match[str]:
    """Return what follows an entry's name within its block."""
    start = text.find(f"[{block}]")
    end = text.find("\n[", start + 1)
    inside = text[start : end if end > 0 else None] if start >= 0 else ""
    found = re.search(rf"^{re.escape(entry)}\t+{form}", inside, re.MULTILINE)
    if found is None:
        message = (
            f"{name!r} has no {entry!r} under [{block}], or not in NORDIF's form. Copy it again "
            "from the scan's folder."
        )
        raise MalformedFileError(message)
    return found


def _both(path: Path) -> tuple[Path | None, Path | None]:
    """Return the patterns and the settings of the folder, however their names are written."""
    folder = path if path.is_dir() else path.parent
    by_name = {entry.name.lower(): entry for entry in folder.iterdir() if entry.is_file()}
    return by_name.get(_PATTERNS), by_name.get(_SETTINGS)


def _text(settings: Path) -> str:
    with settings.open("rb") as file:
        return file.read(_MOST_SETTINGS_BYTES).decode("latin-1").replace("\r\n", "\n")
