"""The points of a scan by names that they keep in all its files.

A point of a scan grid is named by its node, counted in steps from the origin of the grid that the
regions were made on, so that they can be laid on latents, maps or samples of the same scan by
(x, y). Samples without a grid are named by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.latents import LatentSet, default_sample_ids
from latentcore.containers.lattice import ShiftedRows, is_shifted
from latentcore.containers.lazy import lazy_fields, unmade
from latentcore.containers.maps import ScanMaps
from latentcore.errors import JoinError

Points = NDArray[np.int64] | NDArray[np.str_]
"""Names of points, ascending, each once: keys of nodes (see `node_keys`), or ids of samples."""

# As far from a node, in steps, a point is still on it: as where other tables are joined.
_ON_NODE = 0.25
_SAME_STEP = 0.01
_COL_BITS = 32
_COL_HALF = 1 << (_COL_BITS - 1)
_MOST_NODES = 1 << 30
_NOWHERE = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Frame:
    """The nodes that regions count in.

    Attributes
    ----------
    shape : tuple of int
        (R, S) of the grid that they were made on.
    origin : tuple of float
        (x, y) of row 0 and column 0.
    step : tuple of float
        (dx, dy).
    unit : str
        ``"µm"``, or ``""`` where it is not known.
    shifted_rows : str
        As of `ScanGrid`.
    """

    shape: tuple[int, int]
    origin: tuple[float, float]
    step: tuple[float, float]
    unit: str = ""
    shifted_rows: ShiftedRows = "none"


@lazy_fields("fingerprint")
@dataclass(frozen=True)
class RegionScan:
    """The scan that regions belong to.

    Attributes
    ----------
    n : int
        Its points, as far as they were known when the regions were made.
    frame : Frame or None
        None for samples without a grid.
    of : str
        What `fingerprint` is of: ``"samples"``, ``"latents"`` or ``"maps"``.
    fingerprint : str
        Empty where it is not known; that of a large file may still be computed by a thread. Only
        that of the samples says what scan it is: latents and maps of one scan have others.
    """

    n: int
    frame: Frame | None = None
    of: str = "samples"
    fingerprint: str = ""


@lazy_fields("sample_ids", "fingerprint")
@dataclass(frozen=True, eq=False)
class ScanPoints:
    """n points that regions can be laid on: those of latents, maps or samples.

    Attributes
    ----------
    grid : ScanGrid or None
    sample_ids : ndarray of str, shape (n,), or None
        Needed where there is no grid.
    of, fingerprint
        As of `RegionScan`.
    """

    grid: ScanGrid | None
    sample_ids: NDArray[np.str_] | None = None
    of: str = "samples"
    fingerprint: str = ""

    def __len__(self) -> int:
        if self.grid is not None:
            return len(self.grid)
        return 0 if self.sample_ids is None else len(self.sample_ids)

    @classmethod
    def of_latents(cls, latents: LatentSet) -> ScanPoints:
        """Return the points of latents; the fingerprint is that of their samples where known."""
        made = latents.provenance
        read = () if made is None else made.inputs
        samples = {record.fingerprint for record in read if record.role == "samples"}
        given = {"of": "latents", **unmade(latents, "sample_ids", "fingerprint")}
        if len(samples) == 1:
            given |= {"of": "samples", "fingerprint": samples.pop()}
        return cls(latents.grid, **given)

    @classmethod
    def of_maps(cls, maps: ScanMaps) -> ScanPoints:
        """Return the points of maps."""
        return cls(maps.grid, None, "maps", maps.fingerprint)

    @property
    def scan(self) -> RegionScan:
        """The scan that regions made on these points belong to."""
        frame = None
        if self.grid is not None:
            grid = self.grid
            frame = Frame(grid.shape, grid.origin, grid.step, grid.unit, grid.shifted_rows)
        return RegionScan(len(self), frame, self.of, **unmade(self, "fingerprint"))


@dataclass(frozen=True, eq=False)
class Placement:
    """n points of latents, maps or samples, by the names that a scan's regions have for them.

    Attributes
    ----------
    names : ndarray of int64 or str, shape (n,)
        Of each point; a point that lies on no node of the frame has a name that no region holds.
    """

    names: Points

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.intp], Points]:
        order = np.argsort(self.names, kind="stable")
        return order, self.names[order]

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, points: Points) -> NDArray[np.intp]:
        """Return the rows of points, of those that are here, in ascending order."""
        if len(self) == 0 or self.names.dtype.kind != points.dtype.kind:
            return np.empty(0, np.intp)
        order, ordered = self._ordered
        place = np.minimum(np.searchsorted(ordered, points), len(self) - 1)
        return np.sort(order[place[ordered[place] == points]])

    def mask(self, points: Points) -> NDArray[np.bool_]:
        """Return which of the points here are among these, shape (n,)."""
        mask = np.zeros(len(self), np.bool_)
        mask[self.rows(points)] = True
        return mask

    def points(self, mask: NDArray[np.bool_]) -> Points:
        """Return the points that a mask (n,) selects, as a region holds them."""
        chosen = np.unique(self.names[mask])
        return cast("Points", chosen[chosen != _NOWHERE] if chosen.dtype.kind == "i" else chosen)


def node_keys(row: NDArray[np.integer], col: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return one number per node, row · 2³² + column: ascending along the rows.

    Parameters
    ----------
    row, col : ndarray of int, shape (n,)
        From −2³⁰ to 2³⁰; those of a larger scan than the frame's may be negative.
    """
    keys: NDArray[np.int64] = (np.asarray(row, np.int64) << _COL_BITS) + np.asarray(col, np.int64)
    return keys


def nodes_of(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of each key; the inverse of `node_keys`."""
    row = (keys + _COL_HALF) >> _COL_BITS
    return row, keys - (row << _COL_BITS)


def to_runs(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ascending keys as runs along the rows, int64 (k, 3): row, first column, length."""
    # Neighbors in a row have keys that differ by 1; the next row is 2³² away.
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 2) != 1)
    row, col = nodes_of(keys[starts])
    return np.column_stack([row, col, np.diff(starts, append=len(keys))])


def from_runs(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys of runs (k, 3), ascending, each once; the inverse of `to_runs`."""
    lengths = runs[:, 2]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    keys = np.repeat(node_keys(runs[:, 0], runs[:, 1]), lengths) + within
    return np.unique(keys)


def placement(scan: RegionScan, points: ScanPoints, *, same_scan: bool = False) -> Placement:
    """Find out what a scan's regions call the points of latents, maps or samples.

    Parameters
    ----------
    scan : RegionScan
        That of the regions.
    points : ScanPoints
        Of the whole scan or a part of it, in any order.
    same_scan : bool
        Whether a person says that it is the same scan although the files of its samples differ, as
        where it was converted.

    Raises
    ------
    JoinError
        If the points are of another scan, or can't be joined.
    """
    known = scan.of == points.of == "samples" and "" not in (scan.fingerprint, points.fingerprint)
    if known and scan.fingerprint != points.fingerprint and not same_scan:
        message = (
            "The regions were made on another scan: its samples have the fingerprint "
            f"{scan.fingerprint!r}, those of this one {points.fingerprint!r}. Open the regions of "
            "this scan; if it is the same scan in another file, say so (⟨same_scan⟩)."
        )
        raise JoinError(message)
    if scan.frame is None:
        return Placement(_ids(scan, points))
    if points.grid is None:
        message = (
            "The regions lie on a scan grid, but these samples have no coordinates. Give ⟨coords⟩, "
            "or open latents or maps of the same scan."
        )
        raise JoinError(message)
    return Placement(_keys_on(scan.frame, points.grid, whole=scan.of == "samples" and not known))


def _ids(scan: RegionScan, points: ScanPoints) -> NDArray[np.str_]:
    ids = points.sample_ids
    if ids is None:
        message = "The regions name samples by their ids, which maps don't have. Open latents."
        raise JoinError(message)
    if len(ids) != scan.n and np.array_equal(ids, default_sample_ids(len(ids))):
        message = (
            f"The regions were made on {scan.n:,} samples, but here are {len(ids):,}, which have "
            "neither coordinates nor names to join them by. Open latents of the same samples."
        )
        raise JoinError(message)
    return ids


def _keys_on(frame: Frame, grid: ScanGrid, *, whole: bool) -> NDArray[np.int64]:
    """Return the nodes of a grid's points; `whole` says that the scan ends where the frame does."""
    if frame.unit and grid.unit and frame.unit != grid.unit:
        message = (
            f"The regions' scan is measured in {frame.unit}, this one in {grid.unit}. Open the "
            "regions of this scan, or give coordinates in the same unit."
        )
        raise JoinError(message)
    if not np.allclose(frame.step, grid.step, rtol=_SAME_STEP, atol=0):
        message = (
            f"The regions lie on a scan with steps of {_pair(frame.step)}, but this one has steps "
            f"of {_pair(grid.step)}. Open the regions of this scan, or give the coordinates of "
            "theirs."
        )
        raise JoinError(message)
    (x0, y0), (dx, dy) = frame.origin, frame.step
    right, down = (grid.x - x0) / dx, (grid.y - y0) / dy
    row = np.rint(down)
    right -= 0.5 * is_shifted(row, frame.shifted_rows)
    col = np.rint(right)
    on_node = (np.abs(right - col) <= _ON_NODE) & (np.abs(down - row) <= _ON_NODE)
    on_node &= (np.abs(col) < _MOST_NODES) & (np.abs(row) < _MOST_NODES)
    within = on_node & (col >= 0) & (col < frame.shape[1]) & (row >= 0) & (row < frame.shape[0])
    # Regions made on the latents of a ROI may meet those of the whole scan.
    if not within.any() or (whole and not within.all()):
        message = (
            f"The regions were made on another scan: {int((~within).sum()):,} of {len(grid):,} "
            f"points here lie outside of its {frame.shape[0]} × {frame.shape[1]} nodes, which "
            f"begin at x = {x0:g}, y = {y0:g} with steps of {_pair(frame.step)}. Open the regions "
            "of this scan."
        )
        raise JoinError(message)
    keys = np.full(len(grid), _NOWHERE, np.int64)
    keys[on_node] = node_keys(row[on_node].astype(np.int64), col[on_node].astype(np.int64))
    return keys


def _pair(steps: Iterable[float]) -> str:
    return " and ".join(f"{step:g}" for step in steps)
