"""Where a location lies on this machine."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from latentcore.errors import InputError

__all__ = ["content_fingerprint", "local_path"]

_BLOCK = 1 << 20


def content_fingerprint(*paths: Path) -> str:
    """Return text that changes when the content of any of the files changes.

    The whole content is read, once per (path, size, modification time) and process.
    """
    digests = [_digest(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    if len(digests) == 1:
        return f"blake2b:{digests[0]}"
    return f"blake2b:{hashlib.blake2b(' '.join(digests).encode(), digest_size=16).hexdigest()}"


@lru_cache(maxsize=1024)
def _digest(path: str, size: int, modified_ns: int) -> str:
    del size, modified_ns  # they are the key: a changed file is read again
    digest = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def local_path(location: str) -> Path:
    """Return the local path of a location.

    Parameters
    ----------
    location : str
        A path to a file or folder.

    Raises
    ------
    InputError
        If nothing is there, or the location is of a kind that this version can't fetch.
    """
    if "://" in location:
        scheme = location.split("://", 1)[0]
        message = (
            f"{location!r} is a {scheme} URL, which this version can't fetch. "
            "Copy the file to this machine and give its path."
        )
        raise InputError(message)
    path = Path(location).expanduser()
    if not path.exists():
        near = path.parent if path.parent.is_dir() else None
        hint = ""
        if near is not None:
            names = sorted(entry.name for entry in near.iterdir() if not entry.name.startswith("."))
            hint = f" That folder holds: {', '.join(names[:8]) or 'nothing'}."
        message = f"There is no file at {location!r}.{hint} Check the path."
        raise InputError(message)
    return path
