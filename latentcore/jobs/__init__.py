"""Long work that outlives the browser tab: one runner per server, its jobs on disk.

A job is a folder: ``job.json`` (what was asked and how it stands), ``progress.jsonl``,
``log.txt``, and a file ``cancel`` once somebody asked to stop. The folder is the truth; a second
server on the same workspace, or a second browser, reads the same job from it.
"""

from __future__ import annotations

from latentcore.jobs.command_line import command_line
from latentcore.jobs.records import ACTIVE_STATES, JobRecord, State, rate_and_eta
from latentcore.jobs.runner import JobRunner
from latentcore.workflows import request_from, request_of

__all__ = [
    "ACTIVE_STATES",
    "JobRecord",
    "JobRunner",
    "State",
    "command_line",
    "rate_and_eta",
    "request_from",
    "request_of",
]
