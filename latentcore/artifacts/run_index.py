"""The runs below a folder, their records read once."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentcore.artifacts.run_folder import read_run, run_damage

_State = tuple[int, int, int]


@dataclass(frozen=True)
class IndexedRun:
    """One run folder with a ``run.json``.

    Attributes
    ----------
    changed : float
        When the record was written, in seconds since 1970.
    record : Mapping
        What `read_run` returns, shared among all who ask: not to be changed. Empty where it is
        damaged.
    damage : str
        What is wrong with the record; empty where it is good.
    """

    folder: Path
    changed: float
    record: Mapping[str, Any] = field(default_factory=dict)
    damage: str = ""

    def files(self, suffix: str) -> list[str]:
        """Return the names of its files that end so, whether or not they are still there."""
        return [name for name in self.record.get("files", {}) if name.endswith(suffix)]


class RunIndex:
    """The newest runs below a folder; thread-safe.

    Each look lists the folder and asks for the time of every record, so that runs which any
    process adds, repeats or deletes are seen at once; only a record that is another one than at
    the last look is read.

    Parameters
    ----------
    folder : Path
        Its direct subfolders are runs; those whose names begin with a dot are none.
    most : int
        How many of the newest are kept.
    """

    def __init__(self, folder: Path, *, most: int = 500) -> None:
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[str, tuple[_State, IndexedRun]] = {}

    def runs(self) -> tuple[IndexedRun, ...]:
        """Return the runs as they are now, the newest record first."""
        with self._lock:
            newest = sorted(self._states().items(), key=lambda one: one[1], reverse=True)
            self._known = {name: self._entry(name, state) for name, state in newest[: self._most]}
            return tuple(run for _, run in self._known.values())

    def run(self, name: str) -> IndexedRun | None:
        """Return the run in a subfolder as it is now, None where none has finished there."""
        state = _state_of(self._folder, name)
        if state is None:
            return None
        with self._lock:
            self._known[name] = self._entry(name, state)
            return self._known[name][1]

    def _states(self) -> dict[str, _State]:
        try:
            names = [one.name for one in os.scandir(self._folder) if not one.name.startswith(".")]
        except OSError:
            return {}
        found = ((name, _state_of(self._folder, name)) for name in names)
        return {name: state for name, state in found if state is not None}

    def _entry(self, name: str, state: _State) -> tuple[_State, IndexedRun]:
        known = self._known.get(name)
        if known is not None and known[0] == state and any(state):
            return known
        folder = self._folder / name
        record = read_run(folder)
        damage = "" if record is not None else run_damage(folder)
        return state, IndexedRun(folder, state[0] / 1e9, record or {}, damage)


def _state_of(folder: Path, name: str) -> _State | None:
    """Return what changes with a record: its time, size and inode; zeros where it can't be read."""
    try:
        state = os.stat(f"{folder}{os.sep}{name}{os.sep}run.json")  # noqa: PTH116 - for its speed
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0, 0
    return state.st_mtime_ns, state.st_size, state.st_ino
