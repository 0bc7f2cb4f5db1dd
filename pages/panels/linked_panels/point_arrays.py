"""Collect what the browser is sent about each point."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import codes_of
from latentcore.analysis.representatives import Detail, Representatives
from latentcore.containers import ScanGrid
from pages.panels.linked_panels.points import GridGeometry, PointTable

# Each of a million points at most.
_MOST_KEPT = 32
Values = NDArray[np.generic] | Callable[[], NDArray[np.generic]]


@dataclass
class PointArrays:
    """Collects the arrays that the browser needs, each with its fingerprint.

    Parameters
    ----------
    shown : Representatives or None
        The points that the browser gets, where it does not get all.
    shown_key : str
        Changes when these do, but for their detail.
    detail_key : str
        Changes when that does.
    """

    shown: Representatives | None = None
    shown_key: str = ""
    detail_key: str = ""
    values: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    others: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, name: str, values: Values, key: str) -> str:
        """Add an array of all points and return its name; `key` changes whenever the values do."""
        if self.shown is None:
            return self.add_own(name, values, key)
        return self.add_at(name, lambda rows: _made(values)[rows], key)

    def add_at(
        self, name: str, at: Callable[[NDArray[np.int64]], NDArray[np.generic]], key: str
    ) -> str:
        """Add what `at` returns of some rows; for another detail only its rows are asked."""
        shown = self.shown
        assert shown is not None

        def values() -> NDArray[np.generic]:
            even = _kept(_digest(key, name, self.shown_key), lambda: at(shown.rows))
            if shown.detail is None:
                return even
            return np.concatenate([even, _plain(at(shown.detail.rows))])

        return self.add_own(name, values, key)

    def add_own(self, name: str, values: Values, key: str) -> str:
        """Add an array of those points alone that the browser gets."""
        digest = self.keys[name] = _digest(key, name, f"{self.shown_key}|{self.detail_key}")
        kept = self.shown is not None and callable(values)
        self.values[name] = _kept(digest, values) if kept else _plain(_made(values))
        return name

    def add_other(self, name: str, values: NDArray[np.floating], key: str) -> str:
        """Add an array that is not about the points."""
        self.keys[name] = _digest(key, name)
        self.others[name] = _plain(values)
        return name

    def add_codes(
        self, name: str, values: NDArray[np.floating], key: str
    ) -> tuple[str, NDArray[np.int32]]:
        """Add the codes of a map of categories; return its name, and the codes that there are.

        A code that no category has stands for "no value": it gets the color of missing points.
        """
        codes = codes_of(values)
        return self.add(name, codes, key), codes[np.isfinite(values)]

    def add_zeros(self, n: int) -> str:
        """Add what is along y where only x means something, of n points in all."""
        n = n if self.shown is None else len(self.shown.all_rows)
        return self.add_own("no height", np.zeros(n, np.float32), f"zeros {n}")

    def add_grid(self, grid: ScanGrid, key: str) -> GridGeometry:
        """Add what maps need of each point, and return how they are drawn."""
        for name, values in (("x", grid.x), ("y", grid.y)):
            self.add(name, values, key)
        if self.shown is not None:
            return self._add_blocks(self.shown, grid, key)
        _, row, col, step = grid.lattice
        self.add("row", row, key)
        self.add("col", col, key)
        if grid.hexagonal:
            return _hexagons(grid, (0, 0), grid.shape)
        x0, _, y0, _ = grid.picture_extent
        return GridGeometry(grid.shape, (x0 + step[0] / 2, y0 + step[1] / 2), step, grid.unit)

    def _add_blocks(self, shown: Representatives, grid: ScanGrid, key: str) -> GridGeometry:
        """Add where blocks lie: each is drawn in the color of the point that stands for it."""
        assert shown.row is not None and shown.col is not None
        row, col, detail = shown.row, shown.col, shown.detail
        if detail is not None:
            fine_row, fine_col = _places(detail, grid)
            row, col = np.r_[row, fine_row], np.r_[col, fine_col]
        self.add_own("row", row, key)
        self.add_own("col", col, key)
        return _blocks(grid, (0, 0), shown.side, shown.shape)

    def detail(self, grid: ScanGrid | None) -> GridGeometry | None:
        """Return how the blocks of the detail are drawn, over those of the whole."""
        detail = None if self.shown is None else self.shown.detail
        if grid is None or detail is None or detail.window is None:
            return None
        row, _, col, _ = detail.window
        if _in_hexagons(detail, grid):
            return _hexagons(grid, (row, col), detail.shape)
        return _blocks(grid, (row, col), detail.side, detail.shape)

    def table(self, n: int) -> PointTable:
        """Return them as the arrays of n points, or of those of them that are shown."""
        shown = n if self.shown is None else len(self.shown.all_rows)
        return PointTable(shown, self.values, self.keys, self.others)


def _in_hexagons(detail: Detail, grid: ScanGrid) -> bool:
    """Tell whether each node of a hexagonal scan is drawn by itself, so that its rows shift."""
    return grid.hexagonal and detail.window is not None and detail.side == 1


def _places(detail: Detail, grid: ScanGrid) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return row and column of each point in the raster of the detail, −1 where it has none."""
    if detail.window is None or detail.row is None or detail.col is None:
        nowhere = np.full(len(detail.rows), -1, np.int32)
        return nowhere, nowhere
    if not _in_hexagons(detail, grid):
        return detail.row, detail.col
    shifted = grid.is_shifted(detail.row + detail.window[0])
    return detail.row, (2 * detail.col + shifted).astype(np.int32)


def _hexagons(grid: ScanGrid, first: tuple[int, int], shape: tuple[int, int]) -> GridGeometry:
    """Return the raster of half cells of a hexagonal scan, from the node in a row and column on."""
    (dx, dy), (x0, _, y0, _) = grid.step, grid.picture_extent
    return GridGeometry(
        shape=(shape[0], 2 * shape[1] + 1),
        origin=(x0 + dx / 4 + first[1] * dx, y0 + dy / 2 + first[0] * dy),
        step=(dx / 2, dy),
        unit=grid.unit,
        cell_columns=2,
    )


def _blocks(
    grid: ScanGrid, first: tuple[int, int], side: int, shape: tuple[int, int]
) -> GridGeometry:
    """Return the raster of blocks of so many nodes, from the node in a row and column on."""
    dx, dy = grid.step
    x0, _, y0, _ = grid.picture_extent
    origin = x0 + (first[1] + side / 2) * dx, y0 + (first[0] + side / 2) * dy
    step = side * dx, side * dy
    # Shifted rows of a hexagonal scan end half a column later.
    nodes = grid.shape[0], grid.shape[1] + 0.5 * grid.hexagonal
    return GridGeometry(shape, origin, step, grid.unit, node=grid.step, nodes=nodes)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=16).hexdigest()


def _plain(values: NDArray[np.generic]) -> NDArray[np.generic]:
    wanted = np.int32 if values.dtype.kind in "iub" else np.float32
    return np.ascontiguousarray(values, wanted)


def _made(values: Values) -> NDArray[np.generic]:
    return values() if callable(values) else values


_recent: OrderedDict[str, NDArray[np.generic]] = OrderedDict()
_lock = threading.Lock()


def _kept(digest: str, values: Values) -> NDArray[np.generic]:
    """Return values, made once as long as they are among those used last."""
    with _lock:
        found = _recent.pop(digest, None)
    if found is None:
        found = _plain(_made(values))
    with _lock:
        _recent[digest] = found
        while len(_recent) > _MOST_KEPT:
            _recent.popitem(last=False)
    return found
