"""One version of each object for as long as a task lasts.

A task opens its input several times, in several threads. Without a pin an object that is replaced
meanwhile would be one version here and another there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentcore.progress import Progress
from latentcore.storage.download import fetch
from latentcore.storage.locations import S3Location


@dataclass
class _Pin:
    path: Path
    users: int = 0


_PINS: dict[S3Location, _Pin] = {}
_LOCK = threading.Lock()


@contextlib.contextmanager
def pinned(locations: Sequence[S3Location], progress: Progress) -> Iterator[None]:
    """Fetch objects, and keep to these versions until the end.

    Raises
    ------
    StorageError
        If one can't be fetched.
    """
    held: list[S3Location] = []
    try:
        for location in dict.fromkeys(locations):
            path = fetch(location, progress)
            with _LOCK:
                _PINS.setdefault(location, _Pin(path)).users += 1
            held.append(location)
        yield
    finally:
        with _LOCK:
            for location in held:
                _PINS[location].users -= 1
                if not _PINS[location].users:
                    del _PINS[location]


def pinned_path(location: S3Location) -> Path:
    """Return the copy that is pinned, else that of the present version."""
    with _LOCK:
        pin = _PINS.get(location)
    if pin is not None and pin.path.is_file():
        return pin.path
    return fetch(location)
