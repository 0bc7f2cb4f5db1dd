"""The users of a server by what they take of it."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

from latentcore.jobs import JobRecord
from pages.access import claims, disk, identity, places, presence
from pages.access.places import DIGEST
from pages.access.quotas import DAY_S
from pages.jobs.server import server_runner

SERVER = "the server itself"
EVERYBODY = "everybody"


@dataclass
class Usage:
    """What one user takes.

    Attributes
    ----------
    sessions : int
        Tabs that are open.
    runs, uploads : int
        Bytes on the disk; what several users have counts for each.
    worked : float
        Seconds that their jobs have worked within the last 24 hours.
    """

    sessions: int = 0
    runs: int = 0
    uploads: int = 0
    worked: float = 0.0


def called(record: JobRecord) -> str:
    """Return for whom a job is."""
    return record.user or (SERVER if identity.way_in() else EVERYBODY)


def usage() -> dict[str, Usage]:
    """Return what each user takes, by name; empty for what belongs to nobody in particular."""
    found: dict[str, Usage] = defaultdict(Usage)
    for name, size in disk.runs().of_each().items():
        for owner in _owners("run", name):
            found[owner].runs += size
    for name, size in disk.uploads().of_each().items():
        for owner in _owners("upload", name):
            found[owner].uploads += size
    for user, seconds in server_runner().used(time.time() - DAY_S).items():
        found[user].worked += seconds
    for user, count in presence.sessions().items():
        found[user].sessions += count
    return dict(found)


def unowned_uploads() -> dict[str, tuple[str, int]]:
    """Return name and bytes of each upload that belongs to nobody, by its digest."""
    if not identity.way_in():
        return {}
    found = {}
    for digest, size in disk.uploads().of_each().items():
        if DIGEST.fullmatch(digest) and not claims.of("upload", digest).owners:
            names = sorted(path.name for path in (places.uploads_folder() / digest).glob("*"))
            found[digest] = (", ".join(names), size)
    return found


def _owners(kind: claims.Kind, name: str) -> tuple[str, ...]:
    return (claims.of(kind, name).owners if identity.way_in() else ()) or ("",)
