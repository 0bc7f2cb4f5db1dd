"""Latents on their way to completion, in a form that survives a kill at any moment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

_VALUES_FILE = "latents.f32"
_JOURNAL_FILE = "journal.json"
# Syncing costs some milliseconds; a kill costs at most this much work.
_COMMIT_EVERY_S = 1.0


@dataclass(frozen=True)
class Counts:
    """How far an extraction is.

    Attributes
    ----------
    rows : int
        Kept samples that are done.
    not_finite : int
        Of these, samples with NaN or infinite pixels; their latents are NaN.
    constant : int
        Of these, samples whose pixels are all the same; they were encoded as zeros.
    damaged : Mapping of str to str
        Of these, by their ids, samples that can't be read, and why; their latents are NaN.
    """

    rows: int = 0
    not_finite: int = 0
    constant: int = 0
    damaged: Mapping[str, str] = field(default_factory=dict)


class PartialLatents:
    """A raw float32 file that grows, and a journal that says how much of it counts.

    Rows are appended and synced first; then the journal is replaced in one step. Whatever lies
    behind the journal's last row was in flight when the process died, and is cut off.

    Parameters
    ----------
    folder : Path
        Made if it doesn't exist. One extraction at a time may use it.
    question : str
        A partial result of another question is thrown away.
    """

    def __init__(self, folder: Path, question: str, latent_dim: int) -> None:
        self._folder = folder
        self._question = question
        self._latent_dim = latent_dim
        folder.mkdir(parents=True, exist_ok=True)
        self.counts = self._committed()
        self._file = (folder / _VALUES_FILE).open("ab")
        self._file.truncate(self.counts.rows * self._bytes_per_row)
        self._committed_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # What was computed before a cancel or an error counts.
            self.commit()
        finally:
            self._file.close()

    def append(
        self,
        latents: NDArray[np.float32],
        *,
        not_finite: int,
        constant: int,
        damaged: Mapping[str, str],
    ) -> None:
        """Add the latents of the next samples, float32 (b, d)."""
        self._file.write(np.ascontiguousarray(latents, np.float32).data)
        self.counts = Counts(
            self.counts.rows + len(latents),
            self.counts.not_finite + not_finite,
            self.counts.constant + constant,
            {**self.counts.damaged, **damaged},
        )
        if time.monotonic() - self._committed_at >= _COMMIT_EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Make everything appended so far survive a kill, and a power failure."""
        self._file.flush()
        os.fsync(self._file.fileno())
        journal = json.dumps({"question": self._question, **asdict(self.counts)})
        temporary = self._folder / f"{_JOURNAL_FILE}.tmp"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(journal)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / _JOURNAL_FILE)
        self._committed_at = time.monotonic()

    def read(self) -> NDArray[np.float32]:
        """Return the committed latents, shape (rows, d)."""
        values = np.fromfile(
            self._folder / _VALUES_FILE, np.float32, self.counts.rows * self._latent_dim
        )
        return values.reshape(self.counts.rows, self._latent_dim)

    @property
    def _bytes_per_row(self) -> int:
        return 4 * self._latent_dim

    def _committed(self) -> Counts:
        try:
            journal = json.loads((self._folder / _JOURNAL_FILE).read_text(encoding="utf-8"))
            if journal.pop("question") != self._question:
                return Counts()
            counts = Counts(**journal)
            size = (self._folder / _VALUES_FILE).stat().st_size
            return counts if size >= counts.rows * self._bytes_per_row else Counts()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Counts()
