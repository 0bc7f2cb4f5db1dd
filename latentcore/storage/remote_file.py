"""An object on S3 as a file that is read by ranges: a look inside without a download."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import Any

from latentcore.storage.locations import S3Location
from latentcore.storage.objects import ObjectVersion, version_of
from latentcore.storage.s3 import client, in_plain_words

_BLOCK = 1 << 20
_KEPT_BLOCKS = 32


class RemoteFile(io.RawIOBase):
    """A read-only, seekable file over one version of an object.

    Parameters
    ----------
    location : S3Location

    Attributes
    ----------
    requests, bytes_read : int
        What it has cost so far.

    Raises
    ------
    StorageError
        If the object can't be read; also later, when it is replaced while it is read.

    Notes
    -----
    Whole blocks of 1 MiB are fetched and the last 32 kept, because HDF5 reads its metadata in
    many small pieces that lie close together.
    """

    def __init__(self, location: S3Location) -> None:
        super().__init__()
        self.version: ObjectVersion = version_of(location)
        self.requests = 0
        self.bytes_read = 0
        self._place = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as in any file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.version.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as one block goes; return the number of bytes."""
        left = min(len(buffer), self.version.size - self._place)
        if left <= 0:
            return 0
        number, start = divmod(self._place, _BLOCK)
        piece = self._block(number)[start : start + left]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        first = number * _BLOCK
        last = min(first + _BLOCK, self.version.size) - 1
        place = self.version.location
        with in_plain_words(place):
            answer = client().get_object(
                Bucket=place.bucket,
                Key=place.key,
                Range=f"bytes={first}-{last}",
                IfMatch=f'"{self.version.etag}"',
            )
            block: bytes = answer["Body"].read()
        self.requests += 1
        self.bytes_read += len(block)
        self._blocks[number] = block
        if len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return block
