"""A stream that stops before it fills the memory."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from latentcore.errors import MalformedFileError

__all__ = ["BoundedReader"]


class BoundedReader(io.RawIOBase):
    """Reads a file, plain or gzip, up to a number of bytes: a zip bomb unpacks no further.

    Parameters
    ----------
    zipped : bool
        Whether it is gzip.
    most : int
        Bytes that may be read, unpacked.
    """

    def __init__(self, path: Path, *, zipped: bool, most: int) -> None:
        self._source = gzip.GzipFile(path) if zipped else io.FileIO(path)
        self._left = most
        self._most = most
        self._name = path.name

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer.

        Raises
        ------
        MalformedFileError
            If the stream is longer than allowed.
        """
        block = self._source.read(len(buffer)) or b""
        self._left -= len(block)
        if self._left < 0:
            message = (
                f"{self._name!r} unpacks to more than {self._most:,} bytes: more than any scan. "
                "Split it."
            )
            raise MalformedFileError(message)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream and what it reads."""
        if not self.closed:
            self._source.close()
        super().close()
