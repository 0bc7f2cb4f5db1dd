"""Where a location lies: a path of this machine, or an object on S3 with a local copy.

The only room that knows ``s3://``. An object is downloaded once per version into a cache, and
everything else reads the copy as a file.
"""

from __future__ import annotations

from pathlib import Path

from latentcore.storage.local import content_fingerprint, existing_path
from latentcore.storage.locations import S3Location, is_remote, remote_of, split_options

__all__ = [
    "S3Location",
    "content_fingerprint",
    "is_remote",
    "local_path",
    "remote_of",
    "split_options",
]


def local_path(location: str) -> Path:
    """Return the local path of a location; an object on S3 is downloaded first.

    Parameters
    ----------
    location : str
        A path to a file or folder, or ``s3://bucket/key``.

    Raises
    ------
    InputError
        If nothing is there, or it can't be fetched.
    """
    if not is_remote(location):
        return existing_path(location)
    from latentcore.storage.pins import pinned_path

    return pinned_path(remote_of(location))
