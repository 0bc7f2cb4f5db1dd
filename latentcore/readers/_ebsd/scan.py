"""The h5ebsd layout: which scan, its patterns, grid, maps and phases.

A vendor is a subclass that says what is called how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, ScanGrid
from latentcore.errors import MalformedFileError, RequestError
from latentcore.readers._ebsd.fields import as_float32, children, column, number, points_in
from latentcore.readers._ebsd.places import Header, scan_grid
from latentcore.readers._ebsd.symmetry import symmetry_of
from latentcore.readers._hdf5 import follow, text
from latentcore.readers._hdf5_rows import Hdf5Rows
from latentcore.readers._peek import Peek

__all__ = ["Options", "Phase", "Placed", "Vendor"]

Options = Mapping[str, object]


@dataclass(frozen=True)
class Phase:
    """A phase of a scan: its name, and its symmetry where the file tells it."""

    name: str
    symmetry: CrystalSymmetry | None = None


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a scan's points are, and what is to be told about it."""

    grid: ScanGrid | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Vendor:
    """One vendor's flavour of h5ebsd.

    Attributes
    ----------
    label : str
        What such a file is called.
    maker : str
        How the file's ``Manufacturer`` begins, in lower case.
    patterns : Mapping of str to str
        For each kind of patterns the dataset; the first that is there is read.
    pattern_hint : str
        Where patterns are if not in the file.
    cells, steps : tuple of str
        Entries of the header, along x and y.
    places : tuple of str
        Datasets of x and y.
    data : str
        Group of the maps, in a scan.
    not_maps : frozenset of str
        Datasets of one value per point that are no maps.
    renamed : Mapping of str to str
        What a map is called here, where that differs.
    first : tuple of str
        Maps that are shown before the others.
    units : Mapping of str to str
        Of maps whose dataset names none.
    euler : tuple of str
        Three datasets, or one of shape (n, 3).
    euler_unit : str
    hexagonal_x : str
        ``"a"`` or ``"a*"``: which axis of a hexagonal crystal the angles take for x.
    options : frozenset of str
        What a caller may choose.
    """

    label: str
    maker: str
    patterns: Mapping[str, str]
    pattern_hint: str = ""
    cells: tuple[str, str] = ("", "")
    steps: tuple[str, str] = ("", "")
    places: tuple[str, str] = ("", "")
    data: str = "EBSD/Data"
    not_maps: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    euler: tuple[str, ...]
    euler_unit: str = "rad"
    hexagonal_x: str = "a"
    options: frozenset[str] = frozenset({"scan"})

    def claims(self, peek: Peek) -> bool:
        """Tell whether this vendor wrote a file."""
        return peek.manufacturer.startswith(self.maker)

    def scans(self, file: h5py.File) -> tuple[str, ...]:
        """Return the names of the scans, in the file's order."""
        return tuple(key for key in file if "EBSD" in children(file, key))

    def chosen_scan(self, file: h5py.File, options: Options) -> str:
        """Return the scan asked for by its name or number, else the first.

        Raises
        ------
        RequestError
            If there is none of that name, or an option is unknown.
        MalformedFileError
            If the file holds no scan.
        """
        name = Path(file.filename).name
        self._refuse_unknown(options)
        scans = self.scans(file)
        if not scans:
            keys = ", ".join(repr(key) for key in list(file)[:12])
            message = (
                f"{name!r} holds no scan: none of its top-level groups has an 'EBSD' in it. "
                f"There are: {keys}."
            )
            raise MalformedFileError(message)
        asked = str(options.get("scan", scans[0])).strip()
        for scan in scans:
            if asked.lower() in (scan.lower(), scan.rpartition(" ")[2].lower()):
                return scan
        message = f"{name!r} has no scan {asked!r}. It has: {', '.join(map(repr, scans))}."
        raise RequestError(message)

    def scan_notes(self, file: h5py.File, scan: str) -> tuple[str, ...]:
        """Tell which scan of several this is."""
        scans = self.scans(file)
        if len(scans) < 2:
            return ()
        shown = ", ".join(scans)
        note = (
            f"The file holds {len(scans)} scans: {shown}. This is {scan!r}; another one opens "
            "with the reader's option scan=NAME."
        )
        return (note,)

    def patterns_key(self, file: h5py.File, scan: str, options: Options) -> str | None:
        """Return the dataset of the patterns, None where the file has none.

        Raises
        ------
        RequestError
            If a kind of patterns is asked for that is not there.
        """
        folder = f"{scan}/EBSD/Data"
        there = {
            kind: f"{folder}/{dataset}"
            for kind, dataset in self.patterns.items()
            if isinstance(follow(file, f"{folder}/{dataset}"), h5py.Dataset)
        }
        if "patterns" not in options or not there:
            return next(iter(there.values()), None)
        asked = str(options["patterns"]).strip().lower()
        if asked not in there:
            message = (
                f"{Path(file.filename).name!r} has no {asked!r} patterns. It has: "
                f"{', '.join(there)}."
            )
            raise RequestError(message)
        return there[asked]

    def rows(self, file: h5py.File, key: str) -> Hdf5Rows:
        """Return the patterns of a dataset, one row per point."""
        return Hdf5Rows(file, key)

    def placed(self, file: h5py.File, scan: str, n: int, options: Options) -> Placed:
        """Place the first n points of a scan.

        Raises
        ------
        MalformedFileError
            If the header makes no grid of them, or the scan is hexagonal.
        """
        del options  # for vendors whose files don't tell the grid
        self.refuse_hexagonal(file, scan)
        header = self.header(file, scan)
        grid, note = scan_grid(
            header, n, Path(file.filename).name, self._coordinates(file, scan, n)
        )
        cells = grid.shape[0] * grid.shape[1]
        if n < cells:
            missing = (
                f"{n:,} of {cells:,} points were scanned: the scan was stopped early, or is not "
                "rectangular."
            )
            return Placed(grid, tuple(filter(None, (note, missing))))
        return Placed(grid, tuple(filter(None, (note,))))

    def header(self, file: h5py.File, scan: str) -> Header:
        """Read what the header says of the grid.

        Raises
        ------
        MalformedFileError
            If an entry is missing.
        """
        columns, rows, dx, dy = (
            self._needed(file, f"{scan}/EBSD/Header/{entry}")
            for entry in (*self.cells, *self.steps)
        )
        return Header(int(columns), int(rows), (dx, dy))

    def refuse_hexagonal(self, file: h5py.File, scan: str) -> None:
        """Refuse a scan whose rows are shifted against each other.

        Raises
        ------
        MalformedFileError
            If it is one.
        """
        grid_type = text(file, f"{scan}/EBSD/Header/Grid Type")
        if "hex" in grid_type.lower():
            message = (
                f"{Path(file.filename).name!r} is a hexagonal scan (Grid Type {grid_type!r}): "
                "every second row is shifted by half a step, and maps here have square cells. "
                "Convert it to a square grid in the vendor's program, and export it again."
            )
            raise MalformedFileError(message)

    def points(self, file: h5py.File, scan: str) -> int:
        """Return how many points the maps have: that of most datasets."""
        folder = f"{scan}/{self.data}"
        sizes = Counter(points_in(file, f"{folder}/{name}") for name in children(file, folder))
        sizes.pop(0, None)
        return sizes.most_common(1)[0][0] if sizes else 0

    def has_maps(self, file: h5py.File, scan: str, options: Options) -> bool:
        """Tell whether a scan has maps, on points whose places are known."""
        del options  # for vendors whose files don't tell the grid
        return self.points(file, scan) > 0

    def euler_angles(self, file: h5py.File, scan: str, n: int) -> NDArray[np.float32] | None:
        """Return Bunge's angles as the file gives them, shape (3, n); None without them."""
        keys = [f"{scan}/{self.data}/{name}" for name in self.euler]
        found = [follow(file, key) for key in keys]
        shapes = [
            (entry.shape or (0,)) if isinstance(entry, h5py.Dataset) else () for entry in found
        ]
        if len(keys) == 1:
            if shapes[0] != (n, 3):
                return None
            keys = keys * 3
        elif any(not shape or shape[0] != n for shape in shapes):
            return None
        parts = (0, 1, 2) if len(self.euler) == 1 else (0, 0, 0)
        angles = [column(file, key, part) for key, part in zip(keys, parts, strict=True)]
        return np.stack([as_float32(angle) for angle in angles])

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        """Return each phase of the header by its number."""
        return self.listed_phases(file, f"{scan}/EBSD/Header/Phases", ("Phase Name", "Name"))

    def listed_phases(
        self, file: h5py.File, folder: str, names: tuple[str, ...]
    ) -> dict[int, Phase]:
        """Return the phases of a folder whose groups are called by their numbers."""
        phases = {}
        for key in children(file, folder):
            if key.isdecimal() and len(key) < 4:
                at = f"{folder}/{key}"
                called = next(filter(None, (text(file, f"{at}/{name}") for name in names)), "")
                symmetry = symmetry_of(file, at, self.hexagonal_x)
                phases[int(key)] = Phase(called or f"phase {key}", symmetry)
        return phases

    def unindexed(self, file: h5py.File, scan: str, n: int) -> NDArray[np.bool_] | None:
        """Tell which points have no orientation, beside those without a phase."""
        del file, scan, n
        return None

    def _coordinates(
        self, file: h5py.File, scan: str, n: int
    ) -> tuple[NDArray[np.generic], NDArray[np.generic]] | None:
        keys = [f"{scan}/{self.data}/{name}" for name in self.places]
        if any(points_in(file, key) < n for key in keys):
            return None
        x, y = (column(file, key)[:n] for key in keys)
        return x, y

    def _needed(self, file: h5py.File, key: str) -> float:
        found = number(file, key)
        if found is None:
            message = (
                f"{Path(file.filename).name!r} lacks {key!r}, without which its points have no "
                "place. Export the scan again."
            )
            raise MalformedFileError(message)
        return found

    def _refuse_unknown(self, options: Options) -> None:
        unknown = sorted(set(options) - self.options)
        if unknown:
            message = (
                f"The reader of {self.label} files has no option {unknown[0]!r}. It has: "
                f"{', '.join(sorted(self.options))}."
            )
            raise RequestError(message)
