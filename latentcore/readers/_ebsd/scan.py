"""The h5ebsd layout: which scan, its patterns, grid, maps and phases.

A vendor is a subclass that says what is called how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError, RequestError
from latentcore.hdf5 import follow
from latentcore.readers._ebsd.fields import (
    Phase,
    children,
    column,
    listed_phases,
    number,
    points_in,
)
from latentcore.readers._ebsd.places import Header, says_hexagonal, scan_grid
from latentcore.readers._hdf5_rows import Hdf5Rows
from latentcore.readers._peek import Peek

Options = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a scan's points are, and notes on it for the user."""

    grid: ScanGrid | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Part:
    """Maps of a scan that were made together: as acquired, or as another program left them.

    Attributes
    ----------
    folder : str
        Group of their datasets.
    n : int
        How many points they have.
    phases : Mapping of int to Phase
        Which their numbers mean.
    suffix : str
        What their names carry to tell them from other parts' maps.
    always : bool
        Whether all their names do, not only those that another part has taken.
    """

    folder: str
    n: int
    phases: Mapping[int, Phase]
    suffix: str = ""
    always: bool = False

    def called(self, name: str, taken: Container[str]) -> str:
        """Return what a map is called, beside those that were read before."""
        return f"{name}{self.suffix}" if self.always or name in taken else name


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
    codes : Mapping of str to Mapping of int to str
        Of datasets whose numbers are codes, what each means.
    labels : tuple of str
        How names of maps begin whose whole numbers are labels.
    left_out_as : str
        Of points of the file that are none of the scan: why they are left out.
    best_first : bool
        Whether a dataset (n, k) holds several solutions of each point, the best one first.
    first : tuple of str
        Maps that are shown before the others.
    units : Mapping of str to str
        Of maps whose dataset names none.
    euler : tuple of str
        Three datasets, or one of shape (n, 3).
    euler_unit : str
        Of a dataset that names none: ``"rad"`` or ``"°"``.
    euler_convention : str
        What `latentcore.containers.ScanMaps.euler_convention` says of them.
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
    codes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    left_out_as: str = "lie outside of the scanned area"
    best_first: bool = False
    first: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    euler: tuple[str, ...]
    euler_unit: str = "rad"
    euler_convention: str = ""
    hexagonal_x: str = "a"
    options: frozenset[str] = frozenset({"scan"})

    def claims(self, peek: Peek) -> bool:
        """Tell whether this vendor wrote a file."""
        return peek.manufacturer.startswith(self.maker)

    def scans(self, file: h5py.File) -> tuple[str, ...]:
        """Return the names of the scans, in the file's order."""
        return tuple(key for key in file if "EBSD" in children(file, key))

    def chosen_scan(self, file: h5py.File, options: Options) -> str:
        """Return the scan asked for by its name or number, else the first."""
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

    def choices(self, file: h5py.File) -> dict[str, tuple[str, ...]]:
        """Return what there is to choose from, by option."""
        return {"scan": self.scans(file)}

    def scan_notes(self, file: h5py.File, scan: str) -> tuple[str, ...]:
        """Tell which scan of several this is."""
        scans = self.scans(file)
        if len(scans) < 2:
            return ()
        shown = ", ".join(scans)
        note = (
            f"The file holds {len(scans)} scans: {shown}. This is {scan!r}; another one opens "
            "with '@scan=NAME' after the file's name."
        )
        return (note,)

    def patterns_key(self, file: h5py.File, scan: str, options: Options) -> str | None:
        """Return the dataset of the patterns, None where the file has none."""
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
        """Place the first n points of a scan."""
        del options  # for vendors whose files lack the grid
        grid, notes = scan_grid(
            self.header(file, scan), n, Path(file.filename).name, self._coordinates(file, scan, n)
        )
        return Placed(grid, notes)

    def header(self, file: h5py.File, scan: str) -> Header:
        """Read what the header says of the grid."""
        folder = f"{scan}/EBSD/Header"
        columns, rows, dx, dy = (
            self._needed(file, f"{folder}/{entry}") for entry in (*self.cells, *self.steps)
        )
        hexagonal = says_hexagonal(file, folder)
        return Header(int(columns), int(rows), (dx, dy), hexagonal=hexagonal)

    def points(self, file: h5py.File, scan: str) -> int:
        """Return how many points the maps have: that of most datasets."""
        folder = f"{scan}/{self.data}"
        sizes = Counter(points_in(file, f"{folder}/{name}") for name in children(file, folder))
        sizes.pop(0, None)
        return sizes.most_common(1)[0][0] if sizes else 0

    def has_maps(self, file: h5py.File, scan: str, options: Options) -> bool:
        """Tell whether a scan has maps, on points whose places are known."""
        del options  # for vendors whose files lack the grid
        return self.points(file, scan) > 0

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        """Return each phase of the header by its number."""
        folder = f"{scan}/EBSD/Header/Phases"
        return listed_phases(file, folder, ("Phase Name", "Name"), self.hexagonal_x)

    def parts(self, file: h5py.File, scan: str, options: Options) -> tuple[Part, ...]:
        """Return the groups of maps, the one that has plain names first."""
        del options  # for vendors with several
        n = self.points(file, scan)
        return (Part(f"{scan}/{self.data}", n, self.phases(file, scan)),)

    def more_maps(self, file: h5py.File, scan: str, n: int) -> list[tuple[str, str, str]]:
        """Return (name, key, unit) of maps that lie elsewhere in the file."""
        del file, scan, n
        return []

    def left_out(
        self, file: h5py.File, scan: str, values: NDArray[np.float32]
    ) -> NDArray[np.bool_] | None:
        """Tell which points are none of the scan, from all maps' values, (k, n); None for none."""
        del file, scan, values
        return None

    def is_label(self, name: str) -> bool:
        """Tell whether a map's whole numbers are labels."""
        return bool(self.labels) and name.startswith(self.labels)

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
