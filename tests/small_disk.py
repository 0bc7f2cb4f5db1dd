"""A disk that is really full, or really read-only: a file system of a few megabytes in memory.

Where this process may not mount one, such tests are skipped, and say so.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_BLOCK = 1 << 16


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system; what fills it lies beside what uses it."""

    path: Path

    def fill(self) -> None:
        """Take all the room that there is."""
        with (self.path / "filler").open("ab", buffering=0) as file:
            for size in (_BLOCK, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def make_room(self) -> None:
        """Give back what was taken."""
        (self.path / "filler").unlink()

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write, for a while."""
        # Over itself: files that are open for writing keep the first mount as it is.
        _run("mount", "--bind", str(self.path), str(self.path))
        try:
            _run("mount", "-o", "remount,bind,ro", str(self.path))
            yield
        finally:
            _run("umount", "--lazy", str(self.path))


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of that size at a folder, which is made, until the block ends."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: what a killed worker still holds open must not keep the folder.
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
