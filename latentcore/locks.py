"""Locks on files, between threads and processes; a lock dies with the process that holds it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import filelock
from filelock import Timeout

from latentcore.errors import InputError

__all__ = ["FileLock", "file_lock", "is_locked", "try_lock"]

_LOOK_EVERY_S = 0.01
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class FileLock(filelock.FileLock):
    """The library's, which says where a disk knows no locks."""

    def acquire(self, *how: Any, **options: Any) -> Any:
        """Take the lock.

        Raises
        ------
        InputError
            If there are none on this disk: two programs could write to one file at once.
        """
        try:
            return super().acquire(*how, **options)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            folder = str(Path(self.lock_file).parent)
            message = (
                f"The disk of {folder!r} knows no locks ({error.strerror}), without which two "
                "programs could write to one file at once. Mount it with locks (NFS does without "
                "only where it is told to), or use a disk of this machine: for a server, by "
                "LATENT_WORKSPACE."
            )
            raise InputError(message) from error


def file_lock(path: Path) -> FileLock:
    """Return the lock of a path, to be held with ``with``; re-entrant, also between threads.

    The file stays empty, and stays there when the lock is released.
    """
    # A lock that falls back to the mere existence of its file would outlive its process.
    return FileLock(
        path, thread_local=False, poll_interval=_LOOK_EVERY_S, mode=0o600, fallback_to_soft=False
    )


def try_lock(path: Path, *, patience_s: float = 0.0) -> FileLock | None:
    """Return the lock of a path, held until its ``release()``; None where another keeps it.

    Parameters
    ----------
    patience_s : float
        For how many seconds whoever holds it may go on.
    """
    lock = file_lock(path)
    try:
        lock.acquire(timeout=patience_s)
    except Timeout:
        return None
    return lock


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of a path at this moment."""
    try:
        if not path.is_file():
            return False
        lock = try_lock(path)
    except OSError:
        return False
    if lock is not None:
        lock.release()
    return lock is None
