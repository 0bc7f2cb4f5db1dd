"""DREAM3D's ``.dream3d``: the cell arrays of a plane, or of one slice of a volume.

Facts, from the documentation and the source of DREAM.3D, EbsdLib and simplnx (BlueQuartz). Files of
the versions 6 and 7: ``DataContainers/<container>/<matrix>/<array>``, matrices with the attribute
``AttributeMatrixType`` (3 are cells, 11 ensembles), and in ``_SIMPL_GEOMETRY`` ``DIMENSIONS``,
``ORIGIN`` and ``SPACING`` (in older ones ``RESOLUTION``), as x, y, z. Files of DREAM3D-NX
(version 8): groups below ``DataStructure`` with the attributes ``_DIMENSIONS``, ``_ORIGIN`` and
``_SPACING``. An array has the shape (z, y, x, components). Angles are in rad; phases count from 1
into ``CrystalStructures`` (EbsdLib's numbers of Laue groups) and ``MaterialName``, as features do
from 1: 0 is none of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, ScanGrid, ScanMaps, SourceRef, UnitCell
from latentcore.errors import MalformedFileError, RequestError
from latentcore.hdf5 import attribute_value, dataset, follow, load, open_hdf5
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._columns import names_labels
from latentcore.readers._ebsd.columns import MapColumns, refuse_hollow
from latentcore.readers._ebsd.conventions import DREAM3D
from latentcore.readers._ebsd.fields import Phase, children, plausible_lattice, visible
from latentcore.readers._ebsd.places import Header, row_major
from latentcore.readers._peek import Peek
from latentcore.storage import content_fingerprint, local_path

_LAUE = ("6/mmm", "m-3m", "6/m", "m-3", "-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m")
_WITH_HEXAGONAL_AXES = ("6/mmm", "6/m", "-3", "-3m")
_OLD, _NEW = "DataContainers", "DataStructure"
_CELLS, _KIND = 3, "AttributeMatrixType"
_OPTIONS = frozenset({"container", "slice"})
_EULER = re.compile(r"euler ?angles?", re.IGNORECASE)
_PHASES = re.compile(r"phases?|phase ?ids?", re.IGNORECASE)
_FEATURES = re.compile(r"(feature|grain|parent) ?ids?", re.IGNORECASE)
_RENAMED = {"bc": "bandcontrast", "band contrast": "bandcontrast"}
_UNITS = {"mad": "°", "mean angular deviation": "°", "fit": "°"}
_COMPONENTS = {"quats": "xyzw", "quaternions": "xyzw"}
_DEEPEST = 6
_MOST_COMPONENTS = 16
_LONGEST_TEXT = 1 << 16
_MOST_PHASES = 1_000
_MOST_SLICES = 10_000
_LARGEST_RADIANS = 4 * np.pi * 1.001


@dataclass(frozen=True)
class _Geometry:
    """A grid of cells, and the groups that may hold arrays of its cells and ensembles."""

    name: str
    matrices: tuple[str, ...]
    dimensions: tuple[float, ...]
    origin: tuple[float, ...]
    spacing: tuple[float, ...]


@dataclass(frozen=True)
class _Array:
    """A cell array: its dataset, what it is called, and how many components a cell has."""

    key: str
    name: str
    components: int


@register_reader(MAPS_READERS, "dream3d-maps")
class Dream3d:
    """Reader of ``.dream3d``."""

    description = "DREAM3D file: the cell arrays of a plane, or of a slice of a volume."
    wants = "HDF5 with 'DataContainers' or 'DataStructure', and an image geometry with cell arrays"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether there is an image geometry with cell arrays."""
        if not {_OLD, _NEW} & set(peek.hdf5_keys):
            return False
        with open_hdf5(peek.path) as file:
            return any(_arrays(file, one) for one in _geometries(file))

    def choices(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Return what there is to choose from, by option."""
        with open_hdf5(path) as file:
            found = [one for one in _geometries(file) if _arrays(file, one)]
        planes = int(max((one.dimensions[2] for one in found), default=1))
        # A volume has no slice of its own choice.
        slices = ("", *map(str, range(min(planes, _MOST_SLICES)))) if planes > 1 else ()
        return {"container": tuple(one.name for one in found), "slice": slices}

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read every cell array."""
        path = local_path(ref.location)
        _refuse_unknown(ref)
        with open_hdf5(path) as file:
            geometry, notes = _chosen(file, ref, path.name)
            plane, more = _slice(geometry, ref, path.name)
            grid = _grid(geometry, path.name)
            arrays = _arrays(file, geometry)
            refuse_hollow(file, len(grid), sum(one.components for one in arrays))
            maps = MapColumns()
            for one in sorted(arrays, key=_rank):
                more += _add(maps, one, _cells(file, one, plane, grid))
            more += _describe_phases(maps, file, geometry)
            return maps.scan_maps(grid, ref, content_fingerprint(path), notes=(*notes, *more))


def _refuse_unknown(ref: SourceRef) -> None:
    unknown = sorted(set(ref.options) - _OPTIONS)
    if unknown:
        message = (
            f"The reader of .dream3d files has no option {unknown[0][:40]!r}. It has: "
            f"{', '.join(sorted(_OPTIONS))}."
        )
        raise RequestError(message)


def _geometries(file: h5py.File) -> Iterator[_Geometry]:
    """Yield the image geometries of a file."""
    for name in children(file, _OLD):
        folder = f"{_OLD}/{name}"
        at = f"{folder}/_SIMPL_GEOMETRY"
        sizes = _triple(file, f"{at}/DIMENSIONS")
        spacing = _triple(file, f"{at}/SPACING") or _triple(file, f"{at}/RESOLUTION")
        if sizes and spacing:
            matrices = tuple(f"{folder}/{one}" for one in children(file, folder))
            origin = _triple(file, f"{at}/ORIGIN") or (0.0, 0.0, 0.0)
            yield _Geometry(name, matrices, sizes, origin, spacing)
    yield from _new_geometries(file, _NEW, set())


def _new_geometries(file: h5py.File, folder: str, seen: set[int]) -> Iterator[_Geometry]:
    """Yield the geometries below a group, each once, however links go round."""
    found = follow(file, folder)
    if not isinstance(found, h5py.Group) or folder.count("/") > _DEEPEST:
        return
    address = h5py.h5o.get_info(found.id).addr
    if address in seen:
        return
    seen.add(address)
    names = ("_DIMENSIONS", "_ORIGIN", "_SPACING")
    sizes, origin, spacing = (_numbers(attribute_value(found, name)) for name in names)
    if sizes and spacing:
        matrices = tuple(f"{folder}/{one}" for one in children(file, folder))
        name = folder.removeprefix(f"{_NEW}/")
        yield _Geometry(name, matrices, sizes, origin or (0.0, 0.0, 0.0), spacing)
        return
    for name in children(file, folder):
        yield from _new_geometries(file, f"{folder}/{name}", seen)


def _triple(file: h5py.File, key: str) -> tuple[float, ...]:
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.size != 3 or found.dtype.kind not in "iuf":
        return ()
    return _numbers(found[()])


def _numbers(value: object) -> tuple[float, ...]:
    """Return three numbers; nothing where a value is something else."""
    if not isinstance(value, np.ndarray) or value.size != 3 or value.dtype.kind not in "iuf":
        return ()
    return tuple(float(one) for one in value.ravel())


def _chosen(file: h5py.File, ref: SourceRef, name: str) -> tuple[_Geometry, tuple[str, ...]]:
    """Return the geometry asked for, else the first; and a note on the others."""
    found = [one for one in _geometries(file) if _arrays(file, one)]
    if not found:
        message = (
            f"{name!r} holds no image geometry with cell arrays. Write it in DREAM3D with the "
            "cell data of the scan."
        )
        raise MalformedFileError(message)
    shown = ", ".join(visible(one.name) for one in found[:12])
    asked = ref.options.get("container")
    chosen = found[0] if asked is None else next((one for one in found if one.name == asked), None)
    if chosen is None:
        message = f"{name!r} has no container {str(asked)[:80]!r} with cells. It has: {shown}."
        raise RequestError(message)
    if len(found) == 1:
        return chosen, ()
    note = (
        f"The file holds {len(found)} geometries with cells: {shown}. This is "
        f"{visible(chosen.name)}; another one opens with '@container=NAME' after the file's name."
    )
    return chosen, (note,)


def _slice(geometry: _Geometry, ref: SourceRef, name: str) -> tuple[int, tuple[str, ...]]:
    """Return which slice of a volume to read, and a note on it."""
    x, y, z = geometry.dimensions
    asked = ref.options.get("slice")
    if z == 1 and asked is None:
        return 0, ()
    try:
        number = int(str(asked))
    except ValueError:
        number = -1
    if not 0 <= number < z:
        what = f"is a volume of {x:.0f} × {y:.0f} × {z:.0f} cells" if z > 1 else "is one plane"
        said = "maps are of one slice" if asked is None else f"there is no slice {str(asked)[:20]}"
        message = (
            f"{name!r} {what}, and {said}. Choose one by slice=N, from 0 to {z - 1:.0f}, after the "
            "file's name: FILE@slice=0."
        )
        raise RequestError(message)
    return number, () if z == 1 else (f"This is slice {number} of 0 to {z - 1:.0f} along z.",)


def _grid(geometry: _Geometry, name: str) -> ScanGrid:
    (x, y, _), (x0, y0, _) = geometry.dimensions, geometry.origin
    if not all(map(math.isfinite, (*geometry.spacing[:2], x0, y0))):
        message = f"The geometry of {name!r} has steps or an origin that are no numbers."
        raise MalformedFileError(message)
    header = Header(int(x), int(y), (geometry.spacing[0], geometry.spacing[1]), unit="")
    grid = row_major(header.checked(int(x) * int(y), name), int(x) * int(y))
    return replace(grid, x=grid.x + x0, y=grid.y + y0)


def _arrays(file: h5py.File, geometry: _Geometry) -> list[_Array]:
    """Return the arrays with one number, or a few, for each cell."""
    arrays = []
    shape = tuple(reversed(geometry.dimensions))
    for matrix in geometry.matrices:
        group = follow(file, matrix)
        kind = attribute_value(group, _KIND) if isinstance(group, h5py.Group) else None
        if kind is not None and (not np.size(kind) or np.ravel(kind)[0] != _CELLS):
            continue
        for name in children(file, matrix):
            found = follow(file, f"{matrix}/{name}")
            if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iufb":
                continue
            own = found.shape or ()
            components = math.prod(own[3:])
            if own[:3] == shape and 0 < components <= _MOST_COMPONENTS:
                arrays.append(_Array(f"{matrix}/{name}", name, components))
    return arrays


def _rank(one: _Array) -> tuple[bool, bool, str]:
    called = _RENAMED.get(one.name.lower(), one.name)
    return (called != "bandcontrast", _PHASES.fullmatch(called) is None, one.name)


def _cells(file: h5py.File, one: _Array, plane: int, grid: ScanGrid) -> NDArray[np.generic]:
    """Return an array's values in a slice, shape (components, n)."""
    values = load(dataset(file, one.key, kinds="iufb"), np.s_[plane])
    return values.reshape(len(grid), one.components).T


def _add(maps: MapColumns, one: _Array, values: NDArray[np.generic]) -> tuple[str, ...]:
    """Add an array's components under names of their own; return a note on it."""
    called = visible(one.name)
    if one.components == 3 and _EULER.fullmatch(called) and "phi1" not in maps.values:
        return _add_euler(maps, np.asarray(values, np.float64))
    if one.components > 1:
        parts = _COMPONENTS.get(called.lower(), "")
        for place, part in enumerate(values):
            label = parts[place] if len(parts) == one.components else str(place + 1)
            maps.add(f"{called} {label}", part, "")
        return ()
    name = _RENAMED.get(called.lower(), called)
    if _PHASES.fullmatch(called) and "phase" not in maps.values:
        name = "phase"
    name = maps.add(name, values[0], _UNITS.get(called.lower(), ""))
    if not (_FEATURES.fullmatch(called) or (names_labels(called) and name != "phase")):
        return ()
    return _add_labels(maps, name, is_feature=_FEATURES.fullmatch(called) is not None)


def _add_labels(maps: MapColumns, name: str, *, is_feature: bool) -> tuple[str, ...]:
    none = maps.values[name] == 0
    if is_feature:
        maps.values[name][none] = np.nan
    maps.add_labels(name)
    if not (is_feature and none.any()):
        return ()
    return (f"{int(none.sum()):,} cells have the number 0 in {name}: they belong to none.",)


def _add_euler(maps: MapColumns, angles: NDArray[np.float64]) -> tuple[str, ...]:
    finite = np.abs(angles[np.isfinite(angles)])
    largest = float(finite.max(initial=0))
    in_degrees = largest > _LARGEST_RADIANS
    with np.errstate(over="ignore", invalid="ignore"):
        maps.add_euler(angles if in_degrees else np.degrees(angles), DREAM3D)
    if not in_degrees:
        return ()
    return (f"Euler angles up to {largest:g} can't be radians: they were taken as degrees.",)


def _describe_phases(maps: MapColumns, file: h5py.File, geometry: _Geometry) -> tuple[str, ...]:
    if "phase" not in maps.values:
        return ()
    maps.describe_phases(_phases(file, geometry))
    if not any(one.laue in _WITH_HEXAGONAL_AXES for one in maps.symmetries.values()):
        return ()
    note = (
        "The file doesn't say which axis of hexagonal crystals its angles take for x: a was "
        "assumed, as EDAX has it; Oxford's differs by 30° in φ2."
    )
    return (note,)


def _phases(file: h5py.File, geometry: _Geometry) -> dict[int, Phase]:
    """Return the phases of the first matrix that tells their crystal structures."""
    for matrix in geometry.matrices:
        structures = _column(file, f"{matrix}/CrystalStructures")
        if structures is None:
            continue
        names = _texts(file, matrix, len(structures))
        lattices = _lattices(file, f"{matrix}/LatticeConstants", len(structures))
        return {
            number: Phase(
                names[number] or f"phase {number}",
                CrystalSymmetry(_LAUE[int(one)]) if 0 <= one < len(_LAUE) else None,
                UnitCell(plausible_lattice(lattices[number])),
            )
            for number, one in enumerate(structures.tolist())
            if number > 0  # the first stands for what is no phase
        }
    return {}


def _column(file: h5py.File, key: str) -> NDArray[np.generic] | None:
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iuf":
        return None
    return np.ravel(load(found)) if 0 < (found.size or 0) <= _MOST_PHASES else None


def _texts(file: h5py.File, matrix: str, count: int) -> list[str]:
    for name in ("MaterialName", "PhaseName", "Material Name"):
        found = follow(file, f"{matrix}/{name}")
        if not isinstance(found, h5py.Dataset) or found.size != count:
            continue
        kind = h5py.check_string_dtype(found.dtype)
        if kind is not None and (kind.length or 0) <= _LONGEST_TEXT:
            values = np.ravel(found[()])
            return [
                visible(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one))
                for one in values
            ]
    return [""] * count


def _lattices(file: h5py.File, key: str, count: int) -> list[tuple[float, ...]]:
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iuf":
        return [()] * count
    if found.size != 6 * count:
        return [()] * count
    return [tuple(map(float, one)) for one in np.reshape(load(found), (count, 6))]
