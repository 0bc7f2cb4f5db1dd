"""Channel Text File; see `latentcore.readers._ebsd.ctf`."""

from __future__ import annotations

from latentcore.containers import ScanMaps, SourceRef
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._ebsd.ctf import is_ctf, is_interactive, read_ctf
from latentcore.readers._ebsd.points import with_fingerprint
from latentcore.readers._peek import Peek
from latentcore.storage import local_path


@register_reader(MAPS_READERS, "ctf")
class Ctf:
    """Reader of ``.ctf``."""

    description = "Channel Text File (.ctf): band contrast, phases, Euler angles of a scan."
    wants = "text that begins with 'Channel Text File'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is one, of points on a grid."""
        return is_ctf(peek) and not is_interactive(peek)

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps."""
        path = local_path(ref.location)
        points, fingerprint = with_fingerprint(lambda: read_ctf(path), path)
        return points.scan_maps(ref, fingerprint)
