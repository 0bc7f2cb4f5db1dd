"""What is remembered of an upload, so that a killed one is continued and not begun again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Self

from latentcore.locks import file_lock
from latentcore.settings import settings
from latentcore.storage.locations import S3Location

_LONGEST_ID = 1024
_BEGINNING = "?"


class UploadNote:
    """The service's id of one content's upload to one location; a context manager.

    Parameters
    ----------
    location : S3Location
    digest : str
        SHA-256 of the content, and whatever else distinguishes it from another upload.

    Attributes
    ----------
    upload_id : str
        Empty where none was begun.
    beginning : bool
        Whether the service was being asked for an id when an upload was killed: there may be one.

    Notes
    -----
    While it is held, no other process uploads the same content to the same place.
    """

    def __init__(self, location: S3Location, digest: str) -> None:
        key = "\n".join((settings().s3_endpoint or "", str(location), digest))
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        self._path: Path = settings().workspace / "cache" / "uploads" / name
        self._lock = file_lock(self._path.with_name(f"{name}.lock"))
        self.upload_id = ""
        self.beginning = False

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        found = ""
        if self._path.is_file():
            with self._path.open(encoding="ascii", errors="replace") as file:
                found = file.read(_LONGEST_ID + 1)
        # A damaged note is none: the upload begins anew.
        if len(found) <= _LONGEST_ID and found.isascii() and found.isprintable():
            self.beginning = found == _BEGINNING
            self.upload_id = "" if self.beginning else found
        return self

    def begin(self) -> None:
        """Remember that the service is asked for an id."""
        self.beginning = True
        self._path.write_text(_BEGINNING, encoding="ascii")

    def write(self, upload_id: str) -> None:
        """Remember an id."""
        self.upload_id = upload_id
        self._path.write_text(upload_id, encoding="ascii")

    def remove(self) -> None:
        """Forget it: the upload is complete."""
        self._path.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
