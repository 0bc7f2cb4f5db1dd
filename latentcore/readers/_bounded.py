"""A stream that stops before it fills the memory."""

from __future__ import annotations

import io
from typing import IO

from latentcore.errors import MalformedFileError

__all__ = ["BoundedReader"]


class BoundedReader(io.RawIOBase):
    """Reads another stream up to a number of bytes: a zip bomb unpacks no further.

    Parameters
    ----------
    source : binary stream
        Closed together with this.
    most : int
        Bytes that may be read.
    name : str
        The file's name, for the message.
    """

    def __init__(self, source: IO[bytes], most: int, name: str) -> None:
        self._source = source
        self._left = most
        self._most = most
        self._name = name

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
        block = self._source.read(len(buffer))
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
