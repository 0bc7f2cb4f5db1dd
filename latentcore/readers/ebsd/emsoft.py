"""EMsoft: patterns simulated by EMEBSD.

Facts: ``EMData/EBSD/EBSDPatterns`` is (N, h, w), or (rows, columns, h, w); ``EulerAngles`` (N, 3)
are in rad. A list of simulated patterns has no places: they are asked for, by the option
``shape=ROWSxCOLUMNS`` (row by row) or ``coords=TABLE`` with the x and y of each pattern.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from latentcore.containers import SourceRef
from latentcore.hdf5 import dataset, follow
from latentcore.readers._coords import grid_from_coords
from latentcore.readers._ebsd.conventions import EMSOFT
from latentcore.readers._ebsd.fields import Phase
from latentcore.readers._ebsd.places import Header, asked_shape, row_major
from latentcore.readers._ebsd.scan import Options, Placed, Vendor
from latentcore.readers._hdf5_rows import Hdf5GridRows, Hdf5Rows
from latentcore.readers._peek import Peek
from latentcore.readers.ebsd import VENDORS

_SCAN = "EMData"
_PATTERNS = f"{_SCAN}/EBSD/EBSDPatterns"
_NO_GRID = (
    "The file has no scan grid. Maps and neighbors need one: open it with "
    "'emsoft-hdf5:shape=ROWSxCOLUMNS' as the reader, or 'emsoft-hdf5:coords=TABLE' with a table of "
    "the x and y of each pattern."
)


class _Emsoft(Vendor):
    """Facts that are not in a table."""

    def claims(self, peek: Peek) -> bool:
        return _SCAN in peek.hdf5_keys

    def scans(self, file: h5py.File) -> tuple[str, ...]:
        return (_SCAN,) if isinstance(follow(file, f"{_SCAN}/EBSD"), h5py.Group) else ()

    def patterns_key(self, file: h5py.File, scan: str, options: Options) -> str | None:
        del scan, options  # there is one of each
        return _PATTERNS if isinstance(follow(file, _PATTERNS), h5py.Dataset) else None

    def rows(self, file: h5py.File, key: str) -> Hdf5Rows:
        return Hdf5GridRows(file, key) if dataset(file, key).ndim == 4 else Hdf5Rows(file, key)

    def placed(self, file: h5py.File, scan: str, n: int, options: Options) -> Placed:
        del scan
        name = Path(file.filename).name
        if "coords" in options:
            return Placed(grid_from_coords(n, SourceRef(name, "", options)))
        shape = asked_shape(options, n, name) or _own_shape(file)
        if shape is None:
            return Placed(None, (_NO_GRID,))
        return Placed(row_major(Header(shape[1], shape[0], (1.0, 1.0), ""), n))

    def points(self, file: h5py.File, scan: str) -> int:
        found = follow(file, f"{scan}/{self.data}/{self.euler[0]}")
        return (found.shape or (0,))[0] if isinstance(found, h5py.Dataset) else 0

    def has_maps(self, file: h5py.File, scan: str, options: Options) -> bool:
        placed = bool({"shape", "coords"} & set(options)) or _own_shape(file) is not None
        return placed and self.points(file, scan) > 0

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        del file, scan  # the crystal is that of the simulation, not of a point
        return {}


VENDORS.register("emsoft-hdf5")(
    _Emsoft(
        label="EMsoft .h5",
        maker="emsoft",
        patterns={"simulated": "EBSDPatterns"},
        data="EBSD",
        euler=("EulerAngles",),
        euler_convention=EMSOFT,
        options=frozenset({"shape", "coords"}),
    )
)


def _own_shape(file: h5py.File) -> tuple[int, int] | None:
    found = follow(file, _PATTERNS)
    if isinstance(found, h5py.Dataset) and len(found.shape or ()) == 4:
        return found.shape[0], found.shape[1]
    return None
