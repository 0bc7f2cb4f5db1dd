"""Samples on the Earth: which columns hold their positions, and longitudes that belong together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LATITUDES = ("lat", "latitude")
_LONGITUDES = ("lon", "long", "longitude")


def place_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the names of the columns of latitude and longitude, None where one is missing."""
    found = [
        next((name for name in names if name.strip().lower() in known), None)
        for known in (_LATITUDES, _LONGITUDES)
    ]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def wrapped_longitudes(longitudes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Count longitudes from −180° or from 0°, whichever keeps the samples closer together.

    Parameters
    ----------
    longitudes : ndarray, shape (n,)
        In degrees east, counted either way; NaN where unknown.

    Returns
    -------
    ndarray of float64, shape (n,)
        In [−180, 180); or in [0, 360), where that is the shorter span: then a cloud of samples on
        both sides of the date line isn't torn apart.
    """
    degrees = np.asarray(longitudes, np.float64)
    about_greenwich = (degrees + 180) % 360 - 180
    about_date_line = degrees % 360
    return min((about_greenwich, about_date_line), key=_span)


def placed(
    latitudes: NDArray[np.floating], longitudes: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return (longitude, latitude) of each sample, to be drawn on a graticule.

    Parameters
    ----------
    latitudes, longitudes : ndarray, shape (n,)
        In degrees north and east.

    Returns
    -------
    ndarray of float32, shape (n, 2)
        NaN where either is unknown or no place on the Earth.
    """
    latitude = np.asarray(latitudes, np.float64)
    longitude = np.asarray(longitudes, np.float64)
    known = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)
    longitude = wrapped_longitudes(np.where(known, longitude, np.nan))
    pairs = np.column_stack([longitude, np.where(known, latitude, np.nan)])
    return pairs.astype(np.float32)


def _span(degrees: NDArray[np.float64]) -> float:
    known = degrees[np.isfinite(degrees)]
    return float(np.ptp(known)) if len(known) else 0.0
