"""NORDIF's binary scans: ``Pattern.dat`` beside ``Setting.txt``.

Facts: the patterns follow each other as bytes, without a header; the settings are latin-1 text
with tabs and blocks in brackets: *Resolution* (width × height) under ``[Acquisition settings]``,
*Number of samples* (rows × columns) and *Step size* (µm) under ``[Area]``. A stopped scan has
fewer patterns than samples. The location may be the folder or either file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentcore.containers import SampleSource, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._ebsd.places import Header, row_major
from latentcore.readers._patterns.records import MappedRows
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource, written_rows
from latentcore.storage import local_path
from latentcore.storage.companions import leads_away

_MARK = "[NORDIF]"
_PATTERNS, _SETTINGS = "pattern.dat", "setting.txt"
_MOST_SETTINGS_BYTES = 1 << 20
_MOST_PIXELS = 1 << 28


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
        rows = _patterns(data, (found.height, found.width))
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


def _patterns(path: Path, size: tuple[int, int]) -> MappedRows:
    """Open all patterns that the file holds whole.

    Raises
    ------
    MalformedFileError
        If there is not a single one.
    """
    row_bytes, held = math.prod(size), path.stat().st_size
    if held < row_bytes:
        message = (
            f"{path.name!r} has {held:,} bytes, less than one pattern of {size[0]} × {size[1]} "
            "pixels. Copy it again."
        )
        raise MalformedFileError(message)
    starts = row_bytes * np.arange(held // row_bytes, dtype=np.int64)
    return MappedRows(path, starts, size, np.dtype(np.uint8))


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
    by_name = {
        entry.name.lower(): entry
        for entry in folder.iterdir()
        if entry.is_file() and not leads_away(entry, path)
    }
    return by_name.get(_PATTERNS), by_name.get(_SETTINGS)


def _text(settings: Path) -> str:
    with settings.open("rb") as file:
        return file.read(_MOST_SETTINGS_BYTES).decode("latin-1").replace("\r\n", "\n")
