"""What the disk does to the server's own files, told in the house form."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from latentcore.artifacts import is_no_room
from latentcore.errors import LatentError
from latentcore.settings import settings

_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def trouble(error: Exception) -> LatentError | None:
    """Return what to tell of an error; None where it isn't about the workspace or a full disk.

    >>> str(trouble(OSError(errno.ENOSPC, "No space left on device"))).split(":")[0]
    "The server's disk is full"
    """
    if is_no_room(error):
        message = (
            "The server's disk is full: nothing can be written now, and nothing that was there is "
            "lost.\nDelete runs on the Runs page, or ask the operator for room, and try again."
        )
        return LatentError(message)
    name = _inside(error.filename) if isinstance(error, OSError) else None
    if name is None or not isinstance(error, OSError):
        return None
    said = (error.strerror or type(error).__name__).lower()
    if error.errno in _REFUSED:
        message = (
            f"The server may not write {name} in its workspace ({said}).\nThe operator gives it "
            "the right to, or another folder by LATENT_WORKSPACE; then reload the page."
        )
    else:
        message = (
            f"In the server's workspace something else lies where {name} belongs ({said}).\n"
            "Nothing else is affected. The operator moves it away; then reload the page."
        )
    return LatentError(message)


def _inside(filename: object) -> str | None:
    """Return what a path of the workspace is called there; None for any other."""
    if not isinstance(filename, str | os.PathLike):
        return None
    workspace = settings().workspace
    path = Path(os.path.abspath(filename))  # noqa: PTH100 - links must not be followed here
    if path == workspace:
        return "its folder"
    for base in (workspace, Path(os.path.realpath(workspace))):
        if path.is_relative_to(base):
            return repr(path.relative_to(base).as_posix())
    return None
