"""Whether the server can do its work."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time

from latentcore.settings import settings
from pages.jobs.server import server_runner

# Below this a job that begins would hardly end.
LEAST_SPACE = 500_000_000
# Whoever asks more often gets the last answer: finding out writes to the disk.
_GOOD_FOR_S = 2.0


class Health:
    """The server's state, looked at when somebody asks; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, bool] = {}
        self._looked_at = 0.0

    def look(self) -> dict[str, bool]:
        """Return what is well: the workspace, room on its disk, those who work off jobs."""
        with self._lock:
            if not self._found or time.monotonic() - self._looked_at > _GOOD_FOR_S:
                self._found = {"workspace": _can_write(), "disk": _has_room(), "jobs": _works()}
                self._looked_at = time.monotonic()
            return self._found


HEALTH = Health()


def _can_write() -> bool:
    try:
        with tempfile.TemporaryFile(dir=settings().workspace) as file:
            file.write(b"\0")
    except OSError:
        return False
    return True


def _has_room() -> bool:
    try:
        return shutil.disk_usage(settings().workspace).free >= LEAST_SPACE
    except OSError:
        return False


def _works() -> bool:
    try:
        return server_runner().works
    except OSError:  # it can't even make its folder
        return False
