"""The samples that latents were made of, where their file is still there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.artifacts.latents_hdf5 import latents_name
from latentcore.containers import InputRecord, LatentSet, sample_rows
from latentcore.errors import InputError
from latentcore.readers import open_samples

# A server doesn't open what somebody's file names: a page says which samples, or none.
NONE = "none"


@dataclass(frozen=True, eq=False)
class FoundSamples:
    """Samples and where each latent's lies among them.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        −1 where a latent has no sample.
    """

    location: str
    reader: str
    rows: NDArray[np.int64]

    def read(self, latents: NDArray[np.integer]) -> list[NDArray[np.generic] | None]:
        """Return the samples of some latents, (C, H, W) each; None where there is none."""
        wanted = self.rows[latents]
        there = np.unique(wanted[wanted >= 0])
        if len(there) == 0:
            return [None] * len(wanted)
        with open_samples(self.location, self.reader) as source:
            found = source.read(there)
        return [found[np.searchsorted(there, row)] if row >= 0 else None for row in wanted]


def find_samples(
    latents: LatentSet, location: str | None, folder: RunFolder
) -> tuple[FoundSamples | None, str]:
    """Find the samples of latents.

    Parameters
    ----------
    location : str or None
        Where they are; `NONE` where they are not wanted; None for the file that the latents' own
        record names, if it is still there and unchanged.
    folder : RunFolder
        Notes what is read.

    Returns
    -------
    FoundSamples or None
    str
        Why there are none; empty where there are.
    """
    if location == NONE:
        return None, ""
    if location is not None:
        return _open(latents, location, None, folder), ""
    record = _recorded(latents)
    if record is None:
        return None, "The latents don't say what they were made of: give --samples LOCATION."
    try:
        return _open(latents, record.location, record.reader, folder, record.fingerprint), ""
    except InputError as error:
        return None, f"There are no thumbnails: {error}"


def _recorded(latents: LatentSet) -> InputRecord | None:
    """Return the record of the one file of samples that the latents were made of."""
    named = () if latents.provenance is None else latents.provenance.inputs
    records = [record for record in named if record.role == "samples"]
    if len(records) > 1 and latents.ref is not None:
        # An extraction of several files writes one file of latents for each.
        own = Path(latents.ref.location).name
        records = [record for record in records if latents_name(record.location) == own]
    return records[0] if len(records) == 1 else None


def _open(
    latents: LatentSet,
    location: str,
    reader: str | None,
    folder: RunFolder,
    fingerprint: str | None = None,
) -> FoundSamples:
    with open_samples(location, reader) as source:
        if fingerprint is not None and source.fingerprint() != fingerprint:
            message = f"{location!r} has changed since the latents were made of it."
            raise InputError(message)
        rows = sample_rows(latents, source)
        if not (rows >= 0).any():
            message = f"Not one of the latents belongs to a sample of {location!r}."
            raise InputError(message)
        folder.add_input(location, source.ref.reader, source.fingerprint(), "samples")
        return FoundSamples(location, source.ref.reader, rows)
