"""Several latents of one encoder, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Partitions
from latentcore.errors import RequestError
from latentcore.inputs.encoders import made, refuse_other_encoders
from latentcore.inputs.latents import read_latents, told_apart

if TYPE_CHECKING:
    import pandas as pd

_MOST = 50


@dataclass(frozen=True, eq=False)
class SeveralLatents:
    """Latents of several files as one set.

    Attributes
    ----------
    latents : LatentSet
        Of all files, in their order. Of several its partition is the file; it has no grid, as
        scans lie in planes of their own.
    names : tuple of str
        Of the files.
    codes : ndarray of int32, shape (n,)
        Which file a sample is of.
    places : Mapping of str to ndarray, each (n,)
        x and y in the plane of its own scan; empty where one of the files has none.
    encoder : str or None
        Fingerprint of what made them, where it is known.
    """

    latents: LatentSet
    names: tuple[str, ...]
    codes: NDArray[np.int32]
    places: Mapping[str, NDArray[np.generic]]
    encoder: str | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, latents: LatentSet, location: str) -> SeveralLatents:
        """Return a single file's latents, as they are."""
        codes = np.zeros(len(latents), np.int32)
        return cls(latents, tuple(told_apart([location])), codes, {}, made(latents).encoder)

    @property
    def counts(self) -> dict[str, int]:
        """How many samples each file has."""
        n = np.bincount(self.codes, minlength=len(self.names)).tolist()
        return dict(zip(self.names, n, strict=True))

    def labeled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table of all samples with x and y where there are any, and a column source."""
        names = np.array(self.names, object)
        labeled = table.assign(source=names[self.codes], **self.places)
        first = [name for name in ("source", "sample_id", "x", "y") if name in labeled]
        return labeled[[*first, *(name for name in labeled if name not in first)]]


def read_several(locations: Sequence[str], folder: RunFolder, **given: Any) -> SeveralLatents:
    """Read latents of several files that one encoder made.

    Parameters
    ----------
    **given
        Of `latentcore.inputs.latents.read_latents`, for each file.

    Raises
    ------
    RequestError
        If there are more than 50 files, one is named twice, or different encoders made them.
    """
    if len(set(locations)) < len(locations) or len(locations) > _MOST:
        message = (
            f"{len(locations)} files of latents were named, {len(set(locations))} different ones; "
            f"2 to {_MOST} different ones can be one set. Name each file once."
        )
        raise RequestError(message)
    sets = [read_latents(location, folder, **given) for location in locations]
    names = told_apart(locations)
    notes = refuse_other_encoders([made(one) for one in sets], names)
    codes = np.repeat(np.arange(len(sets), dtype=np.int32), [len(one) for one in sets])
    merged = replace(
        sets[0],
        values=np.concatenate([one.values for one in sets]),
        stored=None,
        sample_ids=np.concatenate([one.sample_ids for one in sets]),
        grid=None,
        partition=Partitions(tuple(names), codes),
        labels=None,
        targets=None,
        fingerprint="",
    )
    return SeveralLatents(
        merged, tuple(names), codes, _places(sets), made(sets[0]).encoder, tuple(notes)
    )


def _places(sets: Sequence[LatentSet]) -> dict[str, NDArray[np.generic]]:
    grids = [one.grid for one in sets if one.grid is not None]
    if len(grids) < len(sets):
        return {}
    x, y = zip(*(grid.plain_coordinates() for grid in grids), strict=True)
    return {"x": np.concatenate(x), "y": np.concatenate(y)}
