"""The single source of colors, for the screen and for files.

The explorer's browser part follows the same formulas on the same tables, so that a point has one
color everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.latent_maps import cluster_ranges, shading
from latentcore.containers import NOISE
from latentcore.errors import RequestError, UnknownNameError

Theme = Literal["light", "dark"]
RGB = NDArray[np.uint8]

# Latent maps, unless another color map was chosen; maps of other things look different.
LATENT_COLORS = "viridis"
NOISE_COLOR = "#9e9e9e"
# Tinted, so that missing points are neither noise nor a value of the gray map.
NAN_COLORS: Mapping[Theme, str] = {"light": "#d9d0c3", "dark": "#39322b"}
MISSING_USUAL, TRANSPARENT = "tan", "transparent"
# What points without a value may be painted with in print.
MISSING_COLORS: Mapping[str, str] = {
    MISSING_USUAL: NAN_COLORS["light"], "black": "#000000", "white": "#ffffff", "gray": "#808080",
    TRANSPARENT: "none",
}  # fmt: skip

# What is left of a cluster's color where its latent is smallest: enough to be seen on the ground.
SHADE_DARK: Mapping[Theme, float] = {"light": 0.35, "dark": 0.55}
SHADE_LIGHT = 0.6

_LEVELS = 256
_BLOCK = 1 << 20
_PALETTE_SIZE = 40
# Okabe and Ito, *Color universal design* (2008), without black, the most different ones first.
_OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")


@dataclass(frozen=True)
class Colormap:
    """A table of colors.

    Attributes
    ----------
    diverging : bool
        Whether its middle means zero.
    """

    matplotlib_name: str
    diverging: bool = False


# All are perceptually uniform or nearly so, and readable with each common color blindness.
COLORMAPS: Mapping[str, Colormap] = {
    "viridis": Colormap("viridis"),
    "cividis": Colormap("cividis"),
    "magma": Colormap("magma"),
    "inferno": Colormap("inferno"),
    "plasma": Colormap("plasma"),
    "grey": Colormap("gray"),
    "blue-white-red": Colormap("RdBu_r", diverging=True),
    "purple-white-orange": Colormap("PuOr_r", diverging=True),
    "berlin": Colormap("berlin", diverging=True),
}


def lut(name: str) -> RGB:
    """Return a color map as a table.

    Returns
    -------
    ndarray of uint8, shape (256, 3)
        A copy.

    Raises
    ------
    UnknownNameError
        If there is no such color map.
    """
    return _table(_colormap(name).matplotlib_name).copy()


def is_diverging(name: str) -> bool:
    """Tell whether a color map's middle means zero, so that its limits should be symmetric.

    Raises
    ------
    UnknownNameError
        If there is no such color map.
    """
    return _colormap(name).diverging


def usual_color_map(name: str, values: ArrayLike | None = None) -> str:
    """Return the color map of a map for which no other was chosen.

    Gray for band contrast and image quality, a diverging one for values of both signs, and
    cividis for the others.

    Parameters
    ----------
    values : array_like, optional
        Of the map.
    """
    if name.startswith(("bandcontrast", "image_quality")):
        return "grey"
    known = np.asarray([] if values is None else values)
    return "blue-white-red" if (known < 0).any() and (known > 0).any() else "cividis"


def hex_to_rgb(color: str) -> tuple[int, int, int]:
    """Return the red, green and blue, 0–255, of ``#rrggbb``.

    Raises
    ------
    RequestError
        If it is not written like that.
    """
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", color):
        message = f"{color!r} is not a color; write it as #rrggbb, for example #0072b2."
        raise RequestError(message)
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def rgb_to_hex(rgb: Sequence[int] | RGB) -> str:
    """Return ``#rrggbb``."""
    return "#" + bytes(int(part) for part in rgb).hex()


@lru_cache(maxsize=1)
def categorical_palette() -> tuple[str, ...]:
    """Return 40 colors for clusters: those of Okabe and Ito, then the farthest from all before.

    Notes
    -----
    Distances are taken in OKLab (B. Ottosson, *A perceptual color space for image processing*,
    2020), lightness at half weight because shading changes it. White, black, the noise gray and
    the colors of missing points count as taken.
    """
    steps = np.arange(0, 256, 15)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(grid)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    # Pale, dark and gray colors are lost on a page or beside the noise; neon ones drown the rest.
    usable = (lab[:, 0] > 0.38) & (lab[:, 0] < 0.88) & (chroma > 0.05) & (chroma < 0.19)
    grid, lab = grid[usable], lab[usable] * [0.5, 1, 1]
    chosen = [np.array(hex_to_rgb(color)) for color in _OKABE_ITO]
    taken = [*chosen, *map(_array_of, ("#ffffff", "#000000", NOISE_COLOR, *NAN_COLORS.values()))]
    nearest = np.full(len(lab), np.inf)
    for color in taken:
        nearest = np.minimum(nearest, _distances(lab, color))
    while len(chosen) < _PALETTE_SIZE:
        chosen.append(grid[int(np.argmax(nearest))])
        nearest = np.minimum(nearest, _distances(lab, chosen[-1]))
    return tuple(rgb_to_hex(color) for color in chosen)


def cluster_palette(labels: ArrayLike, colors: Sequence[str] | None = None) -> dict[int, str]:
    """Return the color of each label.

    Parameters
    ----------
    labels : array_like of int
        Any labels, repeated or not. -1 is noise and always gray; those below have the color of
        missing points.
    colors : sequence of str, optional
        ``#rrggbb`` of labels 0, 1, …, used again from the start where there are too few.

    Returns
    -------
    dict of int to str
        In ascending order of labels.

    Raises
    ------
    RequestError
        If a color is not written as ``#rrggbb``.
    """
    palette = tuple(rgb_to_hex(hex_to_rgb(color)) for color in colors or categorical_palette())
    present = [int(label) for label in np.unique(np.asarray(labels, np.int64))]
    special = {label: NAN_COLORS["light"] for label in present if label < NOISE}
    return {
        label: special.get(label, palette[label % len(palette)] if label >= 0 else NOISE_COLOR)
        for label in present
    }


def continuous_rgb(
    values: ArrayLike,
    limits: tuple[float, float],
    cmap: str = "viridis",
    *,
    theme: Theme = "light",
) -> RGB:
    """Color values by a color map.

    The color is that of entry ``clip(floor((v - lo) / (hi - lo) * 256), 0, 255)``, and of entry
    128 where hi = lo.

    Parameters
    ----------
    values : array_like, any shape
        NaN gets the theme's color of missing points.
    limits : tuple of float
        (lo, hi).
    cmap : str
        A name in `COLORMAPS`.
    theme : {"light", "dark"}

    Returns
    -------
    ndarray of uint8, shape (…, 3)

    Raises
    ------
    RequestError
        If lo > hi, or a limit is not finite.
    """
    values = np.asarray(values)
    low, high = check_limits(limits)
    table, missing = _table(_colormap(cmap).matplotlib_name), hex_to_rgb(NAN_COLORS[theme])
    flat = values.ravel()
    rgb: RGB = np.empty((len(flat), 3), np.uint8)
    for start in range(0, len(flat), _BLOCK):  # maps may be large
        block = flat[start : start + _BLOCK].astype(np.float64)
        present = ~np.isnan(block)
        if low == high:
            index = np.full(block.shape, _LEVELS // 2)
        else:
            scaled = np.where(present, (block - low) / (high - low) * _LEVELS, 0)
            index = np.clip(np.floor(scaled), 0, _LEVELS - 1).astype(np.intp)
        colored = rgb[start : start + _BLOCK]
        colored[:] = table[index]
        colored[~present] = missing
    return rgb.reshape(*values.shape, 3)


def categorical_rgb(labels: ArrayLike, palette: Mapping[int, str]) -> RGB:
    """Color labels by a palette.

    Returns
    -------
    ndarray of uint8, shape (…, 3)
    """
    labels = np.asarray(labels, np.int64)
    present, place = np.unique(labels, return_inverse=True)
    table = np.array([hex_to_rgb(palette[int(label)]) for label in present], np.uint8)
    colored: RGB = table.reshape(-1, 3)[place.reshape(labels.shape)]
    return colored


def shaded_rgb(
    labels: NDArray[np.integer],
    latent: ArrayLike,
    palette: Mapping[int, str],
    *,
    ranges: dict[int, tuple[float, float]] | None = None,
    theme: Theme = "light",
) -> RGB:
    """Color points by cluster, brighter where the latent is larger within the cluster.

    With t = clip((latent - lo) / (hi - lo), 0, 1), 0.5 where hi = lo, and each channel c of the
    cluster's color: c (0.35 + 0.65 · 2t) for t < 0.5, else c + (255 - c) 0.6 (2t - 1); rounded
    half up. In the dark theme 0.55 and 0.45 take the place of 0.35 and 0.65.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
    latent : array_like, shape (n,)
    palette : Mapping of int to str
        See `cluster_palette`.
    ranges : dict of int to tuple of float, optional
        {label: (lo, hi)}; by default the 2 % and 98 % quantiles within each cluster.
    theme : {"light", "dark"}

    Returns
    -------
    ndarray of uint8, shape (n, 3)
        Noise is plain gray; points without a latent have the color of missing points.
    """
    latent = np.asarray(latent, np.float64).ravel()
    ranges = cluster_ranges(labels, latent) if ranges is None else ranges
    place = shading(labels, latent, ranges)
    base = categorical_rgb(labels, palette)
    shaded = np.isfinite(place)
    rgb = base.copy()
    dark = SHADE_DARK[theme]
    for start in range(0, len(rgb), _BLOCK):  # maps may be large
        block = slice(start, start + _BLOCK)
        own, colors = shaded[block], base[block]
        rgb[block][own] = _shade(colors[own].astype(np.float64), place[block][own, None], dark)
    rgb[np.isnan(latent)] = hex_to_rgb(NAN_COLORS[theme])
    return rgb


def check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Return color limits as floats.

    Raises
    ------
    RequestError
        If lo > hi, or one is not finite.
    """
    low, high = (float(limit) for limit in limits)
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        message = f"Color limits must be finite with lo ≤ hi, but are {low:g} and {high:g}."
        raise RequestError(message)
    return low, high


def _shade(base: NDArray[np.float64], t: NDArray[np.float64], dark: float) -> RGB:
    darker = base * (dark + (1 - dark) * 2 * t)
    lighter = base + (255 - base) * SHADE_LIGHT * (2 * t - 1)
    return np.floor(np.where(t < 0.5, darker, lighter) + 0.5).astype(np.uint8)


def _colormap(name: str) -> Colormap:
    if name not in COLORMAPS:
        message = f"No color map is called {name!r}. There are: {', '.join(COLORMAPS)}."
        raise UnknownNameError(message)
    return COLORMAPS[name]


@lru_cache(maxsize=len(COLORMAPS))
def _table(matplotlib_name: str) -> RGB:
    import matplotlib as mpl

    colors = mpl.colormaps[matplotlib_name](np.linspace(0, 1, _LEVELS))[:, :3]
    return np.floor(colors * 255 + 0.5).astype(np.uint8)


def _array_of(color: str) -> NDArray[np.int64]:
    return np.array(hex_to_rgb(color), np.int64)


def _distances(lab: NDArray[np.float64], color: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(lab - _oklab(color) * [0.5, 1, 1], axis=-1))


def _oklab(rgb: NDArray[np.integer]) -> NDArray[np.float64]:
    """Convert sRGB, 0–255, to OKLab (Ottosson 2020)."""
    c = rgb / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(np.cbrt(linear @ to_lms.T) @ to_lab.T)
