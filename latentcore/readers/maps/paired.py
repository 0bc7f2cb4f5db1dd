"""The maps of a file of patterns, from the file beside it: both open as one scan."""

from __future__ import annotations

from dataclasses import replace

from latentcore.containers import ScanMaps, SourceRef
from latentcore.errors import RequestError
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._patterns.pairing import fitting_maps, maps_beside, read_pattern_file
from latentcore.readers._peek import Peek
from latentcore.storage import local_path
from latentcore.storage.companions import has_maps_beside


@register_reader(MAPS_READERS, "paired-maps")
class PairedMaps:
    """Reader of the maps beside a file of patterns."""

    description = "Maps of an .up1, .up2 or .ebsp: those of the file with its name beside it."
    wants = "an .up1, .up2 or .ebsp with a file of maps of its name beside it"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a file of patterns, and maps are beside it or were chosen."""
        ours = has_maps_beside(peek.name) and peek.path.is_file()
        return ours and maps_beside(peek.path, peek.options) is not None

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps, once it is sure that they are of as many points on the same grid."""
        path = local_path(ref.location)
        partner = maps_beside(path, ref.options)
        if partner is None or not has_maps_beside(path.name):
            message = (
                f"No file of maps belongs to {path.name!r}. Put one of its name beside it, or "
                "name one with maps=FILE after the reader's name."
            )
            raise RequestError(message)
        maps, _ = fitting_maps(read_pattern_file(path), partner, ref.options)
        note = f"The maps of {path.name!r} are those in {partner.name!r}."
        return replace(maps, ref=ref, notes=(note, *maps.notes))
