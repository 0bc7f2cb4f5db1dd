"""Local copies of objects on S3, one folder per version, bounded in bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from latentcore.errors import StorageError
from latentcore.locks import file_lock
from latentcore.settings import settings
from latentcore.storage.locations import S3Location
from latentcore.storage.objects import ObjectVersion

GIGABYTE = 1_000_000_000
_RECORD = ".location"


def cache_folder() -> Path:
    """Return where the copies live."""
    return settings().workspace / "cache" / "s3"


def copy_of(version: ObjectVersion) -> Path:
    """Return the path of a version's copy, whether or not it is there.

    It keeps the object's name, because readers and run folders go by it.
    """
    parts = (settings().s3_endpoint or "", str(version.location), version.etag, str(version.size))
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
    return cache_folder() / digest / version.location.name


def forget(location: S3Location) -> None:
    """Remove the copies of an object, whatever their versions."""
    for record in cache_folder().glob(f"*/{_RECORD}"):
        if record.is_file() and record.read_bytes() == str(location).encode():
            shutil.rmtree(record.parent, ignore_errors=True)


def note(version: ObjectVersion) -> None:
    """Make a version's folder, and write down beside the copy whose it is."""
    folder = copy_of(version).parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RECORD).write_text(str(version.location), encoding="utf-8")


@contextlib.contextmanager
def locked(copy: Path) -> Iterator[None]:
    """Keep other threads and processes from fetching the same version meanwhile."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with file_lock(cache_folder() / f"{copy.parent.name}.lock"):
        yield


def make_room(version: ObjectVersion) -> None:
    """Remove the copies that were unused for longest, until a version fits beside the others.

    Raises
    ------
    StorageError
        If it is larger than the whole cache, or the disk is too full.
    """
    limit = settings().cache_gb * GIGABYTE
    if version.size > limit:
        message = (
            f"{version.location} has {version.size / 1e9:.1f} GB, but the cache may hold "
            f"{settings().cache_gb} GB. The operator raises LATENT_CACHE_GB."
        )
        raise StorageError(message)
    own = copy_of(version).parent
    others = sorted(
        (entry.stat().st_mtime, entry)
        for entry in cache_folder().iterdir()
        if entry.is_dir() and entry != own
    )
    sizes = {entry: _size(entry) for _, entry in others}
    total = sum(sizes.values()) + version.size
    missing = version.size - _size(own)
    for _, entry in others:
        if total <= limit and shutil.disk_usage(cache_folder()).free > missing:
            return
        shutil.rmtree(entry, ignore_errors=True)
        total -= sizes[entry]
    free = shutil.disk_usage(cache_folder()).free
    if free <= missing:
        message = (
            f"{version.location} needs {missing / 1e9:.2f} GB, but the workspace's disk has "
            f"{free / 1e9:.2f} GB free. Remove old runs, or move LATENT_WORKSPACE."
        )
        raise StorageError(message)


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError):  # another process makes room too
        for entry in os.scandir(folder):
            total += entry.stat().st_size
    return total
