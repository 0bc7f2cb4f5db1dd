"""Which jobs wait for the same worker."""

from __future__ import annotations

from latentcore.jobs.records import JobRecord
from latentcore.workflows import VERBS

# What nobody asked for, whatever its verb.
AUTOMATIC = "automatic"


def queue_of(record: JobRecord) -> str:
    """Return where a job waits; nothing for a verb that only another version has."""
    if record.automatic:
        return AUTOMATIC
    return VERBS.get(record.verb).pool if record.verb in VERBS.names() else ""
