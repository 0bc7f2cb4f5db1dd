"""How a ``MAP`` is written: a file, options for its reader, and which of its columns."""

from __future__ import annotations

from pathlib import Path

from latentcore.storage import split_options


def split_map_spec(spec: str) -> tuple[str, tuple[str, ...]]:
    """Split ``FILE``, ``FILE:COLUMN[,COLUMN…]`` or ``FILE:PREFIX*``.

    Returns
    -------
    location : str
        With the reader's options, if there are any: ``FILE@KEY=VALUE``.
    columns : tuple of str
        Empty where all were meant.
    """
    if _exists(spec) or ":" not in spec:
        return spec, ()
    colons = [place for place, sign in enumerate(spec) if sign == ":"]
    # Columns' names may hold colons, too: the file is there to tell them apart.
    cut = next((place for place in reversed(colons) if place and _exists(spec[:place])), colons[-1])
    location, columns = spec[:cut], spec[cut + 1 :]
    if columns.startswith(("/", "\\")):  # the colon of a URL's scheme or of a Windows drive
        return spec, ()
    return location, tuple(name.strip() for name in columns.split(",") if name.strip())


def file_of(spec: str) -> str:
    """Return the file that a ``MAP`` is in, without columns and options."""
    return split_options(split_map_spec(spec)[0])[0]


def _exists(spec: str) -> bool:
    try:
        return Path(split_options(spec)[0]).exists()
    except (OSError, ValueError):  # too long for a path, or with characters that none has
        return False
