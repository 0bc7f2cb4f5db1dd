"""orix' HDF5 file of a ``CrystalMap``, with label maps and other maps as its properties.

Facts, from files that orix 0.15 writes and reads: ``crystal_map/data`` holds one value per node,
row by row, of ``x``, ``y``, ``phi1``, ``Phi``, ``phi2`` (rad), ``phase_id`` (−1 is not indexed),
``id`` and ``is_in_data``; whatever else is there is a property. ``crystal_map/header`` holds the
grid and, by their ids, the phases, each with a structure of lattice (Å, °) and atoms. Texts are
bytes of the shape (1,), and ``"None"`` is what is unknown. A space group implies the point group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports._hdf5 import dataset_name, one_text
from latentcore.outputs.exports._phases import grid_notes, header_phases, lattice_of, phase_notes
from latentcore.outputs.exports._text import plain
from latentcore.outputs.exports.scan import NO_LABEL, ExportScan, NodeBlock, Phase

# The version of orix whose layout this is.
_LAYOUT = "0.15.0"
_UNINDEXED = -1
_TAKEN = ("id", "is_in_data", "phase_id", "phi1", "Phi", "phi2", "x", "y")
_COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown",
           "tab:pink", "tab:gray", "tab:olive", "tab:cyan")  # fmt: skip


class Orix:
    """Writer of orix' HDF5."""

    title = "orix CrystalMap (.h5)"
    opens_in = "orix"
    one_map = False

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.h5``."""
        notes = grid_notes(scan)
        if scan.grid.hexagonal:
            scan = scan.on_lattice()
            notes.append(
                "orix has no hexagonal grids: the points lie where they are, on every second node "
                "of a square grid of half steps, whose other nodes are not in the data. Areas and "
                "neighbors that are counted there are not those of the scan."
            )
        block = scan.whole()
        with h5py.File(folder.path(f"{stem}.h5"), "w") as file:
            file["manufacturer"], file["version"] = one_text("orix"), one_text(_LAYOUT)
            data = file.create_group("crystal_map/data")
            for name, values in (*_points(block), *_properties(block)):
                data[name] = values
            _fill(file.create_group("crystal_map/header"), _header(scan))
        return [*notes, *phase_notes(scan, "a")]


EXPORT_FORMATS.register("orix")(Orix())


def _points(block: NodeBlock) -> Iterator[tuple[str, NDArray[Any]]]:
    phase = block.phase()
    # orix takes the smallest difference for the step: places written with few digits must not
    # stand beside computed ones.
    x, y = block.places if block.scan.missing else (block.x, block.y)
    yield "x", x
    yield "y", y
    angles = np.radians(block.degrees(0.0))
    for place, name in enumerate(("phi1", "Phi", "phi2")):
        yield name, np.ascontiguousarray(angles[:, place])
    yield "phase_id", np.where(phase > 0, phase, _UNINDEXED).astype(np.int64)
    yield "id", block.nodes
    yield "is_in_data", block.rows >= 0


def _properties(block: NodeBlock) -> Iterator[tuple[str, NDArray[Any]]]:
    taken = set(_TAKEN)
    for name, values in _named_values(block):
        free = dataset_name(name, taken)
        taken.add(free)
        yield free, values


def _named_values(block: NodeBlock) -> Iterator[tuple[str, NDArray[Any]]]:
    scan = block.scan
    for one in scan.labels:
        yield one.name, block.at(one.values, NO_LABEL)
    for maps in filter(None, (scan.maps,)):
        yield from zip(maps.names, (block.at(one, np.nan) for one in maps.values), strict=True)
    for name in scan.quality:
        yield name, block.quality(name, np.nan)


def _header(scan: ExportScan) -> dict[str, Any]:
    phases = {
        str(number): _phase(phase, number) for number, phase in enumerate(header_phases(scan), 1)
    }
    return {
        "grid_type": one_text("square"),
        # orix counts nodes here, not rows and columns, and reads neither back.
        "nx": np.array([scan.cells]),
        "ny": np.array([scan.cells]),
        "x_step": np.array([scan.grid.step[0]]),
        "y_step": np.array([scan.grid.step[1]]),
        "rotations_per_point": np.array([1]),
        "scan_unit": one_text("um" if scan.unit == "µm" else "px"),
        "phases": phases,
    }


def _phase(phase: Phase, number: int) -> dict[str, Any]:
    group = phase.cell.space_group
    return {
        "name": one_text(plain(phase.name)),
        "space_group": np.array([group]) if group else one_text("None"),
        "point_group": one_text("None" if group else phase.laue or "None"),
        "color": one_text(_COLORS[(number - 1) % len(_COLORS)]),
        "structure": {
            "lattice": {"abcABG": np.array(lattice_of(phase)), "baserot": np.eye(3)},
            "atoms": {},
        },
    }


def _fill(group: h5py.Group, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            _fill(group.create_group(name), value)
        else:
            group[name] = value
