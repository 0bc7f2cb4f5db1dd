"""Reference maps: what latent dimensions are compared with, made of one map or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Roi, ScanGrid, ScanMaps, match_rows
from latentcore.errors import RequestError

# With fewer points a nearest-neighbor or a rank statistic says next to nothing.
FEWEST_PAIRS = 20
SYNTHESES = ("sum", "rgb")
# Relative luminance of linear red, green and blue: ITU-R BT.709.
_LUMINANCE = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True, eq=False)
class Reference:
    """One number per point, and how it was made.

    Attributes
    ----------
    values : ndarray of float32, shape (n,)
        NaN where a column has no value.
    name : str
        For figures: ``"bandcontrast"``, ``"Fe + O"``, ``"luminance of Fe, Al, O"``.
    columns : tuple of str
        The maps it was made of.
    synthesis : str
        ``"sum"`` or ``"rgb"``; empty for a map as it is.
    weights : tuple of float
        Of each column, summing to 1; empty for a map as it is.
    ranges : tuple of (float, float)
        For each column the values that became 0 and 1; empty for a map as it is.
    tag : str
        For names of files: ``"bandcontrast"``, ``"sum-auto"``, ``"rgb-Fe_Al_O"``.
    rgb : ndarray of float32, shape (n, 3), or None
        Red, green and blue, 0–1, of the RGB picture.
    """

    values: NDArray[np.float32]
    name: str
    columns: tuple[str, ...]
    synthesis: str = ""
    weights: tuple[float, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()
    tag: str = ""
    rgb: NDArray[np.float32] | None = None

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Reference:
        """Return the reference at some of the points."""
        rgb = None if self.rgb is None else self.rgb[rows]
        return replace(self, values=self.values[rows], rgb=rgb)


def reference_of(
    channels: NDArray[np.floating],
    names: Sequence[str],
    *,
    synthesis: str | None = None,
    weights: Sequence[float] | None = None,
) -> Reference:
    """Make a reference of one map, or of several.

    Each channel of a ``"sum"`` or ``"rgb"`` is scaled to 0–1 over the finite points given, which
    are those of the ROI; a constant one becomes 0 and adds nothing. A sum weighs the channels
    equally unless weights are given; the weights are divided by their sum. RGB takes three channels
    as red, green and blue and compares by their luminance (ITU-R BT.709), as the published
    ranking did.

    Parameters
    ----------
    channels : ndarray, shape (k, n)
    names : sequence of str
        Of the k channels.
    synthesis : {"sum", "rgb"}, optional
        Needed where k is not 1.
    weights : sequence of float, optional
        Of the k channels of a sum.

    Raises
    ------
    RequestError
        If the number of channels or weights doesn't fit, a weight is negative, or a channel has
        no value at all.
    """
    _check(names, synthesis, weights)
    channels = np.asarray(channels)
    if synthesis is None:
        return Reference(channels[0].astype(np.float32), names[0], tuple(names), tag=names[0])
    scaled, ranges = _scaled(channels, names)
    shares = _LUMINANCE if synthesis == "rgb" else _shares(len(names), weights)
    values = np.tensordot(np.array(shares), scaled, axes=1)
    listed = ", ".join(names)
    return Reference(
        values.astype(np.float32),
        f"luminance of {listed}" if synthesis == "rgb" else " + ".join(names),
        tuple(names),
        synthesis,
        tuple(shares),
        ranges,
        _tag(names, synthesis, weights),
        scaled.T.astype(np.float32) if synthesis == "rgb" else None,
    )


def join_maps(
    maps: ScanMaps, grid: ScanGrid, roi: Roi | None = None, whole: ScanGrid | None = None
) -> tuple[NDArray[np.float32], int, int]:
    """Bring maps to the points of latents, by coordinates.

    Parameters
    ----------
    whole : ScanGrid, optional
        All points of the latents, where `grid` holds a sample of them.

    Returns
    -------
    values : ndarray of float32, shape (k, n)
        NaN where the maps have no point.
    unmatched : int
        Points of the latents that the maps lack.
    unmatched_maps : int
        Points of the maps, in the ROI where there is one, that the latents lack.

    Raises
    ------
    JoinError
        If not one point is common to both.
    """
    values, unmatched = maps.at(grid)
    lacking = match_rows(maps.grid, whole or grid) < 0
    if roi is not None:
        lacking &= roi.mask(maps.grid)
    return values, unmatched, int(lacking.sum())


def refuse_useless(reference: Reference, encoded: NDArray[np.bool_]) -> None:
    """Refuse a reference that no dimension can be held against.

    Parameters
    ----------
    encoded : ndarray of bool, shape (n,)
        Which points have a latent in some dimension.

    Raises
    ------
    RequestError
        If it is constant, or too few points have both a latent and a value.
    """
    finite = np.isfinite(reference.values)
    paired = finite & encoded
    if paired.sum() < FEWEST_PAIRS:
        message = (
            f"Only {int(paired.sum())} of {len(finite)} points have both a latent and a value of "
            f"{reference.name}; at least {FEWEST_PAIRS} are needed. Choose a larger ROI, or check "
            "that it is the map of the same scan."
        )
        raise RequestError(message)
    low, high = reference.values[paired].min(), reference.values[paired].max()
    if low == high:
        message = (
            f"The reference {reference.name} is {low:g} at each of the {int(paired.sum())} points, "
            "so nothing can follow it. Choose another map, or a larger ROI."
        )
        raise RequestError(message)


def _check(names: Sequence[str], synthesis: str | None, weights: Sequence[float] | None) -> None:
    k, listed = len(names), ", ".join(names)
    if synthesis is None and k != 1:
        message = f"One map is needed, but there are {k}: {listed}. Choose one, or their sum."
    elif synthesis is not None and synthesis not in SYNTHESES:
        message = f"A reference is made by {' or '.join(SYNTHESES)}, not by {synthesis!r}."
    elif synthesis == "rgb" and k != 3:
        message = (
            f"An RGB reference needs three maps, for red, green and blue, but got {k}: {listed}. "
            "Name them as FILE:RED,GREEN,BLUE."
        )
    elif weights is not None and synthesis != "sum":
        message = "Weights belong to a sum of maps. Leave them out, or ask for the synthesis 'sum'."
    elif weights is not None and len(weights) != k:
        message = (
            f"{len(weights)} weights were given for {k} maps: {listed}. Give one for each, in "
            "this order."
        )
    elif weights is not None and not _are_weights(weights):
        message = f"Weights must be 0 or more, and not all 0, but are {_written(weights)}."
    else:
        return
    raise RequestError(message)


def _are_weights(weights: Sequence[float]) -> bool:
    array = np.asarray(weights, np.float64)
    return bool(np.isfinite(array).all() and (array >= 0).all() and array.sum() > 0)


def _shares(k: int, weights: Sequence[float] | None) -> tuple[float, ...]:
    given = np.ones(k) if weights is None else np.asarray(weights, np.float64)
    return tuple((given / given.sum()).tolist())


def _scaled(
    channels: NDArray[np.floating], names: Sequence[str]
) -> tuple[NDArray[np.float64], tuple[tuple[float, float], ...]]:
    scaled = np.zeros(channels.shape)
    ranges = []
    for row, (channel, name) in enumerate(zip(channels, names, strict=True)):
        finite = np.isfinite(channel)
        if not finite.any():
            message = (
                f"The map {name} has no value at any of the {len(channel)} points. Leave it out, "
                "or choose another ROI."
            )
            raise RequestError(message)
        low, high = float(channel[finite].min()), float(channel[finite].max())
        if low < high:
            scaled[row] = (channel.astype(np.float64) - low) / (high - low)
        scaled[row, ~finite] = np.nan
        ranges.append((low, high))
    return scaled, tuple(ranges)


def _tag(names: Sequence[str], synthesis: str, weights: Sequence[float] | None) -> str:
    if synthesis == "rgb":
        return "rgb-" + "_".join(names)
    return "sum-auto" if weights is None else "sum-" + _written(weights).replace(" ", "_")


def _written(weights: Sequence[float]) -> str:
    return " ".join(f"{weight:g}" for weight in weights)
