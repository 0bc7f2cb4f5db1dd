"""What leaves for another program: label maps on a scan grid, and what is known of its points."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, ScanMaps, UnitCell

NO_LABEL = -1
# Nodes of the grid that are written at a time.
_BLOCK = 1 << 16


def unused(name: str, taken: Container[str]) -> str:
    """Return a name, with a number behind it where it is taken."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


@dataclass(frozen=True, eq=False)
class LabelColumn:
    """A label at each of n points.

    Attributes
    ----------
    values : ndarray of int32, shape (n,)
        −1 where there is none.
    texts : Mapping of int to str
        What labels are called, where it isn't their number.
    """

    name: str
    values: NDArray[np.int32]
    texts: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The labels that occur, ascending."""
        found: NDArray[np.int32] = np.unique(self.values[self.values != NO_LABEL])
        return found

    @cached_property
    def indices(self) -> NDArray[np.int32]:
        """The labels counted from 1 in ascending order, 0 where there is none, shape (n,)."""
        found: NDArray[np.int32] = np.searchsorted(self.labels, self.values).astype(np.int32) + 1
        return np.where(self.values == NO_LABEL, np.int32(0), found)


@dataclass(frozen=True)
class Phase:
    """A phase as a header describes it.

    Attributes
    ----------
    laue : str
        Laue group, such as ``"m-3m"``; empty where unknown.
    hexagonal_x : str
        ``"a"`` or ``"a*"``: which axis of a hexagonal crystal the angles take for x.
    """

    name: str
    laue: str = ""
    hexagonal_x: str = ""
    cell: UnitCell = field(default_factory=UnitCell)


@dataclass(frozen=True, eq=False)
class Orientations:
    """Phases and orientations of n points, as their source has them.

    Attributes
    ----------
    degrees : ndarray of float64, shape (n, 3)
        Bunge's angles φ1, Φ, φ2 in °, never rotated between frames; NaN where not indexed.
    phase : ndarray of int32, shape (n,)
        0 where not indexed, else the place of its phase in `phases`, counted from 1.
    record : Mapping
        The frame, and where all of it comes from; JSON-like.
    """

    degrees: NDArray[np.float64]
    phase: NDArray[np.int32]
    phases: tuple[Phase, ...]
    record: Mapping[str, Any]

    @property
    def indexed(self) -> NDArray[np.bool_]:
        """Which points have a phase and an orientation, shape (n,)."""
        return self.phase > 0


@dataclass(frozen=True, eq=False)
class ExportScan:
    """Everything that may be written of n points.

    Attributes
    ----------
    labels : tuple of LabelColumn
        At least one.
    maps : ScanMaps or None
        Values at the same points, in the same order.
    source : ScanMaps or None
        All maps of the file that the orientations come from, likewise.
    quality : Mapping of str to ndarray, shape (n,)
        What the source says of each point under the names that the formats have for it:
        ``bands``, ``error`` (as in .ctf), ``mad`` (°), ``bc``, ``bs``, ``iq``, ``ci``, ``sem``,
        ``fit`` (°); NaN where it says nothing.
    provenance : Mapping
        JSON-like.
    """

    grid: ScanGrid
    labels: tuple[LabelColumn, ...]
    maps: ScanMaps | None = None
    source: ScanMaps | None = None
    orientations: Orientations | None = None
    quality: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The unit of length, ``"µm"`` or empty where it is unknown."""
        return self.grid.unit

    @property
    def cells(self) -> int:
        """How many nodes the scan grid has, with a point or without."""
        return len(self._nodes)

    @property
    def missing(self) -> int:
        """How many nodes of the scan grid hold no point."""
        return self.cells - len(self.grid)

    @cached_property
    def row_lengths(self) -> tuple[int, int]:
        """Nodes of the rows 0, 2, … and 1, 3, …: those of a hexagonal grid may differ by one."""
        grid = self.grid
        if not grid.hexagonal or len(grid) == 0:
            return grid.shape[1], grid.shape[1]
        even, odd = (int(grid.col[grid.row % 2 == side].max(initial=-1)) + 1 for side in (0, 1))
        return even, odd

    @cached_property
    def _nodes(self) -> NDArray[np.int64]:
        rows, columns = self.grid.shape
        nodes = np.arange(rows * columns)
        if min(self.row_lengths) == columns:
            return nodes
        row, col = np.divmod(nodes, columns)
        there: NDArray[np.bool_] = col < np.array(self.row_lengths)[row % 2]
        return nodes[there]

    @cached_property
    def _row_of_node(self) -> NDArray[np.int32]:
        rows = np.full(self.grid.shape[0] * self.grid.shape[1], -1, np.int32)
        rows[self.grid.node] = np.arange(len(self.grid), dtype=np.int32)
        return rows[self._nodes]

    def blocks(self) -> Iterator[NodeBlock]:
        """Yield all nodes of the grid, row by row, in blocks."""
        for start in range(0, self.cells, _BLOCK):
            part = slice(start, start + _BLOCK)
            yield NodeBlock(self, self._nodes[part], self._row_of_node[part])

    def whole(self) -> NodeBlock:
        """Return all nodes of the grid, row by row."""
        return NodeBlock(self, self._nodes, self._row_of_node)

    def on_lattice(self) -> ExportScan:
        """Return the same points on the rectangular grid of half steps that holds them.

        For programs without hexagonal grids: half of its nodes hold no point.
        """
        (shape, row, col, step), grid = self.grid.lattice, self.grid
        return replace(self, grid=ScanGrid(shape, row, col, grid.x, grid.y, step, grid.unit))


@dataclass(frozen=True, eq=False)
class NodeBlock:
    """Some nodes of a scan's grid.

    Attributes
    ----------
    nodes : ndarray of int64, shape (b,)
        Numbers of nodes: column + columns × row.
    rows : ndarray of int32, shape (b,)
        The point at each, −1 where there is none.
    """

    scan: ExportScan
    nodes: NDArray[np.int64]
    rows: NDArray[np.int32]

    @property
    def x(self) -> NDArray[np.float64]:
        """Where the nodes are, as the file of the points has it."""
        return np.where(self.rows >= 0, self.scan.grid.x[self.rows], self.places[0])

    @property
    def y(self) -> NDArray[np.float64]:
        """As `x`, downwards."""
        return np.where(self.rows >= 0, self.scan.grid.y[self.rows], self.places[1])

    @property
    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X and y of the nodes themselves, whatever the digits of the points' file."""
        grid = self.scan.grid
        return grid.coordinates(*np.divmod(self.nodes, grid.shape[1]))

    def at(self, values: NDArray[Any], missing: float) -> NDArray[Any]:
        """Return values of points, (n, …), at the nodes; `missing` where none is, or NaN."""
        found = values[self.rows]
        empty = self.rows < 0
        if found.dtype.kind == "f":
            found = np.where(np.isfinite(found), found, missing)
        found[empty] = missing
        return found

    def quality(self, name: str, missing: float = 0.0) -> NDArray[np.float64]:
        """Return what the source says of the nodes' points under a name."""
        if name not in self.scan.quality:
            return np.full(len(self.nodes), missing)
        return self.at(self.scan.quality[name], missing)

    def phase(self) -> NDArray[np.int32]:
        """Return the nodes' phases, 0 where not indexed."""
        found = self.scan.orientations
        if found is None:
            return np.zeros(len(self.nodes), np.int32)
        return self.at(found.phase, 0)

    def degrees(self, missing: float) -> NDArray[np.float64]:
        """Return the nodes' Euler angles in °, (b, 3); `missing` where not indexed."""
        found = self.scan.orientations
        if found is None:
            return np.full((len(self.nodes), 3), missing)
        angles = self.at(found.degrees, missing)
        angles[self.phase() == 0] = missing
        return angles
