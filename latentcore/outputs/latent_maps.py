"""Latent dimensions over the scan grid, as tables, arrays and figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.collapse import spread
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError
from latentcore.figures.colors import check_limits, is_diverging
from latentcore.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


def check_colors(cmap: str, limits: tuple[float, ...] | None) -> None:
    """Refuse an unknown color map, or limits that make no sense.

    Raises
    ------
    InputError
    """
    is_diverging(cmap)
    if limits is not None:
        check_limits((limits[0], limits[1]))


def write_latent_maps(
    folder: RunFolder,
    latents: LatentSet,
    dims: Iterable[int],
    *,
    cmap: str,
    limits: tuple[float, ...] | None = None,
    missing: str = "tan",
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Write a table, an array and a figure of each latent dimension.

    These are ``latent_full_d<D>.csv`` (x, y, latent_d<D>, in the latents' row order),
    ``latent_full_d<D>.npy`` (the map, float32, rows downwards, NaN where nothing was scanned) and
    ``latent_full_d<D>.png``.

    Parameters
    ----------
    limits : tuple of float, optional
        Of the colors; the 2 % and 98 % quantiles of each dimension if not given.
    missing : str
        Color of points without a value, as in `latentcore.figures.maps.map_figure`.

    Returns
    -------
    list of dict
        For each dimension its files, limits and spread.

    Raises
    ------
    RequestError
        If the latents have no coordinates, lack a dimension, or one has no value.
    """
    # A ROI keeps the shape of its scan; a figure shows no more than its points.
    grid = _grid_of(latents)
    cut = grid.cut(np.ones(len(grid), np.bool_))
    dims, progress = tuple(dims), progress or Progress()
    written = []
    for done, dim in enumerate(dims):
        progress.step(done, len(dims), f"drawing latent {dim}")
        written.append(_write(folder, latents, cut, dim, cmap, limits, missing))
    progress.step(len(dims), len(dims), "drawing latents")
    return written


def latent_map_table(latents: LatentSet, dim: int) -> pd.DataFrame:
    """Return x, y and one latent dimension as a table, in the latents' row order.

    Raises
    ------
    RequestError
        If the latents have no coordinates, or not that dimension.
    """
    import pandas as pd

    x, y = _grid_of(latents).plain_coordinates()
    return pd.DataFrame({"x": x, "y": y, f"latent_d{dim}": latents.dimension(dim)})


def _grid_of(latents: LatentSet) -> ScanGrid:
    if latents.grid is None:
        message = "The latents have no coordinates, so there is no map of them: give ⟨coords⟩."
        raise RequestError(message)
    return latents.grid


def _write(
    folder: RunFolder,
    latents: LatentSet,
    grid: ScanGrid,
    dim: int,
    cmap: str,
    limits: tuple[float, ...] | None,
    missing: str,
) -> dict[str, Any]:
    from latentcore.analysis.latent_maps import robust_limits
    from latentcore.figures.maps import map_figure

    values = latents.dimension(dim)
    if not np.isfinite(values).any():
        message = f"Latent {dim} has no value at any of {len(values)} points. Choose another ROI."
        raise RequestError(message)
    name = f"latent_full_d{dim}"
    limits = limits or robust_limits(values, symmetric=is_diverging(cmap))
    figure = map_figure(
        grid, values, label=f"latent {dim}", title=f"Latent dimension {dim}", cmap=cmap,
        limits=(limits[0], limits[1]), missing=missing,
    )  # fmt: skip
    folder.write_csv(f"{name}.csv", latent_map_table(latents, dim))
    np.save(folder.path(f"{name}.npy"), grid.to_map(values))
    folder.write_figure(f"{name}.png", figure)
    found = spread(values)
    return {
        "dim": dim,
        "csv": f"{name}.csv",
        "npy": f"{name}.npy",
        "figure": f"{name}.png",
        "limits": limits,
        "n_finite": int(np.isfinite(values).sum()),
        "sd": found.sd,
        "collapse": found.message,
    }
