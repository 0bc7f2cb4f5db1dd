"""The samples that several latents have in common, and what is known of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder, read_run
from latentcore.containers import ScanGrid, sample_rows
from latentcore.errors import JoinError, RequestError
from latentcore.inputs.latents import read_latents, told_apart
from latentcore.workflows.compare.request import CompareRequest

_FEWEST = 4
_MOST = 12


@dataclass(frozen=True, eq=False)
class Encoded:
    """One set of latents, at the samples that all have.

    Attributes
    ----------
    name : str
        File stem, made different from the others'.
    values : ndarray of float32, shape (n, d)
        Finite.
    n_given : int
        Samples of the file that have a latent.
    made_by : dict
        What its run says: verb, encoder, seconds; and the file's size in bytes.
    """

    location: str
    name: str
    values: NDArray[np.float32]
    n_given: int
    made_by: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Common:
    """Several latents at the samples that all have, in the order of the first file.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        In the first file.
    """

    latents: tuple[Encoded, ...]
    rows: NDArray[np.int64]
    sample_ids: NDArray[np.str_]
    grid: ScanGrid | None

    def __len__(self) -> int:
        return len(self.rows)


def read_common(request: CompareRequest, folder: RunFolder) -> Common:
    """Read latents and keep the samples that all of them have.

    Raises
    ------
    RequestError
        If fewer than two or more than 12 files are named, or one of them twice.
    JoinError
        If fewer than four samples are common.
    """
    locations = request.latents
    _refuse_number(locations)
    sets = [
        read_latents(
            location, folder, coords=request.coords, reader=request.reader, roi=request.roi
        )
        for location in locations
    ]
    first, names = sets[0], told_apart(locations)
    rows = np.stack([np.arange(len(first)), *(sample_rows(first, other) for other in sets[1:])])
    present = np.stack([(own >= 0) & one.encoded[own] for own, one in zip(rows, sets, strict=True)])
    common = np.flatnonzero(present.all(axis=0))
    if len(common) < _FEWEST:
        matched = ", ".join(
            f"{name} {int(own.sum()):,}" for name, own in zip(names[1:], present[1:], strict=True)
        )
        message = (
            f"{len(common)} samples have a latent in all files, but at least {_FEWEST} are needed. "
            f"{names[0]} has {int(present[0].sum()):,}; of these have: {matched}. Give latents of "
            "the same samples."
        )
        raise JoinError(message)
    encoded = [
        Encoded(location, name, one.rows(own[common]), int(one.encoded.sum()), _made_by(location))
        for location, name, one, own in zip(locations, names, sets, rows, strict=True)
    ]
    grid = None if first.grid is None else first.grid.take(common)
    return Common(tuple(encoded), common, first.sample_ids[common], grid)


def _refuse_number(locations: Sequence[str]) -> None:
    if not 2 <= len(locations) <= _MOST:
        message = (
            f"{len(locations)} sets of latents were given, but 2 to {_MOST} can be compared. Name "
            "the files of latents of the same samples."
        )
        raise RequestError(message)
    twice = [location for location, n in Counter(locations).items() if n > 1]
    if twice:
        message = f"{twice[0]!r} was named twice. Name each set of latents once."
        raise RequestError(message)


def _made_by(location: str) -> dict[str, Any]:
    path = Path(location)
    if "://" in location or not path.is_file():
        return {}
    found: dict[str, Any] = {"bytes": path.stat().st_size}
    record = read_run(path.parent)
    if record is None:
        return found
    encoder = record.get("request", {}).get("checkpoint")
    return found | {
        "verb": record["verb"],
        "encoder": None if encoder is None else Path(str(encoder)).name,
        "seconds": _seconds(record, path.name),
    }


def _seconds(record: dict[str, Any], name: str) -> float | None:
    """Return how long it took to encode a file, where its run says so."""
    files = record.get("summary", {}).get("latents")
    said = files.get(name) if isinstance(files, dict) else None
    seconds = said.get("seconds") if isinstance(said, dict) else None
    return seconds if isinstance(seconds, int | float) else None
