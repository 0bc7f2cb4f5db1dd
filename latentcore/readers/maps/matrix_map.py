"""One map as a matrix of numbers: no header, a line per scan row.

So vendor programs export element maps, tab-separated and sometimes with decimal commas.
The file's name is the map's name; x is the column, y the line.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from latentcore.containers import ScanMaps, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._columns import numbers, unit_of
from latentcore.readers._coords import grid_of
from latentcore.readers._peek import Peek
from latentcore.readers._tables import read_table
from latentcore.storage import content_fingerprint, local_path

_NUMBER = re.compile(r"^-?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$", re.IGNORECASE)


@register_reader(MAPS_READERS, "matrix-map")
class MatrixMap:
    """Reader of headerless matrices."""

    description = "One map as a matrix of numbers without a header (CSV or TSV)."
    wants = "two or more lines of nothing but numbers"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the first two lines hold nothing but numbers, equally many."""
        rows = peek.table_rows
        if len(rows) < 2 or len(rows[0]) != len(rows[1]) or len(rows[0]) < 2:
            return False
        return all(_NUMBER.match(cell) for row in rows for cell in row if cell)

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the map."""
        path = local_path(ref.location)
        table = read_table(path, header=False)
        matrix = np.column_stack([numbers(table[column]) for column in table.columns])
        strange = int((np.isnan(matrix) & table.notna().to_numpy()).sum())
        if strange:
            message = f"{strange} cells of {path.name!r} are no numbers: it is not a bare matrix."
            raise MalformedFileError(message)
        # Exports end their lines with a separator, which looks like an empty last column.
        matrix = matrix[:, : matrix.shape[1] - int(np.isnan(matrix[:, -1]).all())]
        if matrix.size == 0 or not np.isfinite(matrix).any():
            message = f"{path.name!r} is not a matrix of numbers, one line per scan row."
            raise MalformedFileError(message)
        y, x = np.indices(matrix.shape)
        name = _stem(path)
        return ScanMaps(
            values=matrix.reshape(1, -1).astype(np.float32),
            names=(name,),
            units=(unit_of(name),),
            grid=grid_of(x.ravel(), y.ravel(), path.name, step=(1.0, 1.0)),
            ref=ref,
            fingerprint=content_fingerprint(path),
        )


def _stem(path: Path) -> str:
    return Path(path.stem).stem if path.suffix == ".gz" else path.stem
