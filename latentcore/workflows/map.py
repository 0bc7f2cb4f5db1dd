"""``map``: latent dimensions over the scan grid, as tables, arrays and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.collapse import spread
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError
from latentcore.figures.colors import COLORMAPS, check_limits, is_diverging
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.requests.options import coords_option, latents_option, reader_option, roi_option
from latentcore.requests.verbs import option, verb

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MapRequest", "latent_map_table", "run"]


@dataclass(frozen=True)
class MapRequest:
    """Which dimensions to draw, and how."""

    latents: str = latents_option()
    dim: tuple[int, ...] = option(
        help="latent dimensions, each a map of its own", nargs="+", convert=int, metavar="D"
    )
    roi: tuple[float, ...] | None = roi_option()
    cmap: str = option("viridis", help=f"color map: {', '.join(COLORMAPS)}", metavar="NAME")
    limits: tuple[float, ...] | None = option(
        None,
        help="color limits; default: the 2 % and 98 % quantiles of each dimension",
        nargs=2,
        convert=float,
        metavar=("LO", "HI"),
    )
    coords: str | None = coords_option()
    reader: str | None = reader_option()


@verb("map", "Draw latent dimensions over the scan grid.", MapRequest, pool="thread")
def run(request: MapRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Draw latent dimensions over the scan grid.

    Writes ``latent_full_d<D>.csv`` (x, y, latent_d<D>, in the file's row order),
    ``latent_full_d<D>.npy`` (the map, float32, rows downwards, NaN where nothing was scanned)
    and ``latent_full_d<D>.png`` for each dimension.

    Returns
    -------
    dict
        ``maps``: for each dimension its files, limits and spread.

    Raises
    ------
    InputError
        If the latents have no coordinates or lack a dimension, or limits or color map make no
        sense.
    """
    is_diverging(request.cmap)  # refuses an unknown name before anything is read
    if request.limits is not None:
        check_limits((request.limits[0], request.limits[1]))
    dims = tuple(dict.fromkeys(request.dim))
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        dims=dims,
    )  # fmt: skip
    grid = _cut(_grid_of(latents))
    told = []
    for done, dim in enumerate(dims):
        progress.step(done, len(dims), f"drawing latent {dim}")
        told.append(_write(request, folder, latents, grid, dim))
    progress.step(len(dims), len(dims), "drawing latents")
    return {"n_points": len(latents), "cmap": request.cmap, "maps": told}


def latent_map_table(latents: LatentSet, dim: int) -> pd.DataFrame:
    """Return x, y and one latent dimension as a table, in the latents' row order.

    Raises
    ------
    RequestError
        If the latents have no coordinates, or not that dimension.
    """
    import pandas as pd

    grid = _grid_of(latents)
    x, y = grid.plain_coordinates()
    return pd.DataFrame({"x": x, "y": y, f"latent_d{dim}": latents.dimension(dim)})


def _grid_of(latents: LatentSet) -> ScanGrid:
    if latents.grid is None:
        message = "The latents have no coordinates, so there is no map of them: give ⟨coords⟩."
        raise RequestError(message)
    return latents.grid


def _cut(grid: ScanGrid) -> ScanGrid:
    """Return the smallest grid that holds the points: a ROI keeps the shape of its scan."""
    return ScanGrid.from_coordinates(grid.x, grid.y, unit=grid.unit, step=grid.step)


def _write(
    request: MapRequest, folder: RunFolder, latents: LatentSet, grid: ScanGrid, dim: int
) -> dict[str, Any]:
    from latentcore.analysis.latent_maps import robust_limits
    from latentcore.figures.maps import map_figure

    values = latents.dimension(dim)
    if not np.isfinite(values).any():
        message = f"Latent {dim} has no value at any of {len(values)} points. Choose another ROI."
        raise RequestError(message)
    name = f"latent_full_d{dim}"
    limits = request.limits or robust_limits(values, symmetric=is_diverging(request.cmap))
    figure = map_figure(
        grid, values, label=f"latent {dim}", title=f"Latent dimension {dim}", cmap=request.cmap,
        limits=(limits[0], limits[1]),
    )  # fmt: skip
    folder.write_csv(f"{name}.csv", latent_map_table(latents, dim))
    np.save(folder.path(f"{name}.npy"), grid.to_map(values))
    folder.write_figure(f"{name}.png", figure)
    judged = spread(values)
    return {
        "dim": dim,
        "csv": f"{name}.csv",
        "npy": f"{name}.npy",
        "figure": f"{name}.png",
        "limits": limits,
        "n_finite": int(np.isfinite(values).sum()),
        "sd": judged.sd,
        "collapse": judged.message,
    }
