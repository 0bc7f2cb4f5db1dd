"""Oxford Instruments ``.ebsp``; see `latentcore.readers._patterns.ebsp`."""

from __future__ import annotations

from latentcore.containers import SampleSource, SourceRef
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._patterns.pairing import open_patterns
from latentcore.readers._peek import Peek
from latentcore.storage import local_path


@register_reader(SAMPLES_READERS, "oxford-ebsp")
class OxfordEbsp:
    """Reader of Oxford's files of patterns."""

    description = "Oxford .ebsp scan: its Kikuchi patterns, with the maps beside them."
    wants = "an .ebsp"

    def recognizes(self, peek: Peek) -> bool:
        """Tell by the name: the header is only a number, and the first version has none."""
        return peek.name.endswith(".ebsp") and peek.path.is_file()

    def open(self, ref: SourceRef) -> SampleSource:
        """Open the patterns."""
        return open_patterns(local_path(ref.location), ref)
