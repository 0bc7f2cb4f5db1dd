"""Have unknown HDF5 files looked into by other processes, before this one opens them.

A few lasting processes (`latentcore.hdf5.examination`) are enough, so that a look costs
milliseconds; what it found holds until the file is another one.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path

from latentcore import errors
from latentcore.errors import InputError, MalformedFileError
from latentcore.workers import Worker

__all__ = ["Version", "examine", "version_of"]

_MODULE = "latentcore.hdf5.examination"
_PROCESSES = 2
# The processes limit their processor time where the system can do that; a slow disk or a busy
# machine is no fault of the file's. Elsewhere this is the only limit.
_PATIENCE_S = 10.0 if sys.platform == "win32" else 60.0
_LOOK_EVERY_S = 0.1
_TIME_IS_UP = -getattr(signal, "SIGXCPU", sys.maxsize)
_ENDED_BY_OTHERS = {-getattr(signal, name, sys.maxsize) for name in ("SIGKILL", "SIGTERM")}
_MOST_REMEMBERED = 4_096
# What a file may have broken without a crash ends with its process.
_MOST_FILES = 1_000
# One thread is all that is needed, and libraries that start none are loaded faster.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Version = tuple[int, ...]
_Finding = tuple[type[InputError], str] | None


def version_of(path: Path) -> Version:
    """Return what is another one once a file was replaced or written to."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def examine(path: Path) -> Version:
    """Have a file examined, unless this version of it was; return the version.

    Raises
    ------
    UnknownFormatError
        If it isn't HDF5.
    MalformedFileError
        If it is damaged, so that reading it could crash or never end.
    UnsafeFileError
        If it refers to other files, or would take memory out of all proportion.
    InputError
        If there is no process that could examine it.
    """
    version = version_of(path)
    if (finding := _desk.finding(path, version)) is not None:
        kind, message = finding
        raise kind(message)
    return version


class _Process:
    """One process that examines.

    Attributes
    ----------
    asked : int
        About how many files.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._worker = Worker(_MODULE, log=Path(os.devnull), environment=_ENVIRONMENT)

    @property
    def usable(self) -> bool:
        """Whether it may be asked again."""
        return self._worker.alive and self.asked < _MOST_FILES

    def ask(self, path: Path) -> str | None:
        """Return its answer, None where it ended or doesn't end."""
        self.asked += 1
        self._worker.send(json.dumps(str(path.absolute())))
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            alive = self._worker.alive
            answer = self._worker.answer(_LOOK_EVERY_S)
            if answer is not None or not alive:
                return answer
        return None

    def end(self) -> int | None:
        """End it; return the status by which it had ended by itself, None where it had not.

        Raises
        ------
        InputError
            If it never began to work.
        """
        status = self._worker.exit_status
        self._worker.kill()
        if not self._worker.ready:
            message = (
                "HDF5 files are looked into by a process of their own, which can't be started "
                f"(status {status}). Look for what keeps `python -m {_MODULE}` from running."
            )
            raise InputError(message)
        return status


class _Desk:
    """Where threads ask about files: what was found, and the processes that find out."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_PROCESSES)
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, Version], _Finding] = OrderedDict()

    def finding(self, path: Path, version: Version) -> _Finding:
        """Return what is wrong with a version of a file, None where it can be opened."""
        key = str(path.absolute()), version
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        with self._free:
            finding = self._ask(path)
        with self._lock:
            self._found[key] = finding
            while len(self._found) > _MOST_REMEMBERED:
                self._found.popitem(last=False)
        return finding

    def close(self) -> None:
        """End the processes that wait."""
        while self._idle:
            self._idle.pop().end()

    def _ask(self, path: Path) -> _Finding:
        process = self._waiting() or _Process()
        while (answer := process.ask(path)) is None:
            status = process.end()
            if process.asked == 1 or status in (None, _TIME_IS_UP):
                return _finding_of(path.name, status)
            # What an earlier file broke in it may have ended it: only a new one is a witness.
            process = _Process()
        with self._lock:
            self._idle.append(process)
        found = json.loads(answer)
        return (getattr(errors, found["error"]), found["message"]) if found else None

    def _waiting(self) -> _Process | None:
        with self._lock:
            process = self._idle.pop() if self._idle else None
        if process is None or process.usable:
            return process
        process.end()
        return None


def _finding_of(name: str, status: int | None) -> _Finding:
    """Return what is wrong with a file that no process survived.

    Raises
    ------
    InputError
        If somebody else ended the process.
    """
    again = "Copy it again, or repack it: h5repack in.h5 out.h5."
    if status in (None, _TIME_IS_UP):
        return MalformedFileError, (
            f"{name!r} is refused: looking into it did not come to an end; the file is damaged, or "
            f"made to do harm. {again}"
        )
    if status in _ENDED_BY_OTHERS:
        message = f"{name!r} can't be looked into: the process for it was ended. Try it again."
        raise InputError(message)
    return MalformedFileError, (
        f"{name!r} is refused: the process that looked into it crashed (status {status}); the file "
        f"is damaged, or made to do harm. {again}"
    )


_desk = _Desk()
_inherited: list[_Desk] = []


def _begin_anew() -> None:
    """Leave its processes to the process that this one was forked from."""
    global _desk
    _inherited.append(_desk)
    _desk = _Desk()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
atexit.register(lambda: _desk.close())
