"""Files of this machine: do they exist, and what is in them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from latentcore.errors import InputError

_BLOCK = 1 << 20


def content_fingerprint(*paths: Path) -> str:
    """Return text that changes when the content of any of the files changes.

    The whole content is read, once per version of a file and process.
    """
    digests = [_digest(str(path), _version(path)) for path in paths]
    if len(digests) == 1:
        return f"blake2b:{digests[0]}"
    return f"blake2b:{hashlib.blake2b(' '.join(digests).encode(), digest_size=16).hexdigest()}"


def _version(path: Path) -> tuple[int, ...]:
    """Return numbers of which one changes when the file is written to or replaced."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=1024)
def _digest(path: str, version: tuple[int, ...]) -> str:
    del version  # it is the key: a changed file is read again
    digest = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def existing_path(location: str) -> Path:
    """Return the path of an existing file or folder.

    Raises
    ------
    InputError
        If nothing is there.
    """
    try:
        path = Path(location).expanduser()
        is_there = path.is_file() or path.is_dir()
        if not is_there:
            message = f"There is no file at {location!r}.{_neighbors(path)} Check the path."
            raise InputError(message)
    except (OSError, RuntimeError, ValueError) as error:
        message = f"The path {location!r} can't be looked up: {error}. Check it."
        raise InputError(message) from error
    return path


def _neighbors(path: Path) -> str:
    """Return a hint at what lies where the path leads, if anything."""
    if path.exists():
        return " What is there is a device or a pipe."
    if not path.parent.is_dir():
        return ""
    names = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.startswith("."))
    return f" That folder holds: {', '.join(names[:8]) or 'nothing'}."
