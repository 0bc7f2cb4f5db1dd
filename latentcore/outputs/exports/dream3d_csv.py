"""DREAM3D's feature CSV of a label map, and the features' ids cell by cell.

Facts, from SIMPL's documentation of "Write Feature Data as CSV File": the first line is the number
of features; then a table that begins with ``Feature_ID``, counted from 1; then of each feature its
id, how many neighbors it has, and their ids. Feature 0 stands for cells of none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import quantities
from latentcore.containers.neighborhoods import neighbor_pairs, on_rim
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports._phases import grid_notes
from latentcore.outputs.exports._text import column_titles
from latentcore.outputs.exports.scan import ExportScan

if TYPE_CHECKING:
    import pandas as pd


class Dream3dCsv:
    """Writer of DREAM3D's feature CSV."""

    title = "DREAM3D features (.csv)"
    opens_in = "DREAM3D, spreadsheets"
    one_map = True

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.csv``, and ``<stem>_FeatureIds.txt`` with a line per cell, x fastest.

        The latter not of a hexagonal scan: cells are square there.
        """
        count = len(scan.labels[0].labels)
        neighbors = _neighbors(scan, count)
        table = _table(scan, [len(one) for one in neighbors])
        with folder.path(f"{stem}.csv").open("w", encoding="ascii", newline="") as file:
            file.write(f"{count}\n")
            table.to_csv(file, index=False, lineterminator="\n")
            file.write("Feature_ID,NumNeighbors,NeighborList\n")
            file.writelines(_lists(neighbors))
        notes = grid_notes(scan)
        if scan.grid.hexagonal:
            notes.append(
                "DREAM3D's cells are square, so the features' ids cell by cell are left out: read "
                "an .ang of this scan there, and convert its grid."
            )
        else:
            ids = scan.whole().at(scan.labels[0].indices, 0)
            np.savetxt(
                folder.path(f"{stem}_FeatureIds.txt"), ids, "%d", header="FeatureIds", comments=""
            )
        if scan.orientations is None:
            notes.append("There are no phases: all features have the phase 1.")
        return notes


EXPORT_FORMATS.register("dream3d-csv")(Dream3dCsv())


def _table(scan: ExportScan, n_neighbors: list[int]) -> pd.DataFrame:
    """Return a row per feature; sizes and means are of its points."""
    import pandas as pd

    column, grid = scan.labels[0], scan.grid
    own, count = column.indices, len(column.labels)

    def mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
        finite = np.isfinite(values)
        sums = np.bincount(own[finite], values[finite], count + 1)[1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = sums / np.bincount(own[finite], minlength=count + 1)[1:]
        return found

    cells = np.bincount(own, minlength=count + 1)[1:]
    edge = np.zeros(count + 1, np.int8)
    edge[own[on_rim(grid)]] = 1
    columns = {
        "Feature_ID": np.arange(1, count + 1),
        "Label": column.labels,
        "NumElements": cells,
        "EquivalentDiameters": 2 * np.sqrt(cells * grid.cell_area / np.pi),
        "Centroids_0": mean(grid.x),
        "Centroids_1": mean(grid.y),
        "SurfaceFeatures": edge[1:],
    }
    if scan.maps is not None:
        names = quantities(scan.maps)
        for title, name in zip(column_titles(names), names, strict=True):
            columns[f"Mean {title}"] = mean(scan.maps.get(name))
    columns["NumNeighbors"] = np.array(n_neighbors, int)
    columns["Phases"] = _phases(scan, own, count)
    return pd.DataFrame(columns)


def _phases(scan: ExportScan, own: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Return the phase that most of a feature's points have, 0 where none is indexed."""
    if scan.orientations is None:
        return np.ones(count, np.int64)
    phases = len(scan.orientations.phases) + 1
    pairs = own.astype(np.int64) * phases + scan.orientations.phase
    votes = np.bincount(pairs, minlength=(count + 1) * phases).reshape(count + 1, phases)[1:]
    votes[:, 0] = 0  # not indexed is no phase while there is another
    return np.where(votes.any(axis=1), votes.argmax(axis=1), 0)


def _neighbors(scan: ExportScan, count: int) -> list[NDArray[np.int64]]:
    """Return the ids of the features that share an edge of a cell with each, ascending."""
    ids = scan.labels[0].indices
    pairs = []
    for first, second in neighbor_pairs(scan.grid):
        one, other = ids[first], ids[second]
        border = (one != other) & (one > 0) & (other > 0)
        low, high = one[border].astype(np.int64), other[border].astype(np.int64)
        pairs += [low * (count + 1) + high, high * (count + 1) + low]
    own, neighbor = np.divmod(np.unique(np.concatenate(pairs)), count + 1)
    return np.split(neighbor, np.searchsorted(own, np.arange(2, count + 1)))


def _lists(neighbors: list[NDArray[np.int64]]) -> Iterator[str]:
    for number, ids in enumerate(neighbors, 1):
        yield ",".join(map(str, (number, len(ids), *ids.tolist()))) + "\n"
