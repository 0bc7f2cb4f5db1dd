"""What is built from files to make them fast: folders in the workspace, bounded in bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from latentcore.errors import StorageError
from latentcore.settings import settings

# Of LATENT_CACHE_GB, beside the copies of objects.
_SHARE = 0.2
_UNFINISHED = ".unfinished"
_GIVEN_UP_AFTER_S = 86_400


def built_folder(kind: str, about: str) -> Path:
    """Return where what was built lives, whether or not it is there; no one else writes there.

    Parameters
    ----------
    kind : str
        What it is.
    about : str
        Changes when what it is built from does.
    """
    digest = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
    return built_root() / kind / digest


def largest_built() -> int:
    """Return how many bytes may be built for one file."""
    return int(settings().cache_gb * 1_000_000_000 * _SHARE)


@contextlib.contextmanager
def building(folder: Path, size: int) -> Iterator[Path]:
    """Give an empty folder to build in, which takes its place all at once, or leaves nothing.

    There is room for `size` bytes in it: what was not used for longest is removed until all fits.

    Raises
    ------
    StorageError
        If it is too large, or the disk too full.
    """
    _make_room(size)
    work = folder.with_name(f"{folder.name}.{os.getpid()}{_UNFINISHED}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
        shutil.rmtree(folder, ignore_errors=True)
        work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def used(folder: Path) -> None:
    """Note that it was used, so that others go first."""
    with contextlib.suppress(OSError):
        os.utime(folder)


def built_root() -> Path:
    """Return where all of it lives."""
    return settings().workspace / "cache" / "built"


def _make_room(size: int) -> None:
    root = built_root()
    root.mkdir(parents=True, exist_ok=True)
    others = sorted(filter(_removable, root.glob("*/*")), key=_last_use)
    total = size + sum(map(_size, others))
    for other in others:
        if total <= largest_built() and shutil.disk_usage(root).free > size:
            break
        total -= _size(other)
        shutil.rmtree(other, ignore_errors=True)
    if size > largest_built() or shutil.disk_usage(root).free <= size:
        message = (
            f"Building it takes {size / 1e9:.2f} GB of the workspace's disk, which has "
            f"{shutil.disk_usage(root).free / 1e9:.2f} GB free; at most "
            f"{largest_built() / 1e9:.1f} GB may be used, a fifth of LATENT_CACHE_GB. Remove old "
            "runs, move LATENT_WORKSPACE, or raise LATENT_CACHE_GB."
        )
        raise StorageError(message)


def _removable(folder: Path) -> bool:
    """Tell whether nobody is building in it: what is unfinished after a day was given up."""
    recent = time.time() - _last_use(folder) < _GIVEN_UP_AFTER_S
    return folder.is_dir() and not (recent and folder.name.endswith(_UNFINISHED))


def _last_use(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    return 0
