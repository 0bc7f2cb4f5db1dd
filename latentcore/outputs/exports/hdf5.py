"""HDF5 with everything: points, labels with their names, maps with their units, where all is from.

Points stand in the order of the label map; ``grid/row`` and ``grid/col`` place them. Of a hexagonal
grid the attribute ``shifted_rows`` says which rows, counted from 0, lie half a step to the right.
"""

from __future__ import annotations

import h5py
import numpy as np

from latentcore.artifacts import RunFolder, to_json
from latentcore.containers import ScanMaps
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports._hdf5 import dataset_name
from latentcore.outputs.exports.scan import ExportScan


class Hdf5:
    """Writer of an HDF5 file that is read with any library."""

    title = "HDF5 with everything (.h5)"
    opens_in = "Python, MATLAB, HDFView"
    one_map = False

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.h5``."""
        with h5py.File(folder.path(f"{stem}.h5"), "w") as file:
            file.attrs["encoding-type"], file.attrs["encoding-version"] = "latentcore-export", "1"
            file.attrs["provenance"] = to_json(scan.provenance)
            _write_grid(file.create_group("grid"), scan)
            labels = file.create_group("labels")
            for one in scan.labels:
                column = labels.create_dataset(dataset_name(one.name, labels), data=one.values)
                column.attrs["missing"] = -1
                column.attrs["names"] = to_json(one.texts)
            _write_maps(file, "maps", scan.maps)
            _write_maps(file, "source", scan.source)
            if scan.orientations is not None:
                source = file["source"]
                source.attrs["orientations"] = to_json(scan.orientations.record)
                source["phase_of_header"] = scan.orientations.phase
        return []


EXPORT_FORMATS.register("hdf5")(Hdf5())


def _write_grid(group: h5py.Group, scan: ExportScan) -> None:
    grid = scan.grid
    group.attrs["shape"], group.attrs["step"] = np.array(grid.shape), np.array(grid.step)
    group.attrs["unit"] = grid.unit
    group.attrs["kind"] = grid.kind
    group.attrs["shifted_rows"] = grid.shifted_rows
    for name, values in (("x", grid.x), ("y", grid.y), ("row", grid.row), ("col", grid.col)):
        group[name] = values


def _write_maps(file: h5py.File, name: str, maps: ScanMaps | None) -> None:
    if maps is None:
        return
    group = file.create_group(name)
    group.attrs["euler_convention"] = maps.euler_convention
    for called, unit, values in zip(maps.names, maps.units, maps.values, strict=True):
        column = group.create_dataset(dataset_name(called, group), data=values)
        column.attrs["unit"] = unit
        if called in maps.categories:
            column.attrs["names"] = to_json(maps.categories[called])
