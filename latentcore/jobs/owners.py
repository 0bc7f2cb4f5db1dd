"""Which server answers for a job, and whether it is still there.

A server holds a lock on a file named after it. The lock dies with the process, however it ends;
a process number could be given to another process, a lock can't.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from latentcore.locks import file_lock, is_locked

_OWNERS = ".owners"


class Owner:
    """One server, as others on the same folder see it.

    Parameters
    ----------
    folder : Path
        Where the jobs are.

    Attributes
    ----------
    token : str
        Its name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        owners = folder / _OWNERS
        owners.mkdir(exist_ok=True)
        _sweep(owners)
        self.token = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = owners / self.token
        self._lock = file_lock(self._path)
        self._lock.acquire()

    def sees(self, token: str) -> bool:
        """Whether the server of that name still runs; for itself no disk is asked."""
        itself = token == self.token and self._lock.is_locked
        return itself or is_alive(self._folder, token)

    def leave(self) -> None:
        """Let go of the lock."""
        with contextlib.suppress(OSError):  # Windows removes no file that is locked
            self._path.unlink(missing_ok=True)
        self._lock.release()


def is_alive(folder: Path, token: str) -> bool:
    """Whether the server of that name still runs."""
    # A record that somebody has changed may name anything, but no file elsewhere.
    return token.replace("-", "").isalnum() and is_locked(folder / _OWNERS / token)


class SharedLock:
    """A lock between the threads of this server and all servers on a folder; re-entrant.

    Parameters
    ----------
    path : Path
        The lock's file.
    """

    def __init__(self, path: Path) -> None:
        self._threads = threading.RLock()
        self._processes = file_lock(path)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock; use as ``with lock():``."""
        with self._threads, self._processes:
            yield


def _sweep(owners: Path) -> None:
    for path in owners.iterdir():
        if not is_locked(path):
            with contextlib.suppress(OSError):  # another server sweeps too, or it is no file
                path.unlink()
