"""How a ``MAP`` is written: a file, and perhaps which of its columns."""

from __future__ import annotations

from pathlib import Path

__all__ = ["split_map_spec"]


def split_map_spec(spec: str) -> tuple[str, tuple[str, ...]]:
    """Split ``FILE``, ``FILE:COLUMN[,COLUMN…]`` or ``FILE:PREFIX*``.

    Returns
    -------
    location : str
    columns : tuple of str
        Empty where all were meant.
    """
    if _exists(spec) or ":" not in spec:
        return spec, ()
    location, _, columns = spec.rpartition(":")
    if columns.startswith("//"):  # the colon of a URL's scheme
        return spec, ()
    return location, tuple(name.strip() for name in columns.split(",") if name.strip())


def _exists(spec: str) -> bool:
    try:
        return Path(spec).exists()
    except (OSError, ValueError):  # too long for a path, or with characters that none has
        return False
