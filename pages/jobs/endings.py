"""What the server notes of each job that has ended: its time, and a line in the log."""

from __future__ import annotations

import logging
import re

from latentcore.jobs import JobRecord
from pages.frame.measured import JOB_SECONDS

_LOGGER = logging.getLogger("latent_explorer")
_INCIDENT = re.compile(r"\bincident ([0-9a-f]{8})\b")


def note(record: JobRecord) -> None:
    """Note that a job has ended."""
    JOB_SECONDS.observe(record.elapsed(), record.verb, record.state)
    found = _INCIDENT.search(record.error)
    incident = found[1] if found else ""
    about = {
        "verb": record.verb,
        "job": record.id,
        "state": record.state,
        "seconds": record.elapsed(),
        "user": record.user,
        "incident": incident,
    }
    if incident:
        _LOGGER.error("job %s: incident %s", record.id, incident, extra=about)
    else:
        _LOGGER.info("job %s: %s", record.id, record.state, extra=about)
