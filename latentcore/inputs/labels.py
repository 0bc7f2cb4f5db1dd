"""Labels that a request names by a ``LABELS``: a column of a map, or the folder of a run."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, NOISE, as_labels
from latentcore.artifacts import RunFolder, read_run
from latentcore.containers import ScanGrid, ScanMaps
from latentcore.errors import RequestError
from latentcore.inputs.maps import chosen_maps, read_map
from latentcore.requests.map_specs import split_map_spec

# By verb, which table of a run holds labels, and in which column.
LABEL_TABLES = {
    "cluster": ("cluster_assignments__*.csv", "cluster"),
    "domains": ("domains.csv", "domain"),
    "grains": ("domains.csv", "domain"),
    "regions": ("labels.csv", "region"),
}
# Categories that say how indexing went, and divide no specimen.
_CODES = ("Error",)


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label at each of n points.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        `latentcore.analysis.agreement.MISSING` where the table holds none; −1 as it stands there.
    name : str
        Of the column.
    grid : ScanGrid
        Where the n points are.
    texts : dict of int to str
        What each label is called.
    dropped : int
        Rows of the file that held neither label nor number.
    """

    labels: NDArray[np.int32]
    name: str
    grid: ScanGrid
    texts: dict[int, str]
    dropped: int = 0

    @property
    def given(self) -> NDArray[np.bool_]:
        """Which points have a label, shape (n,): −1 (noise, not indexed, no latent) is none."""
        given: NDArray[np.bool_] = (self.labels != MISSING) & (self.labels != NOISE)
        return given

    def text(self, label: int) -> str:
        """Return what a label is called."""
        return self.texts.get(label, str(label))


def read_labels(spec: str, folder: RunFolder | None = None, reader: str | None = None) -> LabelMap:
    """Read the one column of labels that a ``LABELS`` argument means.

    Parameters
    ----------
    spec : str
        A ``MAP`` whose column holds labels, as whole numbers or texts, or the folder of a run of
        ``cluster``, ``domains``, ``grains`` or ``regions``.
    folder : RunFolder, optional
        Notes what is read.
    reader : str, optional
        Name of a maps reader.

    Raises
    ------
    RequestError
        If several columns are meant or none, it holds other numbers than whole ones, or the
        folder is of no such run.
    """
    table = table_of(spec)
    maps = read_map(table, folder, reader)
    if not split_map_spec(table)[1]:
        names = [name for name in maps.names if name in maps.categories and name not in _CODES]
        maps = chosen_maps(maps, names) if names else maps
    if len(maps) != 1:
        message = (
            f"One column of labels is needed, but {spec!r} holds {len(maps)}: "
            f"{', '.join(maps.names)}. Name one as {split_map_spec(spec)[0]}:COLUMN."
        )
        raise RequestError(message)
    return labels_of(maps)


def labels_of(maps: ScanMaps) -> LabelMap:
    """Return a single map as labels.

    Raises
    ------
    RequestError
        If it holds other numbers than whole ones.
    """
    (name,) = maps.names
    labels = as_labels(maps.values[0], name)
    return LabelMap(labels, name, maps.grid, dict(maps.categories.get(name, {})), maps.dropped)


def table_of(spec: str) -> str:
    """Return the ``MAP`` that the folder of a run stands for; every other spec as it is.

    Raises
    ------
    RequestError
        If the folder is of no run that leaves labels.
    """
    folder = Path(spec)
    if "://" in spec or not folder.is_dir():
        return spec
    record = read_run(folder)
    if record is None or record["verb"] not in LABEL_TABLES:
        what = "no finished run" if record is None else f"a run of {record['verb']!r}"
        message = (
            f"{spec!r} is {what}, so it holds no labels. Give a run of "
            f"{', '.join(LABEL_TABLES)}, or FILE:COLUMN."
        )
        raise RequestError(message)
    pattern, column = LABEL_TABLES[record["verb"]]
    names = [name for name in record.get("files", {}) if fnmatch(name, pattern)]
    if len(names) != 1:
        message = (
            f"The run {spec!r} lists {len(names)} tables {pattern!r}, where one holds the labels. "
            f"Name a table as FILE:{column}."
        )
        raise RequestError(message)
    return f"{folder / names[0]}:{column}"
