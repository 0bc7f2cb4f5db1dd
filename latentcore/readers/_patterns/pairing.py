"""A file of patterns, and the file that holds the maps of its scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentcore.containers import SampleSource, ScanGrid, ScanMaps, SourceRef, default_sample_ids
from latentcore.errors import InputError, RequestError, ShapeError
from latentcore.readers import MAPS_READERS, open_maps
from latentcore.readers._coords import grid_from_coords
from latentcore.readers._ebsd.places import Header, asked_shape, row_major
from latentcore.readers._patterns.ebsp import read_ebsp
from latentcore.readers._patterns.records import PatternFile
from latentcore.readers._patterns.up import PIXELS, read_up
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource
from latentcore.storage import local_path
from latentcore.storage.companions import MAPS_OF, companions, has_maps_beside

_OPTIONS = frozenset({"maps", "scan", "shape", "coords"})
Options = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class _Placed:
    """Where the patterns are, from which files that is known, and notes for the user."""

    grid: ScanGrid | None
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def open_patterns(path: Path, ref: SourceRef) -> SampleSource:
    """Open a file of patterns, placed by the maps beside it or, without, by itself.

    Parameters
    ----------
    path : Path
        Of the patterns.
    ref : SourceRef
        Options: ``maps``, the file of the scan's maps where that isn't the one of the same name,
        with ``scan`` in it; or ``shape=ROWSxCOLUMNS``, or ``coords``, a table of x and y.

    Raises
    ------
    MalformedFileError
        If the file is damaged.
    RequestError, ShapeError
        If an option makes no sense, or what it names doesn't fit the patterns.
    """
    _refuse_unknown(ref.options)
    file = read_pattern_file(path)
    placed = _placed(file, ref)
    rows = file.rows()
    return RowsSource(
        ref=ref,
        paths=(path, *placed.files),
        rows=rows,
        sample_ids=default_sample_ids(len(rows)),
        grid=placed.grid,
        notes=(*file.notes, *placed.notes),
    )


def read_pattern_file(path: Path) -> PatternFile:
    """Read what a file of patterns says of itself."""
    return read_up(path) if path.suffix.lower() in PIXELS else read_ebsp(path)


def maps_beside(path: Path, options: Options) -> Path | None:
    """Return the file with the maps of a file of patterns; None where there is none.

    It is the one that the option ``maps`` names, else one of the same name in the same folder.
    """
    if "maps" in options:
        return local_path(str(options["maps"]))
    if not has_maps_beside(path.name):
        return None
    return next(filter(_holds_maps, companions(path)), None)


def fitting_maps(file: PatternFile, partner: Path, options: Options) -> tuple[ScanMaps, ScanGrid]:
    """Read the maps of a file of patterns; return where its n patterns lie on them, too.

    The patterns follow each other row by row, so the map's points do as well, in whatever order
    their rows are.

    Raises
    ------
    ShapeError
        If the maps have another number of points, or another grid.
    """
    chosen: dict[str, object] = {key: options[key] for key in options if key == "scan"}
    maps = open_maps(partner, None, **chosen)
    if len(maps.grid) != file.points:
        message = (
            f"{file.path.name!r} is of a scan of {file.points:,} points, but the maps in "
            f"{partner.name!r} have {len(maps.grid):,}: they are of another scan, or one of the "
            "files was cut. Open the patterns with the maps of their scan (maps=FILE)."
        )
        raise ShapeError(message)
    order = np.argsort(maps.grid.node, kind="stable")
    grid = maps.grid.take(order[file.point])
    if file.grid is not None and len(file.point) == file.points and not _alike(file.grid, grid):
        message = (
            f"The patterns in {file.path.name!r} form {_form(file.grid)}, but the maps in "
            f"{partner.name!r} {_form(grid)} of as many points: they are of another scan. Open "
            "the patterns with the maps of theirs (maps=FILE)."
        )
        raise ShapeError(message)
    return maps, grid


def _placed(file: PatternFile, ref: SourceRef) -> _Placed:
    n, options = len(file.starts), ref.options
    if "coords" in options:
        table = local_path(str(options["coords"]))
        return _Placed(grid_from_coords(n, ref), (table,))
    shape = asked_shape(options, n, file.path.name)
    if shape is not None:
        return _Placed(row_major(Header(shape[1], shape[0], (1.0, 1.0), ""), n))
    partner = maps_beside(file.path, options)
    if partner is None:
        return _Placed(
            file.grid, notes=file.grid_notes or (_no_places(file.path),) * (not file.grid)
        )
    try:
        _, grid = fitting_maps(file, partner, options)
    except InputError as error:
        if "maps" in options:
            raise
        note = f"{partner.name!r}, of the same name, was left alone. {error}"
        return _Placed(file.grid, notes=(note, *file.grid_notes))
    note = f"Placed by the maps in {partner.name!r}."
    return _Placed(grid, (partner, *companions(partner)), (note,))


def _holds_maps(path: Path) -> bool:
    """Tell whether a file, whatever its name says, holds maps."""
    peek = Peek(path)
    try:
        return any(reader.recognizes(peek) for _, reader in MAPS_READERS.items())
    except (InputError, OSError, ValueError, KeyError, RuntimeError):
        return False


def _alike(one: ScanGrid, other: ScanGrid) -> bool:
    """Tell whether points lie in the same rows and columns of two grids."""
    same = all(
        (mine - mine.min() == yours - yours.min()).all()
        for mine, yours in ((one.row, other.row), (one.col, other.col))
    )
    return bool(same) and one.hexagonal == other.hexagonal


def _form(grid: ScanGrid) -> str:
    kind = "hexagonal" if grid.hexagonal else "square"
    return f"a {kind} grid of {grid.shape[1]:,} × {grid.shape[0]:,}"


def _no_places(path: Path) -> str:
    return (
        f"{path.name!r} doesn't say where its patterns lie, and no file of maps has its name "
        f"({path.stem + MAPS_OF[path.suffix.lower()][0]!r}, say). Open it together with its maps "
        "(maps=FILE after the reader's name), or give shape=ROWSxCOLUMNS, or coords=TABLE with the "
        "x and y of each pattern."
    )


def _refuse_unknown(options: Options) -> None:
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        message = (
            f"The reader of pattern files has no option {unknown[0][:40]!r}. It has: "
            f"{', '.join(sorted(_OPTIONS))}."
        )
        raise RequestError(message)
