"""The records of all jobs: read anew where they have changed, kept where the disk is full."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

from latentcore.artifacts import is_no_room
from latentcore.jobs.folder import JobFolder
from latentcore.jobs.owners import SharedLock
from latentcore.jobs.records import JobRecord


class RecordStore:
    """Reads and writes records; thread-safe.

    Parameters
    ----------
    folder : Path
        Holds a folder for each job.

    Attributes
    ----------
    exclusive : SharedLock
        Whoever changes a record holds it, from the look at how it stands.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.exclusive = SharedLock(folder / ".lock")
        self._cache: dict[str, tuple[tuple[int, int], JobRecord | None]] = {}
        self._unsaved: dict[str, JobRecord] = {}

    def jobs(self) -> list[str]:
        """Return all jobs, those with damaged records too."""
        return [path.name for path in self._folder.iterdir() if path.name.isalnum()]

    def at(self, job: str) -> JobFolder:
        """Return a job's folder."""
        return JobFolder(self._folder / job)

    def stored(self, job: str) -> JobRecord | None:
        """Return what is on disk, or shall be; a file is read again only when it was replaced."""
        if (unsaved := self._unsaved.get(job)) is not None:
            return unsaved
        try:
            state = (self._folder / job / "job.json").stat()
        except OSError:
            self._cache.pop(job, None)
            return None
        key = (state.st_mtime_ns, state.st_ino)
        cached = self._cache.get(job)
        if cached is not None and cached[0] == key:
            return cached[1]
        record = self.at(job).stored()
        self._cache[job] = (key, record)
        return record

    def damage(self, job: str) -> str:
        """Return what is wrong with a record; empty where it is good or missing."""
        return self.at(job).damage() if self.stored(job) is None else ""

    def save(self, record: JobRecord) -> None:
        """Write a record, at once or as soon as there is room: jobs go on, and end, without."""
        try:
            self.at(record.id).save(record)
        except OSError as error:
            if not (is_no_room(error) or error.errno == errno.EROFS):
                raise
            self._unsaved[record.id] = record
        else:
            self._unsaved.pop(record.id, None)

    def save_again(self, job: str) -> None:
        """Write a record for which there was no room, where there is now."""
        if job in self._unsaved:
            with suppress(OSError), self.exclusive():
                if (record := self._unsaved.get(job)) is not None:
                    self.save(record)

    def drop(self, job: str) -> None:
        """Remove a job's folder; its run folder stays."""
        self._cache.pop(job, None)
        self._unsaved.pop(job, None)
        self.at(job).remove()
