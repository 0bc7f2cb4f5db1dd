"""A remote file that costs no more than a bound, in the form that HDF5 wants."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from latentcore.errors import InputError, StorageError
from latentcore.storage.remote_file import RemoteFile

__all__ = ["MEGABYTE", "BoundedStream"]

MEGABYTE = 1 << 20


class BoundedStream(io.RawIOBase):
    """A remote file that fetches no more than a bound, and fills buffers as HDF5 wants them.

    Why a read failed is kept, because HDF5 makes an error of its own of it.

    Parameters
    ----------
    most : int
        Bytes, give or take a block; may be lowered later.
    """

    def __init__(self, remote: RemoteFile, most: int) -> None:
        super().__init__()
        self.most = most
        self._remote = remote
        self._failure: InputError | None = None

    def __repr__(self) -> str:
        return self._remote.version.location.name  # what h5py calls the file in messages

    @property
    def fetched(self) -> int:
        """Bytes that were fetched so far."""
        return self._remote.bytes_read

    @contextmanager
    def told_first(self) -> Iterator[None]:
        """Raise, instead of what HDF5 made of it, why a read failed."""
        try:
            yield
        except Exception as error:
            if self._failure is None or error is self._failure:
                raise
            failure, self._failure = self._failure, None
            raise failure from error

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._remote.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as in any file."""
        return self._remote.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as a whole, unless the file ends before; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        filled = 0
        try:
            while filled < len(view):
                self._refuse_more()
                got = self._remote.readinto(view[filled:])
                if not got:
                    break
                filled += got
        except InputError as error:
            self._failure = error
            raise
        return filled

    def _refuse_more(self) -> None:
        if self._remote.bytes_read >= self.most:
            message = (
                f"A look into {self._remote.version.location} would fetch more than "
                f"{self._remote.bytes_read / MEGABYTE:.0f} MiB: what describes its content lies "
                "scattered over the file. Open it: then it is downloaded as a whole."
            )
            raise StorageError(message)
