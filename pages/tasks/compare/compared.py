"""What a run of ``compare`` found, laid on the points of the latents in view."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts.records import count, listed, mapping, number, read_record, text
from latentcore.cells import read_csv
from latentcore.containers import LatentSet, ScanGrid, match_rows
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from pages.access import places
from pages.jobs.latents_names import names_of

_REPORT = {
    "latents": mapping,
    **dict.fromkeys(("n", "k"), count),
    **dict.fromkeys(("shared_neighbors", "cka", "procrustes_disparity"), mapping),
    "shared_neighbors_by_chance": number,
    "encoders": listed(mapping),
    "snippet": text,
    "notes": listed(text),
}


@dataclass(frozen=True, eq=False)
class Compared:
    """Several sets of latents, held against each other at the n points of the first.

    Attributes
    ----------
    key : str
        Changes when the answer does.
    places : dict of str to str
        Where each set lies, by the name that the report gives it; the first is in view.
    pairs : dict of str to (str, str)
        The names of both, by the name that the report gives the pair.
    share : dict of str to ndarray of float32, shape (n,)
        Of each pair: share of nearest neighbors in common; NaN where it is not known.
    aligned : dict of str to ndarray of float32, shape (n, 2)
        Of each set: its place in the principal axes of the first; NaN where it has no latent.
    movers : pandas.DataFrame
        With ``row``: the point of the latents in view.
    """

    key: str
    folder: Path
    report: dict[str, Any]
    places: dict[str, str]
    pairs: dict[str, tuple[str, str]]
    share: dict[str, NDArray[np.float32]]
    aligned: dict[str, NDArray[np.float32]]
    movers: pd.DataFrame

    @property
    def called(self) -> dict[str, str]:
        """What the page calls each set, by its name in the report."""
        names = names_of(self.places.values())
        return {name: names[place] for name, place in self.places.items()}

    def pair_title(self, pair: str) -> str:
        """Return what the page calls a pair."""
        one, other = (self.called[name] for name in self.pairs[pair])
        return f"{one} and {other}"


def read_compared(record: JobRecord, latents: LatentSet, about: str) -> Compared:
    """Read what a finished job left; `about` changes when the latents in view do.

    Raises `InputError` if files are damaged, or of latents that this server may not show.
    """
    return _read(f"{about}|{record.run_id}|{record.ended}", record.folder, latents)


@st.cache_resource(max_entries=4, show_spinner="Reading …")
def _read(key: str, _folder: Path, _latents: LatentSet) -> Compared:
    report = read_record(_folder / "report.json", _REPORT, tuple(_REPORT))
    named = {name: places.place_of(location) for name, location in report["latents"].items()}
    pairs = {f"{a}~{b}": (a, b) for a, b in combinations(named, 2)}
    shares, aligned, movers = (
        _table(_folder / name) for name in ("shared_neighbors.csv", "aligned.csv", "movers.csv")
    )
    rows = _rows_of(shares, _latents)
    places_of = [name for name in ("x", "y", "sample_id") if name in shares]
    known = shares[places_of].assign(row=rows)
    return Compared(
        key, _folder, report, named, pairs,
        {pair: _spread(shares[[pair]], rows, len(_latents))[:, 0] for pair in pairs},
        {
            name: _spread(aligned[[f"{name} 0", f"{name} 1"]], rows, len(_latents))
            for name in named
        },
        movers.drop(columns="row").merge(known, on=places_of),
    )  # fmt: skip


def _table(path: Path) -> pd.DataFrame:
    try:
        return read_csv(path, dtype={"sample_id": str, "pair": str})
    except (OSError, ValueError) as error:
        message = f"{path.name} of this comparison can't be read ({error}). Compare once more."
        raise InputError(message) from error


def _rows_of(table: pd.DataFrame, latents: LatentSet) -> NDArray[np.int64]:
    """Return the point of each line of a table, by its coordinates or its sample id."""
    if latents.grid is not None and "x" in table:
        grid = ScanGrid.from_coordinates(table["x"].to_numpy(), table["y"].to_numpy())
        return match_rows(grid, latents.grid)
    row_of = {sample: row for row, sample in enumerate(latents.sample_ids.tolist())}
    return np.array([row_of.get(sample, -1) for sample in table["sample_id"].tolist()], np.int64)


def _spread(columns: pd.DataFrame, rows: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    found = np.full((n, columns.shape[1]), np.nan, np.float32)
    known = rows >= 0
    found[rows[known]] = columns.to_numpy(np.float32)[known]
    return found
