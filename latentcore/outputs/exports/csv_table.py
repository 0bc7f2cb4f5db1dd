"""CSV with everything, one row per point, and a JSON file that says what its columns are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import ScanMaps, holds_names
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports.scan import NO_LABEL, ExportScan, LabelColumn, unused


class Csv:
    """Writer of CSV."""

    title = "CSV with everything (.csv)"
    opens_in = "spreadsheets, R, pandas"
    one_map = False

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.csv`` and ``<stem>_columns.json``."""
        import pandas as pd

        columns: dict[str, Any] = {}
        units: dict[str, str] = {}
        for name, values, unit in _columns(scan):
            free = unused(name, columns)
            columns[free], units[free] = values, unit
        folder.write_csv(f"{stem}.csv", pd.DataFrame(columns))
        known = None if scan.orientations is None else scan.orientations.record
        folder.write_json(
            f"{stem}_columns.json",
            {"units": units, "orientations": known, "provenance": scan.provenance},
        )
        return []


EXPORT_FORMATS.register("csv")(Csv())


def _columns(scan: ExportScan) -> Iterator[tuple[str, Any, str]]:
    """Yield name, values and unit of each column."""
    x, y = scan.grid.plain_coordinates()
    yield "x", x, scan.unit
    yield "y", y, scan.unit
    for one in scan.labels:
        yield one.name, one.values, ""
        if any(text != str(label) for label, text in one.texts.items()):
            yield f"{one.name}_name", _names(one), ""
    for maps in filter(None, (scan.maps, scan.source)):
        for name, unit, values in zip(maps.names, maps.units, maps.values, strict=True):
            yield name, values, unit
            if holds_names(maps, name):
                yield f"{name}_name", _map_names(maps, name, values), ""


def _names(column: LabelColumn) -> list[str | None]:
    return [
        None if label == NO_LABEL else column.texts.get(label, str(label))
        for label in column.values.tolist()
    ]


def _map_names(maps: ScanMaps, name: str, values: NDArray[np.float32]) -> list[str | None]:
    texts = maps.categories[name]
    return [
        texts.get(int(one), str(int(one))) if np.isfinite(one) else None for one in values.tolist()
    ]
