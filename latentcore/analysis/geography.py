"""Samples on the Earth: where they lie, cells of equal area, and what share of each is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.tables import DAYS_PER_YEAR, EPOCH_YEAR

_LATITUDES = ("lat", "latitude")
_LONGITUDES = ("lon", "long", "longitude")
SEASONS = ("December to February", "March to May", "June to August", "September to November")


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


@dataclass(frozen=True)
class EarthCells:
    """Cells of equal area: equal steps of longitude, and of the sine of latitude.

    Lambert's cylindrical equal-area projection draws them as equal rectangles.
    """

    rows: int
    columns: int

    @classmethod
    def of_size(cls, degrees: float) -> EarthCells:
        """Return cells that are about so wide and high at the equator."""
        return cls(max(1, round(360 / np.pi / degrees)), max(1, round(360 / degrees)))

    def __len__(self) -> int:
        return self.rows * self.columns

    def of(
        self, latitudes: NDArray[np.floating], longitudes: NDArray[np.floating]
    ) -> NDArray[np.int64]:
        """Return the cell of each sample, shape (n,); −1 where it has no place on the Earth.

        Cells are counted from the South Pole and −180°, longitude fastest.
        """
        latitude = np.asarray(latitudes, np.float64)
        longitude = np.asarray(longitudes, np.float64)
        known = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)
        height = (np.sin(np.deg2rad(np.where(known, latitude, 0))) + 1) / 2
        turn = (np.where(known, longitude, 0) + 180) % 360 / 360
        row = np.minimum((height * self.rows).astype(np.int64), self.rows - 1)
        column = np.minimum((turn * self.columns).astype(np.int64), self.columns - 1)
        return np.where(known, row * self.columns + column, -1)

    def centers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the latitude and the longitude of each cell's center, in degrees."""
        row, column = np.divmod(np.arange(len(self)), self.columns)
        latitude = np.rad2deg(np.arcsin(2 * (row + 0.5) / self.rows - 1))
        return latitude, (column + 0.5) / self.columns * 360 - 180


@dataclass(frozen=True, eq=False)
class Shares:
    """How many samples lie in each of m bins, and which share of them is chosen.

    Attributes
    ----------
    n, chosen : ndarray of int64, shape (m,)
    share : ndarray of float64, shape (m,)
        NaN in bins of fewer samples than the least that was asked for.
    """

    n: NDArray[np.int64]
    chosen: NDArray[np.int64]
    share: NDArray[np.float64]


def shares(bins: NDArray[np.int64], chosen: NDArray[np.bool_], n_bins: int, least: int) -> Shares:
    """Count samples by bin, shape (n,) each; a bin of −1 is none."""
    inside = bins >= 0
    n = np.bincount(bins[inside], minlength=n_bins)
    k = np.bincount(bins[inside & chosen], minlength=n_bins)
    share = np.where(n >= max(least, 1), k / np.maximum(n, 1), np.nan)
    return Shares(n, k, share)


def medians(
    bins: NDArray[np.int64], values: NDArray[np.floating], n_bins: int, least: int
) -> NDArray[np.float64]:
    """Return the median of values by bin, (m,); NaN where fewer than `least` have a value."""
    import pandas as pd

    given = (bins >= 0) & np.isfinite(values)
    groups = pd.Series(values[given].astype(np.float64)).groupby(bins[given])
    found = np.full(n_bins, np.nan)
    middle = groups.median()[groups.size() >= max(least, 1)]
    found[middle.index] = middle.to_numpy()
    return found


def in_place(
    latitudes: NDArray[np.floating], longitudes: NDArray[np.floating],
    west: float, east: float, south: float, north: float,
) -> NDArray[np.bool_]:  # fmt: skip
    """Tell which samples lie between two meridians, going east, and two parallels."""
    span = 360.0 if east - west >= 360 else (east - west) % 360
    within = (np.asarray(longitudes, np.float64) - west) % 360 <= span
    inside: NDArray[np.bool_] = within & (latitudes >= south) & (latitudes <= north)
    return inside


def months_of(years: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return months since the year 0, as whole numbers, of times in decimal years; NaN of none.

    Decimal years are of 365.25 days. Where all are whole, they are calendar years: their Januaries.
    """
    decimal: NDArray[np.float64] = np.asarray(years, np.float64)
    known = np.isfinite(decimal)
    if (decimal[known] % 1 == 0).all():
        return 12 * decimal
    seconds = (decimal - EPOCH_YEAR) * DAYS_PER_YEAR * 86_400
    moments = np.rint(np.where(known, seconds, 0)).astype("datetime64[s]")
    months = moments.astype("datetime64[M]").astype(np.float64) + 12 * EPOCH_YEAR
    return np.where(known, months, np.nan)


def _span(degrees: NDArray[np.float64]) -> float:
    known = degrees[np.isfinite(degrees)]
    return float(np.ptp(known)) if len(known) else 0.0
