"""What is built from files to make them fast: folders in the workspace, bounded in bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from latentcore.errors import StorageError
from latentcore.settings import settings

# Of LATENT_CACHE_GB, beside the copies of objects.
_SHARE = 0.2
_UNFINISHED = ".unfinished"


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
    return _root() / kind / digest


def largest_built() -> int:
    """Return how many bytes may be built for one file."""
    return int(settings().cache_gb * 1_000_000_000 * _SHARE)


def begin(folder: Path, size: int) -> Path:
    """Make an empty folder to build in, and room for `size` bytes; `finish` puts it in place.

    Whatever was not used for longest is removed until all fits.

    Raises
    ------
    StorageError
        If it is too large, or the disk too full.
    """
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    others = sorted((one for one in root.glob("*/*") if one.is_dir()), key=_last_use)
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
    work = folder.with_name(f"{folder.name}.{os.getpid()}{_UNFINISHED}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work


def finish(work: Path, folder: Path) -> None:
    """Put what was built into its place, all at once."""
    shutil.rmtree(folder, ignore_errors=True)
    work.replace(folder)


def used(folder: Path) -> None:
    """Note that it was used, so that others go first."""
    with contextlib.suppress(OSError):
        os.utime(folder)


def _root() -> Path:
    return settings().workspace / "cache" / "built"


def _last_use(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    return 0
