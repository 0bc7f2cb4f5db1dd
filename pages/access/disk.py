"""How much room things in the workspace take; each folder is looked through once per change."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from pathlib import Path

from latentcore.storage.built import built_root
from latentcore.storage.cache import cache_folder
from pages.access import places

_UNFINISHED = ".unfinished"

_State = tuple[int, int]


class Sizes:
    """The sizes of what lies in a folder; thread-safe.

    Parameters
    ----------
    folder : Path
        Of each entry, its files are counted, once where they are links to each other.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[_State, int]] = {}

    def of_each(self) -> dict[str, int]:
        """Return the bytes of each entry; of a run that is being worked at, by the run's name."""
        with self._lock:
            try:
                names = [path.name for path in self._folder.iterdir()]
            except OSError:
                names = []
            self._known = {name: self._entry(name) for name in names}
            sizes: dict[str, int] = {}
            for name, (_, size) in self._known.items():
                if name.startswith(".") and not name.endswith(_UNFINISHED):
                    continue
                plain = name.removeprefix(".").removesuffix(_UNFINISHED)
                sizes[plain] = sizes.get(plain, 0) + size
            return sizes

    def total(self) -> int:
        """Return the bytes of all entries."""
        return sum(self.of_each().values())

    def _entry(self, name: str) -> tuple[_State, int]:
        path = self._folder / name
        # A folder that is complete changes by being replaced, or an entry of it.
        state = _state_of(path)
        known = self._known.get(name)
        if known is not None and known[0] == state and not name.startswith("."):
            return known
        return state, _size_of(path)


def uploads() -> Sizes:
    """Return the sizes of the uploaded files, by digest."""
    return _sizes(places.uploads_folder())


def runs() -> Sizes:
    """Return the sizes of the run folders, by name."""
    return _sizes(places.runs_folder())


def cached() -> int:
    """Return the bytes of copies of objects and of what is built from patterns."""
    return _sizes(cache_folder()).total() + _sizes(built_root()).total()


@lru_cache(maxsize=8)
def _sizes(folder: Path) -> Sizes:
    return Sizes(folder)


def _state_of(path: Path) -> _State:
    try:
        found = os.lstat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def _size_of(path: Path) -> int:
    seen: dict[tuple[int, int], int] = {}
    files = [path] if path.is_file() else []
    for folder, _, names in os.walk(path):
        files += [Path(folder, name) for name in names]
    for file in files:
        try:
            state = os.lstat(file)
        except OSError:
            continue  # it is being written, or has just been removed
        seen[state.st_dev, state.st_ino] = state.st_size
    return sum(seen.values())
