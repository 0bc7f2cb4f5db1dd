"""Latents in the files and under the names that the seed system writes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet
from latentcore.outputs.latent_maps import latent_map_table
from latentcore.progress import Progress


def write_seed_names(
    folder: RunFolder,
    latents: LatentSet,
    progress: Progress,
    *,
    under: str = "",
    location: str = "",
) -> None:
    """Write the whole field of latents, its coordinates, and a table per dimension.

    ``latents_full.npy`` is float32 (n, d), in the file's row order, NaN where nothing was encoded;
    ``coords.csv`` has x and y in the same order; ``latent_maps/latent_full_d<D>.csv`` has x, y and
    latent_d<D>. Where the samples have no places only the first is written, and of a file whose
    name has ``_preproc``, as nenya's have, ``<name with _latents in its place>``: a dataset per
    partition, and nothing else.

    Parameters
    ----------
    under : str
        A folder for them, with its slash.
    location : str
        Of the samples.
    """
    np.save(folder.path(f"{under}latents_full.npy"), latents.values)
    if latents.grid is None:
        _write_flat(folder, latents, under, Path(location).name)
        return
    x, y = latents.grid.plain_coordinates()
    folder.write_csv(f"{under}coords.csv", pd.DataFrame({"x": x, "y": y}))
    for done, dim in enumerate(latents.dims):
        progress.step(done, len(latents.dims), "writing latent maps")
        name = f"{under}latent_maps/latent_full_d{dim}.csv"
        folder.write_csv(name, latent_map_table(latents, int(dim)))


def _write_flat(folder: RunFolder, latents: LatentSet, under: str, name: str) -> None:
    if "_preproc" not in name or latents.partition is None:
        return
    with h5py.File(folder.path(under + name.replace("_preproc", "_latents")), "w") as file:
        for partition in latents.partition.names:
            file[partition] = latents.values[latents.partition.mask([partition])]
