"""Bruker Esprit: ``.h5`` of Esprit 2.

Facts: a region of interest may be any part of the map, in any order; ``EBSD/SEM/IX`` and ``IY``
(``SEM IX`` in older files) give each point's cell in the whole map, and only then NCOLS and NROWS
are those of the whole map. Angles in degrees.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.readers._coords import grid_of
from latentcore.readers._ebsd.conventions import BRUKER
from latentcore.readers._ebsd.fields import column, points_in
from latentcore.readers._ebsd.places import Header, says_hexagonal
from latentcore.readers._ebsd.scan import Options, Placed, Vendor
from latentcore.readers.ebsd import VENDORS

_CELLS = (("EBSD/SEM/IX", "EBSD/SEM/IY"), ("SEM/IX", "SEM/IY"), ("SEM/SEM IX", "SEM/SEM IY"))
# A coordinate further off its cell than this share of a step belongs to something else.
_OFF_CELL = 0.1


class _Bruker(Vendor):
    """Facts that are not in a table."""

    def placed(self, file: h5py.File, scan: str, n: int, options: Options) -> Placed:
        cells = _cells(file, scan, n)
        if cells is None or says_hexagonal(file, f"{scan}/EBSD/Header"):
            return super().placed(file, scan, n, options)
        name = Path(file.filename).name
        header = self.header(file, scan).checked(n, name)
        col, row = cells
        # The cells alone decide, so that a cell taken twice is found out.
        grid = grid_of(col, row, name, step=(1.0, 1.0))
        dx, dy = header.step
        x, y = col * dx, row * dy
        given = self._coordinates(file, scan, n)
        if given is not None:
            x = _measured(np.asarray(given[0], np.float64), x, dx)
            y = _measured(np.asarray(given[1], np.float64), y, dy)
        placed = ScanGrid(grid.shape, grid.row, grid.col, x, y, header.step, header.unit)
        return Placed(placed, _part_of(header, placed))


VENDORS.register("bruker-hdf5")(
    _Bruker(
        label="Bruker Esprit .h5",
        maker="bruker",
        patterns={"raw": "RawPatterns"},
        pattern_hint="Esprit saves them if 'RawPatterns' are chosen when it exports HDF5.",
        cells=("NCOLS", "NROWS"),
        steps=("XSTEP", "YSTEP"),
        places=("X SAMPLE", "Y SAMPLE"),
        not_maps=frozenset(
            {"X SAMPLE", "Y SAMPLE", "Z SAMPLE", "X BEAM", "Y BEAM", "phi1", "PHI", "phi2"}
        ),
        renamed={"Phase": "phase"},
        first=("RadonQuality", "phase", "MAD", "NIndexedBands"),
        units={"MAD": "°"},
        euler=("phi1", "PHI", "phi2"),
        euler_convention=BRUKER,
        euler_unit="°",
    )
)


def _cells(
    file: h5py.File, scan: str, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    for names in _CELLS:
        keys = [f"{scan}/{name}" for name in names]
        if all(points_in(file, key) >= n for key in keys):
            col, row = (np.asarray(column(file, key)[:n], np.float64) for key in keys)
            return col, row
    return None


def _measured(
    given: NDArray[np.float64], cell: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Return the coordinates of the file where they follow the cells, else the cells' own."""
    offset = given - cell
    follows = np.isfinite(offset).all() and np.ptp(offset) <= 2 * _OFF_CELL * step
    return given if follows else cell


def _part_of(header: Header, grid: ScanGrid) -> tuple[str, ...]:
    rows, columns = grid.shape
    if (columns, rows) == (header.columns, header.rows) and len(grid) == rows * columns:
        return ()
    note = (
        f"A region of {columns} × {rows} cells with {len(grid):,} points, out of a map of "
        f"{header.columns} × {header.rows}."
    )
    return (note,)
