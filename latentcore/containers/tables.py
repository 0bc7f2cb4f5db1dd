"""What is known of samples that lie on no scan grid: a table's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.columns import Columns
from latentcore.containers.latents import LatentSet
from latentcore.containers.samples import SourceRef
from latentcore.errors import JoinError, RequestError, ShapeError

JoinedBy = Literal["id", "order"]

# What preparation and extraction put into a file's name: of one file are
# "A_preproc_std.h5", "A_latents_std.h5" and "A_preproc_std_latents.h5".
_STAGES = ("_preproc", "_latents", "_cutouts")


# Readers give times as decimal years: days since the beginning of 1970 by the Julian year.
EPOCH_YEAR, DAYS_PER_YEAR = 1970.0, 365.25


@dataclass(frozen=True, eq=False)
class SampleColumns(Columns):
    """A table's columns at the samples of a set of latents.

    Attributes
    ----------
    values : ndarray of float32, shape (k, n)
        NaN where the table knows nothing. A column of categories holds whole numbers.
    names, units : tuple of str
        One per column.
    categories : Mapping of str to Mapping of int to str
        For each column of categories the name of each number.
    joined_by : {"id", "order"}
        How rows found their samples; to be recorded with whatever is made of them.
    unmatched : int
        How many of the n samples are not in the table.
    unused : int
        How many of the table's rows belong to no sample.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    units: tuple[str, ...]
    categories: Mapping[str, Mapping[int, str]]
    joined_by: JoinedBy
    unmatched: int
    unused: int


@dataclass(frozen=True, eq=False)
class SampleTable(Columns):
    """k values of each of m samples.

    Attributes
    ----------
    values : ndarray of float64, shape (k, m)
        NaN where a cell is no number. A column of categories holds whole numbers.
    names, units : tuple of str
        One per column; ``""`` where there is no unit or it is unknown.
    sample_ids : ndarray of str, shape (m,), or None
        Which sample a row is about: ``"train/17"``; ``""`` where it doesn't say. None where the
        table has no columns for it.
    files : ndarray of str, shape (m,), or None
        The file that a row's sample lies in, where the table is about several.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    units: tuple[str, ...]
    sample_ids: NDArray[np.str_] | None = None
    files: NDArray[np.str_] | None = None
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    ref: SourceRef | None = None
    fingerprint: str = ""

    def __post_init__(self) -> None:
        k, m = self.values.shape if self.values.ndim == 2 else (-1, -1)
        lengths = {m, *(len(one) for one in (self.sample_ids, self.files) if one is not None)}
        if k != len(self.names) or k != len(self.units) or len(lengths) > 1:
            message = (
                f"{len(self.names)} columns with {len(self.units)} units can't go with values of "
                f"shape {self.values.shape} and {sorted(lengths)} rows."
            )
            raise ShapeError(message)

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def at(self, latents: LatentSet, by: JoinedBy = "id") -> SampleColumns:
        """Return the columns at the samples of latents.

        Parameters
        ----------
        latents : LatentSet
            n samples.
        by : {"id", "order"}
            Rows find their samples by what the table says of them; or, if that is asked for,
            the first row is of the first sample, and so on.

        Returns
        -------
        SampleColumns
            In the latents' order.

        Raises
        ------
        JoinError
            If the table doesn't say which samples its rows are about, says it twice of one, is
            about other samples; or, by order, has another number of rows.
        RequestError
            If `by` is neither.
        """
        if by not in get_args(JoinedBy):
            message = f"Tables are joined by {' or '.join(get_args(JoinedBy))}, not by {by!r}."
            raise RequestError(message)
        rows = self._by_order(latents) if by == "order" else self._by_id(latents)
        found = rows >= 0
        return SampleColumns(
            values=self.at_rows(rows),
            names=self.names,
            units=self.units,
            categories=self.categories,
            joined_by=by,
            unmatched=int((~found).sum()),
            unused=len(self) - int(found.sum()),
        )

    def _by_order(self, latents: LatentSet) -> NDArray[np.int64]:
        if len(self) != len(latents):
            message = (
                f"{self._name} has {len(self)} rows, but there are {len(latents)} samples. By "
                "order only a table with one row per sample can be joined."
            )
            raise JoinError(message)
        return np.arange(len(self))

    def _by_id(self, latents: LatentSet) -> NDArray[np.int64]:
        """Return for each sample its row in the table, or -1."""
        if self.sample_ids is None:
            message = (
                f"{self._name} doesn't say which samples its rows are about. Its columns are "
                f"{', '.join(self.names[:12])}. Add 'sample_id' (such as train/17), or 'partition' "
                "and 'row', or nenya's 'pp_type' and 'pp_idx'; or join by order (by='order') if "
                "its rows are the samples', one by one."
            )
            raise JoinError(message)
        mine = np.flatnonzero((self.sample_ids != "") & self._of_file(latents))
        ids, counts = np.unique(self.sample_ids[mine], return_counts=True)
        if (counts > 1).any():
            message = (
                f"{self._name} has {int(counts[counts > 1].sum())} rows that share their sample "
                f"with another, such as {str(ids[counts > 1][0])!r}. Keep one row per sample."
            )
            raise JoinError(message)
        order = mine[np.argsort(self.sample_ids[mine])]
        place = np.searchsorted(self.sample_ids[order], latents.sample_ids)
        rows = np.full(len(latents), -1, np.int64)
        within = place < len(order)
        candidates = order[place[within]]
        same = self.sample_ids[candidates] == latents.sample_ids[within]
        rows[np.flatnonzero(within)[same]] = candidates[same]
        if (rows < 0).all():
            shown = f"such as {str(ids[0])!r}" if len(ids) else "of this file none"
            message = (
                f"None of the {len(latents)} samples is in {self._name}: the samples are called "
                f"such as {str(latents.sample_ids[0])!r}, its rows {shown}. Give the table of "
                "these samples."
            )
            raise JoinError(message)
        return rows

    def _of_file(self, latents: LatentSet) -> NDArray[np.bool_]:
        """Tell which rows are about the file that the latents come from."""
        if self.files is None:
            return np.ones(len(self), np.bool_)
        names = np.unique(self.files[self.files != ""])
        stems = np.array([_stem(name) for name in names])
        if len(names) < 2:
            return np.ones(len(self), np.bool_)
        location = "" if latents.ref is None else latents.ref.location
        chosen = names[stems == _stem(location)]
        if len(chosen) == 0:
            shown = ", ".join(repr(Path(name).name) for name in names[:4])
            message = (
                f"{self._name} is about {len(names)} files ({shown}{' …' * (len(names) > 4)}), of "
                f"which none belongs to {Path(location).name!r} by its name. Give the latents "
                "their file's name again, or keep only the rows of that file."
            )
            raise JoinError(message)
        return np.isin(self.files, chosen)

    @property
    def _name(self) -> str:
        return "The table" if self.ref is None else repr(Path(self.ref.location).name)


def _stem(name: str) -> str:
    """Return a file's name without folder, ending, and the stage of the work."""
    stem = Path(name).stem
    for stage in _STAGES:
        stem = stem.replace(stage, "")
    return stem
