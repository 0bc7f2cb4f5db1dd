"""Latents in the files and under the names that the seed system writes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet
from latentcore.outputs.latent_maps import latent_map_table
from latentcore.progress import Progress


def write_seed_names(
    folder: RunFolder, latents: LatentSet, progress: Progress, *, under: str = ""
) -> None:
    """Write the whole field of latents, its coordinates, and a table per dimension.

    ``latents_full.npy`` is float32 (n, d), in the file's row order, NaN where nothing was encoded;
    ``coords.csv`` has x and y in the same order; ``latent_maps/latent_full_d<D>.csv`` has x, y and
    latent_d<D>. Where the samples have no places only the first is written.

    Parameters
    ----------
    under : str
        A folder for them, with its slash.
    """
    np.save(folder.path(f"{under}latents_full.npy"), latents.values)
    if latents.grid is None:
        return
    x, y = latents.grid.plain_coordinates()
    folder.write_csv(f"{under}coords.csv", pd.DataFrame({"x": x, "y": y}))
    for done, dim in enumerate(latents.dims):
        progress.step(done, len(latents.dims), "writing latent maps")
        name = f"{under}latent_maps/latent_full_d{dim}.csv"
        folder.write_csv(name, latent_map_table(latents, int(dim)))
