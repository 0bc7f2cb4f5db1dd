"""One piece of work at a time on each GPU, whichever thread, process or server does it.

Two of them would share its memory by chance, and the one that comes second would fail. Whoever
works holds a lock on a file in the workspace; it dies with the process. The CPU is everybody's.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from latentcore.locks import is_locked, try_lock
from latentcore.progress import Progress
from latentcore.settings import settings

# What the progress of a job says meanwhile.
WAITING = "waiting for the GPU"

_LOOK_EVERY_S = 0.1
_CUDA = re.compile(r"cuda(?::(\d+))?")
# A thread that holds a lease may begin work of its own that wants it, too.
_threads: dict[Path, threading.RLock] = defaultdict(threading.RLock)
_depths: dict[Path, int] = defaultdict(int)


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
    if path is None:
        yield
        return
    _bound_memory(device)
    with _held_by_thread(path, progress):
        outermost = _depths[path] == 0
        with _held_by_process(path, progress) if outermost else contextlib.nullcontext():
            _depths[path] += 1
            try:
                yield
            finally:
                _depths[path] -= 1


def leases() -> dict[str, bool]:
    """Return for each GPU that was ever leased on this machine whether somebody works on it."""
    return {path.stem: is_locked(path) for path in sorted(_folder().glob("*.lock"))}


@contextlib.contextmanager
def _held_by_thread(path: Path, progress: Progress) -> Iterator[None]:
    lock = _threads[path]
    while not lock.acquire(timeout=_LOOK_EVERY_S):
        progress.step(0, 1, WAITING)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _held_by_process(path: Path, progress: Progress) -> Iterator[None]:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        while (lock := try_lock(path)) is None:
            progress.step(0, 1, WAITING)
            time.sleep(_LOOK_EVERY_S)
    except (OSError, NotImplementedError):
        lock = None  # where no lock can be kept, as on some network disks, nobody is kept waiting
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


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
