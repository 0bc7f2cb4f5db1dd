"""Which server answers for a job, and whether it is still there.

A server holds a lock on a file named after it. The lock dies with the process, however it ends;
a process number could be given to another process, a lock can't.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Owner", "SharedLock", "is_alive"]

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
        owners = folder / _OWNERS
        owners.mkdir(exist_ok=True)
        _sweep(owners)
        self.token = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = owners / self.token
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Let go of the lock."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(folder: Path, token: str) -> bool:
    """Whether the server of that name still runs."""
    # A record that somebody has changed may name anything, but no file elsewhere.
    return token.replace("-", "").isalnum() and _is_locked(folder / _OWNERS / token)


class SharedLock:
    """A lock between the threads of this server and all servers on a folder; re-entrant.

    Parameters
    ----------
    path : Path
        The lock's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock; use as ``with lock():``."""
        with self._threads:
            descriptor = None
            if self._depth == 0:
                descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if descriptor is not None:
                    os.close(descriptor)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        # Shared: two askers at the same moment must not take each other for the server.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _sweep(owners: Path) -> None:
    for path in owners.iterdir():
        if not _is_locked(path):
            with contextlib.suppress(OSError):  # another server sweeps too, or it is no file
                path.unlink()
