"""One piece of work at a time on each GPU, whichever thread, process or server does it.

Two of them would share its memory by chance, and the one that comes second would fail. Whoever
works holds a lock on a file in the workspace, and whoever waits one on a ticket beside it: first
come, first served. Locks die with their process. The CPU is everybody's.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from latentcore.errors import InputError
from latentcore.locks import FileLock, is_locked, try_lock
from latentcore.progress import Progress
from latentcore.settings import settings

# What the progress of a job says meanwhile.
WAITING = "waiting for the GPU"

_LOOK_EVERY_S = 0.1
# For so long a ticket that nobody holds may be one that is just being taken.
_TAKING_S = 5.0
_CUDA = re.compile(r"cuda(?::(\d+))?")


class _Mine(threading.local):
    """The locks that a thread holds: it may begin work of its own that wants one of them, too."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()


_mine = _Mine()


@contextlib.contextmanager
def leased(device: str, progress: Progress) -> Iterator[None]:
    """Hold a GPU while working on it; use as ``with leased(device, progress):``.

    Parameters
    ----------
    device : str
        A name of PyTorch's. Devices other than ``cuda`` are not leased.
    progress : Progress
        Told of the waiting, which it may end.

    Raises
    ------
    Cancelled
        If the progress was cancelled while others worked.
    """
    path = _lock_of(device)
    if path is None or path in _mine.paths:
        yield
        return
    _bound_memory(device)
    lock = _in_turn(path, progress)
    _mine.paths.add(path)
    try:
        yield
    finally:
        _mine.paths.discard(path)
        if lock is not None:
            lock.release()


def leases() -> dict[str, bool]:
    """Return for each GPU that was ever leased on this machine whether somebody works on it."""
    return {path.stem: is_locked(path) for path in sorted(_folder().glob("*.lock"))}


def _in_turn(path: Path, progress: Progress) -> FileLock | None:
    """Return the lock once it is ours; None where no lock can be kept, as on some network disks."""
    tickets = path.with_suffix(".waiting")
    mine = tickets / f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    try:
        tickets.mkdir(parents=True, exist_ok=True)
        ticket = try_lock(mine)
    except (OSError, NotImplementedError, InputError):
        return None
    try:
        while not _is_first(mine) or (lock := try_lock(path)) is None:
            progress.step(0, 1, WAITING)
            time.sleep(_LOOK_EVERY_S)
    finally:
        if ticket is not None:
            ticket.release()
        mine.unlink(missing_ok=True)
    return lock


def _is_first(mine: Path) -> bool:
    for ticket in sorted(mine.parent.iterdir()):
        if ticket.name >= mine.name:
            break
        with contextlib.suppress(OSError):  # it was given back meanwhile
            if is_locked(ticket) or time.time() - ticket.stat().st_mtime < _TAKING_S:
                return False
            ticket.unlink()  # its process was killed
    return True


def _lock_of(device: str) -> Path | None:
    found = _CUDA.fullmatch(device)
    if found is None:
        return None
    number = int(found[1] or 0)
    # What is number 0 here is another one elsewhere, where the processes were given different GPUs.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    name = visible[number].strip() if number < len(visible) and visible[number] else str(number)
    return _folder() / f"{re.sub(r'[^A-Za-z0-9-]', '_', name)}.lock"


def _folder() -> Path:
    # A workspace may lie on a disk that several machines share; their GPUs they don't.
    return settings().workspace / "gpus" / (platform.node() or "here")


def _bound_memory(device: str) -> None:
    """Let PyTorch take no more of the GPU's memory than the settings allow."""
    percent = settings().gpu_memory_percent
    if percent < 100:
        import torch

        torch.cuda.set_per_process_memory_fraction(percent / 100, torch.device(device))
