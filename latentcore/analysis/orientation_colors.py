"""Colors of crystal orientations: the inverse pole figure key, as in the field's IPF-Z maps.

The color of a point says which crystal direction points along the sample's z axis, out of the
surface. Symmetry brings that direction into the standard triangle, whose corners are red, green
and blue: [001], [101], [111] for m-3m, and [0001], [2-1-10], [10-10] for 6/mmm. With the
direction's polar angle χ from the red corner, and its azimuth η from the green corner toward the
blue one,

    r = 1 − χ / χ_max(η),   g = (1 − η / η_max) · χ / χ_max(η),   b = η / η_max · χ / χ_max(η),

each is replaced by its square root, and all are divided by the largest, so that the triangle is
fully bright. χ_max is where the triangle ends: for m-3m on the circle x = z, so that
tan χ_max = 1 / cos η and η_max = 45°; for 6/mmm χ_max = 90° and η_max = 30°.

Sources: the key of DREAM.3D (Groeber & Jackson, Integrating Materials and Manufacturing
Innovation 3, 2014, doi:10.1186/2193-9772-3-5); for what such keys can show and what not, Nolze &
Hielscher, J. Appl. Cryst. 49, 2016, doi:10.1107/S1600576716012942.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import CrystalSymmetry, ScanMaps
from latentcore.errors import RequestError

# Names of the red, the green and the blue corner of each Laue class.
KEY_CORNERS: Mapping[str, tuple[str, str, str]] = {
    "m-3m": ("001", "101", "111"),
    "6/mmm": ("0001", "2-1-10", "10-10"),
}
_EULER = ("phi1", "Phi", "phi2")
_PHASE = "phase"
_SIXTH, _TWELFTH = np.pi / 3, np.pi / 6


def orientation_colors(maps: ScanMaps) -> NDArray[np.float32] | None:
    """Return the IPF-Z color of each point of a scan.

    Parameters
    ----------
    maps : ScanMaps
        With ``phi1``, ``Phi``, ``phi2`` in rad or °, and a phase of a symmetry that has a key.

    Returns
    -------
    ndarray of float32, shape (n, 3), or None
        0..1; NaN where nothing was indexed, or the phase's symmetry is unknown or another one.
        None where the maps hold no orientations that could be colored.
    """
    if not set(_EULER) <= set(maps.names) or not maps.symmetries:
        return None
    unit = maps.units[maps.names.index("Phi")]
    factor = np.pi / 180 if unit == "°" else 1.0
    angles = [maps.get(name).astype(np.float64) * factor for name in _EULER]
    directions = direction_along_z(angles[1], angles[2])
    directions[~np.isfinite(angles[0])] = np.nan
    colors = np.full((len(directions), 3), np.nan, np.float32)
    if _PHASE not in maps.names:
        return None
    phase = maps.get(_PHASE)
    for number, symmetry in maps.symmetries.items():
        if symmetry.laue in KEY_CORNERS:
            of_phase = phase == number
            colors[of_phase] = direction_colors(directions[of_phase], symmetry)
    return colors if np.isfinite(colors).any() else None


def with_symmetry(maps: ScanMaps, symmetry: CrystalSymmetry) -> ScanMaps:
    """Return the maps with one symmetry for all phases, where the file has none.

    Phase 0 counts only where it is the only one: else it stands for points not indexed.
    """
    if _PHASE not in maps.names:
        return maps
    phase = maps.get(_PHASE)
    numbers = [int(number) for number in np.unique(phase[np.isfinite(phase)]) if number >= 0]
    indexed = [number for number in numbers if number > 0] or numbers
    return replace(maps, symmetries=dict.fromkeys(indexed, symmetry))


def direction_along_z(polar: ArrayLike, phi2: ArrayLike) -> NDArray[np.float64]:
    """Return the crystal direction along the sample's z, by Bunge's angles Φ and φ2.

    It is the third column of Bunge's matrix, and doesn't depend on φ1.

    Parameters
    ----------
    polar, phi2 : array_like, shape (n,)
        In rad.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Unit vectors in the crystal's Cartesian axes.
    """
    polar, phi2 = np.asarray(polar, np.float64), np.asarray(phi2, np.float64)
    across = np.sin(polar)
    return np.stack([across * np.sin(phi2), across * np.cos(phi2), np.cos(polar)], axis=-1)


def direction_colors(directions: ArrayLike, symmetry: CrystalSymmetry) -> NDArray[np.float32]:
    """Return the color of crystal directions in the key of a Laue class.

    Parameters
    ----------
    directions : array_like, shape (n, 3)
        In the crystal's Cartesian axes, of any length but zero.

    Returns
    -------
    ndarray of float32, shape (n, 3)
        0..1; NaN where a direction is not finite or zero.

    Raises
    ------
    RequestError
        If there is no key for that Laue class.
    """
    if symmetry.laue not in KEY_CORNERS:
        message = (
            f"There is no color key for the Laue class {symmetry.laue!r}. There are: "
            f"{', '.join(KEY_CORNERS)}."
        )
        raise RequestError(message)
    found = np.asarray(directions, np.float64).reshape(-1, 3)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        place = (
            _in_cubic_triangle(unit)
            if symmetry.laue == "m-3m"
            else _in_hexagonal_triangle(unit, symmetry.hexagonal_x)
        )
        from_red, toward_blue = place
        shares = np.stack(
            [1 - from_red, (1 - toward_blue) * from_red, toward_blue * from_red], axis=1
        )
        colors = np.sqrt(np.clip(shares, 0, 1))
        colors /= colors.max(axis=1, keepdims=True)
        narrow: NDArray[np.float32] = colors.astype(np.float32)
        return narrow


def _in_cubic_triangle(unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return χ / χ_max and η / η_max; the 48 operations of m-3m order and sign the components."""
    low, middle, high = np.sort(np.abs(unit), axis=1).T
    azimuth = np.arctan2(low, middle)
    polar = np.arctan2(np.hypot(low, middle), high)
    return polar / np.arctan(1 / np.cos(azimuth)), azimuth / (np.pi / 4)


def _in_hexagonal_triangle(
    unit: NDArray[np.float64], x_axis: str
) -> tuple[NDArray[np.float64], ...]:
    """Return χ / χ_max and η / η_max; 6/mmm mirrors in z, and every 30° around it."""
    polar = np.arctan2(np.hypot(unit[:, 0], unit[:, 1]), np.abs(unit[:, 2]))
    azimuth = np.arctan2(unit[:, 1], unit[:, 0]) % _SIXTH
    azimuth = np.minimum(azimuth, _SIXTH - azimuth)
    if x_axis == "a*":
        azimuth = _TWELFTH - azimuth
    return polar / (np.pi / 2), azimuth / _TWELFTH


def key_picture(laue: str, size: int = 160) -> NDArray[np.uint8]:
    """Draw the standard triangle in stereographic projection, the red corner at the left.

    Parameters
    ----------
    size : int
        Width in pixels.

    Returns
    -------
    ndarray of uint8, shape (h, size, 4)
        Red, green, blue and opacity.
    """
    symmetry = CrystalSymmetry(laue)
    end = np.tan(np.pi / 8) if laue == "m-3m" else 1.0
    top = (np.sqrt(3) - 1) / 2 if laue == "m-3m" else 0.5
    x, y = np.meshgrid(
        np.linspace(0, end, size), np.linspace(top, 0, max(2, round(size * top / end)))
    )
    radius = x**2 + y**2
    directions = np.stack([2 * x, 2 * y, 1 - radius], axis=-1).reshape(-1, 3)
    azimuth = np.arctan2(y, x).ravel()
    if laue == "m-3m":
        inside = (azimuth <= np.pi / 4) & (directions[:, 0] <= directions[:, 2])
    else:
        inside = (azimuth <= _TWELFTH) & (radius.ravel() <= 1)
    picture = np.zeros((len(directions), 4), np.uint8)
    picture[inside, :3] = np.rint(255 * direction_colors(directions[inside], symmetry))
    picture[inside, 3] = 255
    return picture.reshape(*x.shape, 4)
