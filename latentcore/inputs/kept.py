"""Which points of a scan a request keeps, by where they are and by what maps say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import Roi, ScanGrid, match_rows
from latentcore.errors import JoinError, RequestError
from latentcore.inputs.labels import read_labels
from latentcore.inputs.maps import maps_at, read_one_map
from latentcore.readers.points import read_points
from latentcore.storage import content_fingerprint, local_path

Mask = NDArray[np.bool_]


class AsksForPoints(Protocol):
    """A request with the options of `Kept`; ``keep_xy`` and the others are as they are there."""

    @property
    def roi(self) -> tuple[float, ...] | None: ...  # noqa: D102
    @property
    def keep_above(self) -> tuple[Any, ...] | None: ...  # noqa: D102
    @property
    def keep_below(self) -> tuple[Any, ...] | None: ...  # noqa: D102
    @property
    def keep_between(self) -> tuple[Any, ...] | None: ...  # noqa: D102
    @property
    def keep_label(self) -> tuple[Any, ...] | None: ...  # noqa: D102
    @property
    def keep_xy(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True)
class Kept:
    """What was asked for; a point is kept where all of it holds.

    Attributes
    ----------
    roi : tuple of float or None
        (x0, x1, y0, y1), half-open.
    above, below : tuple of str and float
        Pairs, one after the other: a map, and the value that its points must exceed, or stay
        below.
    between : tuple of str and float
        Triples: a map and both ends, which belong to the range.
    label : tuple of str
        Pairs: labels, and the name of one of them. Of several names for the same labels any will
        do.
    xy : str or None
        File of the points themselves.
    """

    roi: tuple[float, ...] | None = None
    above: tuple[Any, ...] = ()
    below: tuple[Any, ...] = ()
    between: tuple[Any, ...] = ()
    label: tuple[Any, ...] = ()
    xy: str | None = None

    @classmethod
    def asked(cls, request: AsksForPoints) -> Kept:
        """Return what a request asks for."""
        return cls(
            request.roi,
            request.keep_above or (),
            request.keep_below or (),
            request.keep_between or (),
            request.keep_label or (),
            request.keep_xy,
        )

    def mask(self, grid: ScanGrid | None, location: str, folder: RunFolder | None = None) -> Mask:
        """Tell which points of a grid are kept, shape (n,).

        Parameters
        ----------
        location : str
            Of the samples, for messages.
        folder : RunFolder, optional
            Notes what is read.

        Raises
        ------
        JoinError
            If a map has no row for some points, or the file names points that the scan hasn't:
            dropping them silently would hide a mistake.
        RequestError
            If one of the conditions keeps no point, or there are no coordinates.
        """
        if grid is None:
            message = (
                f"{location!r} has no coordinates, so neither an ⟨roi⟩ nor maps mean anything "
                "there. Choose by ⟨rows⟩ or ⟨partition⟩."
            )
            raise JoinError(message)
        keep = np.ones(len(grid), np.bool_)
        if self.roi is not None:
            keep &= Roi.from_bounds(self.roi).mask(grid)
        for spec, low in _groups(self.above, 2):
            keep &= _Map.read(spec, grid, folder).where(low, np.inf, f"> {low:g}", open_ends=True)
        for spec, high in _groups(self.below, 2):
            keep &= _Map.read(spec, grid, folder).where(
                -np.inf, high, f"< {high:g}", open_ends=True
            )
        for spec, low, high in _groups(self.between, 3):
            keep &= _Map.read(spec, grid, folder).where(low, high, f"from {low:g} to {high:g}")
        names: dict[str, list[str]] = {}
        for spec, name in _groups(self.label, 2):
            names.setdefault(spec, []).append(name)
        for spec, wanted in names.items():
            keep &= _by_label(spec, wanted, grid, folder)
        if self.xy is not None:
            keep &= _listed(self.xy, grid, folder)
        return keep


def _groups(values: tuple[Any, ...], size: int) -> list[tuple[Any, ...]]:
    return list(zip(*[iter(values)] * size, strict=True))


@dataclass(frozen=True, eq=False)
class _Map:
    """Values at the points of a scan, (n,); NaN where there is none."""

    name: str
    values: NDArray[np.float32]

    @classmethod
    def read(cls, spec: str, grid: ScanGrid, folder: RunFolder | None) -> _Map:
        maps = read_one_map(spec, folder)
        values, unmatched = maps_at(maps, grid)
        if unmatched > maps.dropped:  # rows without a number are not among the maps' points
            raise _lacking(unmatched, len(grid), maps.names[0], spec)
        return cls(maps.names[0], values[0])

    def where(self, low: float, high: float, said: str, *, open_ends: bool = False) -> Mask:
        """Tell which points lie between two values; one without a number does not."""
        compare = np.less if open_ends else np.less_equal
        keep: Mask = compare(low, self.values) & compare(self.values, high)
        if not keep.any():
            message = (
                f"No point has {self.name} {said}: its values run from "
                f"{np.nanmin(self.values):g} to {np.nanmax(self.values):g}. Choose another limit."
            )
            raise RequestError(message)
        return keep


def _by_label(spec: str, wanted: list[str], grid: ScanGrid, folder: RunFolder | None) -> Mask:
    labels = read_labels(spec, folder)
    rows = match_rows(grid, labels.grid)
    unmatched = int((rows < 0).sum())
    if unmatched > labels.dropped:
        raise _lacking(unmatched, len(grid), labels.name, spec)
    present = np.unique(labels.labels[labels.given]).tolist()
    numbers = [label for label in present if {labels.text(label), str(label)} & set(wanted)]
    called = {labels.text(label) for label in numbers} | {str(label) for label in numbers}
    unknown = [name for name in wanted if name not in called]
    if unknown:
        found = ", ".join(labels.text(label) for label in present[:20])
        message = (
            f"No point of {spec!r} has the {labels.name} {unknown[0]!r}. There are: {found}. "
            "Name one of these."
        )
        raise RequestError(message)
    keep: Mask = (rows >= 0) & np.isin(labels.labels[rows], numbers)
    return keep


def _listed(location: str, grid: ScanGrid, folder: RunFolder | None) -> Mask:
    path = local_path(location)
    if folder is not None:
        folder.add_input(location, "points", content_fingerprint(path), "points")
    x, y = read_points(path)
    nowhere = np.zeros(len(x), np.int32)  # only x and y take part in the match
    rows = match_rows(ScanGrid((1, 1), nowhere, nowhere, x, y, grid.step), grid)
    outside = np.flatnonzero(rows < 0)
    if len(outside):
        first = outside[0]
        message = (
            f"{len(outside)} of {len(x)} points in {path.name!r} lie on no point of the scan, the "
            f"first at x = {x[first]:g}, y = {y[first]:g}. Use points of the same scan."
        )
        raise JoinError(message)
    keep = np.zeros(len(grid), np.bool_)
    keep[rows] = True
    return keep


def _lacking(count: int, n: int, name: str, spec: str) -> JoinError:
    return JoinError(
        f"{count} of {n} points have no {name} in {spec!r}. "
        "A condition needs a value for every point: use the map of the same scan."
    )
