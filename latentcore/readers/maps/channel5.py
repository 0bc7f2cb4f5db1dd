"""Project of Channel 5; see `latentcore.readers._ebsd.crc`."""

from __future__ import annotations

from latentcore.containers import ScanMaps, SourceRef
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._ebsd.crc import is_interactive, is_project, project_files, read_crc
from latentcore.readers._ebsd.points import with_fingerprint
from latentcore.readers._peek import Peek
from latentcore.storage import local_path


@register_reader(MAPS_READERS, "channel5")
class Channel5:
    """Reader of ``.cpr`` with ``.crc``."""

    description = "Channel 5 project (.cpr with .crc): band contrast, phases, Euler angles, EDS."
    wants = "a .cpr with the sections [Job], [Fields] and [Phases], or its .crc"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is either of the two, of points on a grid."""
        return is_project(peek) and not is_interactive(peek)

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps; either of the two files may be named."""
        project, records = project_files(local_path(ref.location))
        points, fingerprint = with_fingerprint(lambda: read_crc(project, records), project, records)
        return points.scan_maps(ref, fingerprint)
