"""``map``: latent dimensions over the scan grid, as tables, arrays and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latentcore.artifacts import RunFolder
from latentcore.figures.colors import COLORMAPS
from latentcore.inputs.latents import read_latents
from latentcore.outputs.latent_maps import check_colors, write_latent_maps
from latentcore.progress import Progress
from latentcore.requests.options import (
    coords_option,
    latents_option,
    missing_color_option,
    reader_option,
    roi_option,
)
from latentcore.requests.verbs import option, verb


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
    missing_color: str = missing_color_option()
    coords: str | None = coords_option()
    reader: str | None = reader_option()


@verb("map", "Draw latent dimensions over the scan grid.", MapRequest, pool="thread")
def run(request: MapRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Draw latent dimensions over the scan grid.

    Writes what `latentcore.outputs.latent_maps.write_latent_maps` writes.

    Returns
    -------
    dict
        ``maps``: for each dimension its files, limits and spread.
    """
    check_colors(request.cmap, request.limits)
    dims = tuple(dict.fromkeys(request.dim))
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        dims=dims,
    )  # fmt: skip
    maps = write_latent_maps(
        folder, latents, dims, cmap=request.cmap, limits=request.limits,
        missing=request.missing_color, progress=progress,
    )  # fmt: skip
    return {"n_points": len(latents), "cmap": request.cmap, "maps": maps}
