"""Sea-surface temperatures in nenya's HDF5, with labels, metadata and attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["cutouts", "write_cutouts"]

# What the extraction of cutouts tells of each, as text of fixed length.
METADATA_COLUMNS = ("filename", "row", "lat", "lon", "clear_fraction")


def cutouts(n: int, side: int = 16, *, seed: int = 0) -> NDArray[np.float32]:
    """Return n fronts and gradients of some degrees about a mean of their own: (n, 1, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    angle, width = rng.uniform(0, np.pi, n), rng.uniform(0.05, 1, n)
    along = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    front = np.tanh((along - 0.5) / width[:, None, None])
    amplitude, mean = rng.uniform(0.1, 3, n), rng.uniform(5, 28, n)
    noise = 0.02 * rng.normal(size=(n, side, side))
    values = amplitude[:, None, None] * front + mean[:, None, None] + noise
    return values[:, None].astype(np.float32)


def write_cutouts(path: Path, metadata: bool = False, **partitions: Any) -> Path:
    """Write a file of partitions, each given by its images; ``NAME_labels`` gives labels."""
    with h5py.File(path, "w") as file:
        for name, values in partitions.items():
            file[name] = values
            if metadata and not name.endswith("_labels"):
                rows = [
                    [f"f{i:03d}.nc", str(i), f"{i - 30.5}", f"{2 * i - 100.25}", "0.95"]
                    for i in range(len(values))
                ]
                table = np.array(rows).astype("S")
                file[f"{name}_metadata"] = table
                file[f"{name}_metadata"].attrs["columns"] = list(METADATA_COLUMNS)
        file.attrs["total_samples"] = 12
        file.attrs["sensor"] = "VIIRS"
    return path
