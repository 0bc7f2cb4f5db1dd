"""DREAM3D's files, tiny, in the layouts of versions 7 and 8.

Sources: the reference manual of DREAM.3D 6.5 (native file format) and the file specification of
simplnx; the numbers of crystal structures from EbsdLib.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["write_dream3d"]

ANGLES = (0.3, 0.7, 1.1)


def write_dream3d(
    path: Path, cells: dict[str, NDArray[np.generic]], *, spacing: float = 1.0,
    origin: tuple[float, float] = (0.0, 0.0), new: bool = False,
) -> Path:  # fmt: skip
    """Write cell arrays of the shape (z, y, x, components), with an ensemble of two phases."""
    sizes = next(iter(cells.values())).shape[2::-1]
    with h5py.File(path, "w") as file:
        file.attrs["FileVersion"] = "8.0" if new else "7.0"
        top = "DataStructure/Image" if new else "DataContainers/ImageDataContainer"
        geometry = file.create_group(top if new else f"{top}/_SIMPL_GEOMETRY")
        values = {
            "DIMENSIONS": np.array(sizes, np.int64), "ORIGIN": np.array([*origin, 0], np.float32),
            "SPACING": np.array([spacing, spacing, 1], np.float32),
        }  # fmt: skip
        for name, value in values.items():
            if new:
                geometry.attrs[f"_{name}"] = value
            else:
                geometry[name] = value
        matrices = {"Cell Data" if new else "CellData": (3, cells), "CellEnsembleData": (11, {
            "CrystalStructures": np.array([[999], [1], [0]], np.uint32),
            "LatticeConstants": np.array(
                [[0] * 6, [3.6] * 3 + [90] * 3, [2.9, 2.9, 4.7, 90, 90, 120]], np.float32
            ),
            "MaterialName": np.array([b"Invalid Phase", b"Nickel", b"Titanium"]),
        })}  # fmt: skip
        for name, (kind, arrays) in matrices.items():
            group = file.create_group(f"{top}/{name}")
            group.attrs["ObjectType" if new else "AttributeMatrixType"] = (
                "AttributeMatrix" if new else np.array([kind], np.uint32)
            )
            for called, array in arrays.items():
                group[called] = array
                if called in cells:
                    group[called].attrs["TupleDimensions"] = np.array(sizes, np.uint64)
                    group[called].attrs["ComponentDimensions"] = np.array([array.shape[3]])
    return path
