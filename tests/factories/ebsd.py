"""Vendors' EBSD files, tiny, with the names, types and shapes that the vendors use.

Sources: H5OINAFile.md of github.com/oinanoanalysis/h5oina (Oxford); the files and the notes of
kikuchipy's documentation on the other vendors' layouts.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "VENDORS", "flat_images", "write_bruker", "write_edax", "write_emsoft", "write_kikuchipy",
    "write_nordif", "write_orix", "write_oxford",
]  # fmt: skip

Coords = NDArray[np.integer]
Images = NDArray[np.generic] | None
Values = NDArray[np.generic] | None
STEP = 0.25
EULER = (0.3, 0.7, 1.1)


def flat_images(values: NDArray[np.generic], size: tuple[int, int] = (3, 4)) -> NDArray[np.uint8]:
    """Return patterns (n, H, W) that are as bright as the values."""
    return np.repeat(values, size[0] * size[1]).reshape(-1, *size).astype(np.uint8)


def write_oxford(
    path: Path, coords: Coords, images: Images = None, values: Values = None, *,
    step: float = STEP, phase: Values = None, kinds: tuple[str, ...] = ("Processed",),
) -> Path:  # fmt: skip
    """Write an ``.h5oina``; without images it holds maps only, without values patterns only."""
    n = len(coords)
    columns, rows = _cells(coords)
    with h5py.File(path, "w") as file:
        file["Manufacturer"], file["Format Version"], file["Index"] = (
            "Oxford Instruments",
            "5.0",
            "1",
        )
        data = file.create_group("1/EBSD/Data")
        data["X"], data["Y"] = (coords[:, axis].astype(np.float32) * step for axis in (0, 1))
        data["X"].attrs["Unit"] = data["Y"].attrs["Unit"] = "um"
        if images is not None:
            for kind in kinds:
                data.create_dataset(f"{kind} Patterns", data=images, compression="lzf")
        if values is not None:
            data["Band Contrast"] = values.astype(np.uint8)
            data["Phase"] = np.ones((n, 1), np.uint8) if phase is None else phase.astype(np.uint8)
            data["Euler"] = np.tile(np.float32(EULER), (n, 1))
            data["Euler"].attrs["Unit"] = "rad"
            file.create_group("1/EDS/Data/Composition")["Al"] = np.arange(n, dtype=np.float32)
            file.create_group("1/EDS/Data/Window Integral")["Al Ka1"] = np.ones((n, 1), np.float32)
        _fill(file, "1/EBSD/Header", {
            "X Cells": columns, "Y Cells": rows, "X Step": step, "Y Step": step,
            "Phases/1/Phase Name": "Aluminium", "Phases/1/Space Group": 225,
            "Phases/2/Phase Name": "Titanium", "Phases/2/Space Group": 194,
        })  # fmt: skip
    return path


def write_edax(
    path: Path, coords: Coords, images: Images = None, values: Values = None, *,
    step: float = STEP, grid_type: str = "SqrGrid",
) -> Path:  # fmt: skip
    """Write an OIM ``.h5``: names with a leading blank, header entries of shape (1,)."""
    n = len(coords)
    columns, rows = _cells(coords)
    with h5py.File(path, "w") as file:
        file[" Manufacturer"], file[" Version"] = _one("EDAX"), _one("OIM Analysis 8.6.0 x64")
        data = file.create_group("Scan 1/EBSD/Data")
        for axis, name in enumerate(("X Position", "Y Position")):
            data[name] = coords[:, axis].astype(np.float32) * step
        if images is not None:
            data["Pattern"] = images
        if values is not None:
            data["IQ"] = values.astype(np.float32)
            data["CI"] = np.where(np.arange(n) == 1, -1, 0.5).astype(np.float32)
            data["Phase"] = np.zeros(n, np.int8)
            for name, angle in zip(("Phi1", "Phi", "Phi2"), EULER, strict=True):
                data[name] = np.full(n, angle, np.float32)
        _fill(file, "Scan 1/EBSD/Header", {
            "nColumns": [columns], "nRows": [rows], "Step X": [step], "Step Y": [step],
            "Grid Type": _one(grid_type), "Phase/1/MaterialName": _one("Nickel"),
            "Phase/1/Point Group": _one("Cubic (Oh) [m3m]"),
        })  # fmt: skip
    return path


def write_bruker(
    path: Path, coords: Coords, images: Images = None, values: Values = None, *,
    step: float = STEP, inside: tuple[int, int] = (3, 5),
) -> Path:  # fmt: skip
    """Write an Esprit ``.h5``: a region at the cell `inside` of a larger map, in any order."""
    n = len(coords)
    with h5py.File(path, "w") as file:
        file["Manufacturer"], file["Version"] = _one("Bruker Nano"), _one("Esprit 2.X")
        data = file.create_group("Scan 0/EBSD/Data")
        for axis, name in enumerate(("IX", "IY")):
            file[f"Scan 0/EBSD/SEM/{name}"] = (coords[:, axis] + inside[axis]).astype(np.int32)
            data[f"{name[1]} SAMPLE"] = coords[:, axis].astype(np.float32) * step
        if images is not None:
            data["RawPatterns"] = images
        if values is not None:
            data["RadonQuality"] = values.astype(np.float32)
            data["Phase"] = np.ones(n, np.int32)
            for name, angle in zip(("phi1", "PHI", "phi2"), np.degrees(EULER), strict=True):
                data[name] = np.full(n, angle, np.float32)
        _fill(file, "Scan 0/EBSD/Header", {
            "NCOLS": 20, "NROWS": 20, "XSTEP": step, "YSTEP": step, "NPoints": n,
            "Grid Type": _one("isometric"), "Phases/1/Name": "Iron",
            "Phases/1/IT": 229, "Phases/1/SpaceGroup": "I m#ovl3m",
        })  # fmt: skip
    return path


def write_kikuchipy(
    path: Path, coords: Coords, images: Images = None, values: Values = None, *,
    step: float = STEP, scans: int = 1, cells: tuple[int, int] | None = None,
) -> Path:  # fmt: skip
    """Write kikuchipy's h5ebsd with that many scans; each next one's images are one brighter."""
    n = len(coords)
    columns, rows = cells or _cells(coords)
    with h5py.File(path, "w") as file:
        file["manufacturer"], file["version"] = _one("kikuchipy"), _one("0.11.0")
        for number in range(scans):
            root = f"Scan {number + 1}/EBSD"
            _fill(file, f"{root}/Header", {
                "n_columns": [columns], "n_rows": [rows], "step_x": [step], "step_y": [step],
            })  # fmt: skip
            if images is not None:
                file[f"{root}/Data/patterns"] = images + np.uint8(number)
            crystal_map = file.create_group(f"{root}/CrystalMap/crystal_map")
            for axis, name in enumerate("xy"):
                crystal_map[f"data/{name}"] = coords[:, axis] * step
            if values is not None:
                crystal_map["data/scores"] = values.astype(np.float64)
                crystal_map["data/phase_id"] = np.zeros(n, np.int64)
                crystal_map["data/is_in_data"] = np.arange(n) != 1
                for name, angle in zip(("phi1", "Phi", "phi2"), EULER, strict=True):
                    crystal_map[f"data/{name}"] = np.full(n, angle)
                crystal_map["header/phases/0/name"] = _one("ni")
                crystal_map["header/phases/0/point_group"] = _one("m-3m")
    return path


def write_orix(
    path: Path, coords: Coords, values: NDArray[np.generic], *, step: float = STEP,
    rotations: int = 1, unit: str = "um",
) -> Path:  # fmt: skip
    """Write a ``CrystalMap`` as orix does, with several rotations per point, the best one first."""
    n = len(coords)
    shape = (n,) if rotations == 1 else (n, rotations)
    each = np.arange(rotations, dtype=np.float64)
    with h5py.File(path, "w") as file:
        file["manufacturer"], file["version"] = _one("orix"), _one("0.13.0")
        data = file.create_group("crystal_map/data")
        for axis, name in enumerate("xy"):
            data[name] = coords[:, axis] * step
        for name, angle in zip(("phi1", "Phi", "phi2"), EULER, strict=True):
            data[name] = np.broadcast_to(angle + 0.1 * each, (n, rotations)).reshape(shape)
        scores = values.astype(np.float64)[:, None] - 100 * each
        data["scores"], data["id"] = scores.reshape(shape), np.arange(n)
        data["phase_id"], data["is_in_data"] = np.zeros(n, np.int64), np.ones(n, np.bool_)
        _fill(file, "crystal_map/header", {
            "grid_type": _one("square"), "nx": [n], "ny": [n], "x_step": [step], "y_step": [step],
            "rotations_per_point": [rotations], "scan_unit": _one(unit),
            "phases/0/name": _one("austenite"), "phases/0/space_group": _one("None"),
            "phases/0/point_group": _one("432"),
            "phases/0/structure/lattice/abcABG": np.array([3.6, 3.6, 3.6, 90, 90, 90]),
        })  # fmt: skip
    return path


def write_emsoft(path: Path, images: NDArray[np.generic], angles: NDArray[np.floating]) -> Path:
    """Write EMEBSD's output: patterns (N, H, W) or (R, S, H, W), angles (N, 3) in rad."""
    with h5py.File(path, "w") as file:
        file["EMheader/EBSD/ProgramName"] = _one("EMEBSD.f90")
        file["EMData/EBSD/EBSDPatterns"] = images
        file["EMData/EBSD/EulerAngles"] = angles
    return path


def write_nordif(
    folder: Path, images: NDArray[np.uint8], cells: tuple[int, int], step: float = STEP
) -> Path:
    """Write ``Pattern.dat`` and ``Setting.txt`` for a scan of (columns, rows)."""
    folder.mkdir(exist_ok=True)
    height, width = images.shape[1:]
    (folder / "Pattern.dat").write_bytes(images.tobytes())
    lines = [
        "[NORDIF]\t\t", "Software version\t3.1.2\t", "\t\t", "[Electron image]\t\t",
        "Resolution\t1000x1000\tpx", "[Acquisition settings]\t\t",
        f"Resolution\t{width}x{height}\tpx",
        "[Calibration settings]\t\t", "Resolution\t480x480\tpx", "[Area]\t\t",
        f"Step size\t{step:.3f}\tµm", f"Number of samples\t{cells[1]}x{cells[0]}\t#",
    ]  # fmt: skip
    text = "".join(f"{line}\t\r\n" for line in lines)
    (folder / "Setting.txt").write_bytes(text.encode("latin-1"))
    return folder


VENDORS = {
    "oxford": write_oxford,
    "edax": write_edax,
    "bruker": write_bruker,
    "kikuchipy": write_kikuchipy,
}


def _cells(coords: Coords) -> tuple[int, int]:
    return int(coords[:, 0].max()) + 1, int(coords[:, 1].max()) + 1


def _one(text: str) -> NDArray[np.bytes_]:
    return np.array([text.encode()])


def _fill(file: h5py.File, folder: str, values: dict[str, object]) -> None:
    for key, value in values.items():
        file[f"{folder}/{key}"] = value
