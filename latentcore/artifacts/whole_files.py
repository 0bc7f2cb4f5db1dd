"""Files that appear whole or not at all, and what is left of them where a process was killed."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# Of libraries (HDF5, PyTorch, safetensors) that pass the system's words on, but not its number.
_NO_ROOM_TEXTS = tuple(map(os.strerror, _NO_ROOM))


def is_no_room(error: BaseException) -> bool:
    """Tell whether an error says that a disk, or somebody's share of it, is full."""
    causes = (error, error.__cause__, error.__context__)
    return any(
        getattr(one, "errno", None) in _NO_ROOM or any(text in str(one) for text in _NO_ROOM_TEXTS)
        for one in causes
        if one is not None
    )


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    What a process that was killed in doing so left of the same file goes away.
    """
    temporary = temporary_of(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:  # a full disk is not to be filled further
        with suppress(OSError):
            temporary.unlink()
        raise
    remove_left(path.parent, path.name)


def temporary_of(path: Path) -> Path:
    """Return the name beside a file under which this process writes it, before it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_left(folder: Path, name: str | None = None) -> None:
    """Remove what processes that run no more left of a file in a folder, or of any."""
    for left in folder.glob(f".{'*' if name is None else escape(name)}.*.tmp"):
        if not _is_running(left.stem.rpartition(".")[2]):
            remove_entry(left)


def remove_entry(path: Path) -> None:
    """Remove a folder with all that is in it, a file, or of a link the link alone.

    What isn't there, or can't be removed, is left so.
    """
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: str) -> bool:
    """Whether a process runs, as far as this system tells without harm to it."""
    if os.name != "posix" or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True  # it is somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    return True
