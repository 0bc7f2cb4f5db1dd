"""Files of ours whose format is of another version than the one that this program knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentcore.errors import quoted
from latentcore.version import __version__

__all__ = ["WAY_OUT", "WRITTEN_BY", "other_version"]

WRITTEN_BY = {"latentcore": __version__}
"""What `other_version` looks for in ``versions`` of a record, or of its ``provenance``."""

WAY_OUT = "Nothing of it was changed. Use the version of the program that wrote it, or a newer one."


def other_version(record: Mapping[str, Any], known: str) -> str:
    """Return what to say of a record of another version; empty where it is of the known one.

    Parameters
    ----------
    record : Mapping
        Of a file, perhaps a damaged one. One without a version is taken for one that is known.

    >>> other_version({"encoding-version": "2", "versions": {"latentcore": "9.0.0"}}, "1")[:66]
    "is of format version '2', written by version 9.0.0 of this program"
    """
    found = record.get("encoding-version", known)
    if found == known:
        return ""
    writer = _writer(record) or _writer(record.get("provenance"))
    by = f", written by version {writer} of this program" if writer else ""
    return (
        f"is of format version {quoted(found)}{by}; version {__version__}, which runs here, reads "
        f"format version {known!r}"
    )


def _writer(record: object) -> str:
    versions = record.get("versions") if isinstance(record, Mapping) else None
    found = versions.get("latentcore") if isinstance(versions, Mapping) else None
    return quoted(found)[1:-1] if isinstance(found, str) else ""
