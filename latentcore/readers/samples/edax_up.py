"""EDAX ``.up1`` and ``.up2``; see `latentcore.readers._patterns.up`."""

from __future__ import annotations

from pathlib import Path

from latentcore.containers import SampleSource, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._patterns.pairing import open_patterns
from latentcore.readers._patterns.up import PIXELS
from latentcore.readers._peek import Peek
from latentcore.storage import local_path
from latentcore.storage.companions import companions

_MAPS = ".edaxh5"


@register_reader(SAMPLES_READERS, "edax-up")
class EdaxUp:
    """Reader of EDAX's files of patterns."""

    description = "EDAX .up1/.up2 scan: its Kikuchi patterns, with the maps beside them."
    wants = "an .up1 or .up2, or an .edaxh5 with one of its name beside it"

    def recognizes(self, peek: Peek) -> bool:
        """Tell by the name: the header is too short to be known by."""
        return peek.path.is_file() and _patterns(peek.path) is not None

    def open(self, ref: SourceRef) -> SampleSource:
        """Open the patterns; of an ``.edaxh5`` those of the same name beside it."""
        path = local_path(ref.location)
        patterns = _patterns(path)
        if patterns is None:
            message = (
                f"{path.name!r} holds no patterns: they are in an .up1 or .up2 of the same name. "
                "Put that beside it, or open it."
            )
            raise MalformedFileError(message)
        return open_patterns(patterns, ref)


def _patterns(path: Path) -> Path | None:
    if path.suffix.lower() in PIXELS:
        return path
    beside = companions(path) if path.suffix.lower() == _MAPS else ()
    return next((one for one in beside if one.suffix.lower() in PIXELS), None)
