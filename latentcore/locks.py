"""Locks on files, between threads and processes; a lock dies with the process that holds it."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["FileLock", "file_lock", "is_locked", "try_lock"]

_LOOK_EVERY_S = 0.01


def file_lock(path: Path) -> FileLock:
    """Return the lock of a path, to be held with ``with``; re-entrant, also between threads.

    The file stays empty, and stays there when the lock is released.
    """
    # A lock that falls back to the mere existence of its file would outlive its process.
    return FileLock(
        path, thread_local=False, poll_interval=_LOOK_EVERY_S, mode=0o600, fallback_to_soft=False
    )


def try_lock(path: Path) -> FileLock | None:
    """Return the lock of a path, held until its ``release()``; None where another holds it."""
    lock = file_lock(path)
    try:
        lock.acquire(blocking=False)
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
