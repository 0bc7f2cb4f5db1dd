"""Points of Channel 5 that were measured one by one, without a grid."""

from __future__ import annotations

from latentcore.containers import SampleTable, SourceRef
from latentcore.readers import TABLES_READERS, register_reader
from latentcore.readers._ebsd import crc, ctf
from latentcore.readers._ebsd.points import with_fingerprint
from latentcore.readers._peek import Peek
from latentcore.storage import local_path


@register_reader(TABLES_READERS, "channel5-points")
class Channel5Points:
    """Reader of ``.ctf`` and ``.cpr`` with ``.crc`` as tables."""

    description = "Channel 5 points without a grid (.ctf, or .cpr with .crc, JobMode Interactive)."
    wants = "a .ctf or .cpr whose JobMode is Interactive"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is one of points without a grid."""
        if ctf.is_ctf(peek):
            return ctf.is_interactive(peek)
        return crc.is_project(peek) and crc.is_interactive(peek)

    def open(self, ref: SourceRef) -> SampleTable:
        """Read the points, a row each in the file's order; by name points on a grid, too."""
        path = local_path(ref.location)
        if ctf.is_ctf(Peek(path)):
            points, fingerprint = with_fingerprint(lambda: ctf.read_ctf(path), path)
        else:
            files = crc.project_files(path)
            points, fingerprint = with_fingerprint(lambda: crc.read_crc(*files), *files)
        return points.table(ref, fingerprint)
