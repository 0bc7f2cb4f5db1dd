"""``export``: label maps as the files that other programs open."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentcore.artifacts import RunFolder, from_json
from latentcore.containers import ScanGrid, ScanMaps, match_rows, software_versions
from latentcore.errors import JoinError, RequestError
from latentcore.inputs.labels import LabelMap, read_labels
from latentcore.inputs.maps import read_map
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports.scan import NO_LABEL, ExportScan, LabelColumn, unused
from latentcore.outputs.exports.sources import exported_orientations, quality_of
from latentcore.progress import Progress
from latentcore.requests.map_specs import split_map_spec
from latentcore.requests.verbs import option, verb


@dataclass(frozen=True)
class ExportRequest:
    """Which label maps to write, in which format, and with what beside them."""

    labels: tuple[str, ...] = option(
        help="FILE:COLUMN of labels, or the folder of a run of cluster, domains, grains or "
        "regions; several become columns, or a file each where the format has room for one",
        positional=True,
        nargs="+",
        kind="map",
        metavar="LABELS",
    )
    format: str = option(help="which program the files are for", family=EXPORT_FORMATS)
    with_: tuple[str, ...] = option(
        (), help="maps whose values are written too, where the format has room", repeat=True,
        kind="map",
    )  # fmt: skip
    from_: str | None = option(
        None,
        help="maps with the scan's Euler angles and phases, which are written unchanged: the "
        "vendor's file, or a table",
        kind="map",
        metavar="MAPS",
    )
    laue: tuple[str, ...] = option(
        (), help="Laue group of a phase, where the maps don't say it", repeat=True,
        metavar="PHASE=GROUP",
    )  # fmt: skip


@verb("export", "Write label maps as files that other programs open.", ExportRequest)
def run(request: ExportRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Write label maps as files that other programs open.

    Writes the files of the format, whose names begin with that of the first ``LABELS``, and
    ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    chosen = EXPORT_FORMATS.get(request.format)
    progress.step(0, 2, "reading labels and maps")
    scan = _scan(request, folder)
    stems = [_stem(spec) for spec in request.labels]
    progress.step(1, 2, "writing")
    notes: list[str] = []
    if chosen.one_map:
        for column, stem in zip(scan.labels, _each_its_own(stems, scan.labels), strict=True):
            notes += chosen.write(folder, stem, dataclasses.replace(scan, labels=(column,)))
            if _needs_index(column):
                folder.write_json(f"{stem}_labels.json", _index(column))
    else:
        notes += chosen.write(folder, stems[0], scan)
    report = _report(request, scan, [*_join_notes(scan), *notes])
    folder.write_json("report.json", report)
    return report


def _scan(request: ExportRequest, folder: RunFolder) -> ExportScan:
    """Read everything, and join it to the points of the first label map."""
    maps = [read_labels(spec, folder) for spec in request.labels]
    beside = [read_map(spec, folder) for spec in request.with_]
    source = None if request.from_ is None else read_map(request.from_, folder)
    tables = [*([] if source is None else [source]), *beside]
    grid = maps[0].grid
    # What joins by coordinates counts them in the same unit.
    units = [
        *(one.grid.unit for one in maps),
        *(one.grid.unit for one in tables),
        *map(_recorded_unit, request.labels),
    ]
    unit = next(filter(None, units), "")
    grid = dataclasses.replace(grid, unit=unit)
    return ExportScan(
        grid=grid,
        labels=_columns(request.labels, maps, grid),
        maps=_joined(beside, grid),
        source=None if source is None else _joined([source], grid),
        orientations=None if source is None else exported_orientations(source, grid, request.laue),
        quality=quality_of(tables, grid),
        provenance={
            "labels": request.labels,
            "with": request.with_,
            "from": request.from_,
            "inputs": folder.inputs,
            "latentcore": software_versions()["latentcore"],
        },
    )


def _recorded_unit(spec: str) -> str:
    """Return the unit of length that a run's report notes, as its tables name none."""
    try:
        report = from_json((Path(spec) / "report.json").read_text(encoding="utf-8"))
        unit = report["grid"]["unit"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return "µm" if unit == "µm" else ""


def _columns(
    specs: Sequence[str], maps: Sequence[LabelMap], grid: ScanGrid
) -> tuple[LabelColumn, ...]:
    often = Counter(one.name for one in maps)
    names: list[str] = []
    columns = []
    for spec, one in zip(specs, maps, strict=True):
        rows = match_rows(grid, one.grid)
        if (rows < 0).all():
            message = (
                f"No point of {specs[0]!r} has a partner in {spec!r}, so they are no maps of one "
                "scan. Check that both tables use the same coordinates."
            )
            raise JoinError(message)
        values = np.where((rows >= 0) & one.given[rows], one.labels[rows], np.int32(NO_LABEL))
        name = one.name if often[one.name] == 1 else f"{_stem(spec)}_{one.name}"
        column = LabelColumn(unused(name, names), values, one.texts)
        if len(column.labels) == 0:
            message = f"{spec!r} holds no label at any point: all are -1 or empty."
            raise RequestError(message)
        names.append(column.name)
        columns.append(column)
    return tuple(columns)


def _joined(tables: Sequence[ScanMaps], grid: ScanGrid) -> ScanMaps | None:
    """Return the maps of several tables at the points of a grid, as one table."""
    if not tables:
        return None
    names: list[str] = []
    categories = {}
    for maps in tables:
        for name in maps.names:
            names.append(unused(name, names))
            if name in maps.categories:
                categories[names[-1]] = maps.categories[name]
    return ScanMaps(
        values=np.concatenate([maps.at(grid)[0] for maps in tables]),
        names=tuple(names),
        units=tuple(unit for maps in tables for unit in maps.units),
        grid=grid,
        categories=categories,
        euler_convention=next(filter(None, (maps.euler_convention for maps in tables)), ""),
    )


def _stem(spec: str) -> str:
    """Return how the files of a ``LABELS`` are called: like its file or folder."""
    name = Path(split_map_spec(spec)[0]).resolve().name
    stem = re.sub(r"(\.(csv|tsv|txt|gz|parquet|h5|h5oina|npy))+$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^\w.+-]+", "_", stem).strip("._") or "labels"


def _each_its_own(stems: Sequence[str], columns: Sequence[LabelColumn]) -> list[str]:
    """Return a name for the file of each label map."""
    often = Counter(stems)
    found: list[str] = []
    for stem, column in zip(stems, columns, strict=True):
        name = stem if often[stem] == 1 else f"{stem}_{re.sub(r'[^A-Za-z0-9_]+', '_', column.name)}"
        found.append(unused(name, found))
    return found


def _needs_index(column: LabelColumn) -> bool:
    """Tell whether indices from 1 say something else than the labels, or these have names."""
    named = any(column.texts.get(int(one), str(one)) != str(one) for one in column.labels)
    return named or not np.array_equal(column.labels, np.arange(1, len(column.labels) + 1))


def _index(column: LabelColumn) -> dict[int, dict[str, Any]]:
    return {
        number: {"label": label, "name": column.texts.get(label, str(label))}
        for number, label in enumerate(column.labels.tolist(), 1)
    }


def _join_notes(scan: ExportScan) -> list[str]:
    notes = [] if scan.orientations is None else list(scan.orientations.record["notes"])
    if scan.orientations is not None and scan.orientations.record["unmatched"]:
        notes.append(
            f"{scan.orientations.record['unmatched']:,} of {len(scan.grid):,} points have no "
            "partner in the maps with orientations: they are written as not indexed."
        )
    if scan.maps is not None:
        without = int(np.isnan(scan.maps.values).all(axis=0).sum())
        if without:
            notes.append(f"{without:,} of {len(scan.grid):,} points have no value in any map.")
    return notes


def _report(request: ExportRequest, scan: ExportScan, notes: Sequence[str]) -> dict[str, Any]:
    rows, columns = scan.grid.shape
    return {
        "format": request.format,
        "n_points": len(scan.grid),
        "labels": [
            {
                "name": one.name,
                "from": spec,
                "n_labels": len(one.labels),
                "n_labeled": int((one.values != NO_LABEL).sum()),
            }
            for spec, one in zip(request.labels, scan.labels, strict=True)
        ],
        "grid": {
            "kind": scan.grid.kind,
            "rows": rows,
            "columns": columns,
            "step": scan.grid.step,
            "unit": scan.unit,
            "n_missing": scan.missing,
        },
        "maps": [] if scan.maps is None else scan.maps.names,
        "orientations": None if scan.orientations is None else scan.orientations.record,
        "notes": list(dict.fromkeys(notes)),
    }
