"""Label maps in the files of other programs, one module here for each format.

A format gets the whole scan, `latentcore.outputs.exports.scan.ExportScan`, and writes it into a
run folder; the points of a file are always those of the full scan grid, row by row.
"""

from __future__ import annotations

from typing import Protocol

from latentcore.artifacts import RunFolder
from latentcore.outputs.exports.scan import ExportScan
from latentcore.registry import Registry

__all__ = ["EXPORT_FORMATS", "ExportFormat"]


class ExportFormat(Protocol):
    """One file format.

    Attributes
    ----------
    title : str
        What it is called, with the file's ending.
    opens_in : str
        Programs that open it, briefly.
    one_map : bool
        Whether a file has room for a single label map: several get a file each.
    """

    title: str
    opens_in: str
    one_map: bool

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write the files, whose names begin with `stem`.

        Returns
        -------
        list of str
            What a user should know of them: what the format has no place for, and what stands
            where the scan had nothing.
        """
        ...


EXPORT_FORMATS: Registry[ExportFormat] = Registry("export format", "latentcore.outputs.exports")
