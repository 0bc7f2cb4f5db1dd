"""Fetch an object into the cache: resumed when cut off, checked when complete."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

from latentcore.errors import StorageError
from latentcore.progress import Progress
from latentcore.storage.cache import copy_of, locked, make_room, note
from latentcore.storage.checksums import composite_md5, file_digest
from latentcore.storage.companions import all_belonging, companion_starts
from latentcore.storage.locations import S3Location
from latentcore.storage.objects import ObjectVersion, ask_version, list_page
from latentcore.storage.s3 import Patience, client, in_plain_words, persistently

_BLOCK = 1 << 20
_MOST_CHANGES = 3


def fetch(location: S3Location, progress: Progress | None = None) -> Path:
    """Return the local copy of an object's present version, downloading it where needed.

    The objects below the same prefix that belong to it by their names, such as the maps of a file
    of patterns, are fetched too, and lie beside the copy.

    Parameters
    ----------
    location : S3Location
    progress : Progress, optional
        Counts the bytes; a cancelled download goes on from there next time.

    Returns
    -------
    Path
        The complete copy. It stays readable as long as it is open, but a full cache may remove
        it later.

    Raises
    ------
    StorageError
        If the object can't be read, doesn't fit into the cache, keeps changing, or doesn't arrive
        as it was stored.
    """
    progress = progress or Progress()
    copy = _fetch(location, progress)
    beside = _companions_of(location)
    if beside is not None:
        _put_beside(copy, [_fetch(other, progress) for other in beside])
    return copy


def _companions_of(location: S3Location) -> list[S3Location] | None:
    """Return the objects that belong to one; None where there can be none, or nobody may look."""
    starts = companion_starts(location.name)
    if not starts:
        return None
    folder = S3Location(location.bucket, location.key.removesuffix(location.name))
    try:
        pages = [list_page(folder, start=start) for start in starts]
    except StorageError:
        return None
    found = {entry.location.name: entry.location for page in pages for entry in page.entries}
    return [found[name] for name in all_belonging(location.name, found)]


def _put_beside(copy: Path, others: list[Path]) -> None:
    """Link companions into the folder of a copy, and remove those that are none any more."""
    names = {other.name for other in others}
    for entry in copy.parent.iterdir():
        if not entry.name.startswith(".") and entry != copy and entry.name not in names:
            entry.unlink(missing_ok=True)
    for other in others:
        link = copy.parent / other.name
        if not link.exists() or not link.samefile(other):
            fresh = copy.parent / f".{uuid.uuid4().hex}"
            os.link(other, fresh)
            fresh.replace(link)


def _fetch(location: S3Location, progress: Progress) -> Path:
    """Return the local copy of one object; the rest is said at `fetch`."""
    for _ in range(_MOST_CHANGES):
        with in_plain_words(location):
            version = persistently(lambda: ask_version(location), progress)
        copy = copy_of(version)
        with locked(copy):
            if copy.is_file():
                os.utime(copy.parent)  # used just now
                return copy
            make_room(version)
            if _arrives(version, copy, progress):
                return copy
    message = f"{location} changed {_MOST_CHANGES} times while it was read. Try again later."
    raise StorageError(message)


def _arrives(version: ObjectVersion, copy: Path, progress: Progress) -> bool:
    """Download a version; False if the object is another one by now."""
    from botocore.exceptions import ClientError

    note(version)
    partial = copy.parent / ".partial"
    patience = Patience(progress)
    with in_plain_words(version.location):
        while (have := _have(partial)) < version.size or not partial.exists():
            try:
                _append(version, partial, have, progress)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 412:
                    partial.unlink(missing_ok=True)
                    return False
                patience.pause(error)
            except Exception as error:  # noqa: BLE001 - `pause` raises what isn't transient
                if _have(partial) > have:
                    patience.succeeded()
                patience.pause(error)
    _check(version, partial)
    partial.replace(copy)
    return True


def _have(partial: Path) -> int:
    return partial.stat().st_size if partial.exists() else 0


def _append(version: ObjectVersion, partial: Path, have: int, progress: Progress) -> None:
    """Fetch what is missing of a version, block by block."""
    asked: dict[str, Any] = {"Bucket": version.location.bucket, "Key": version.location.key}
    if have:
        asked["Range"] = f"bytes={have}-"
    what = f"downloading {version.location.name}"
    answer = client().get_object(IfMatch=f'"{version.etag}"', **asked)
    with partial.open("ab") as file, answer["Body"] as body:
        while block := body.read(_BLOCK):
            file.write(block)
            have += len(block)
            progress.step(have, version.size, what)
        file.flush()
        os.fsync(file.fileno())


def _check(version: ObjectVersion, partial: Path) -> None:
    """Compare what arrived with what the service says of it."""
    size = partial.stat().st_size
    wrong = "" if size == version.size else f"{size:,} bytes instead of {version.size:,}"
    if not wrong and version.sha256 and file_digest(partial, hashlib.sha256) != version.sha256:
        wrong = "another SHA-256"
    elif not wrong and not version.sha256 and not version.encrypted:
        wrong = _differs_from_etag(version, partial)
    if wrong:
        partial.unlink(missing_ok=True)
        message = (
            f"{version.location} arrived with {wrong}, so the copy was thrown away. Try again; if "
            "it happens again, ask whoever stored the object to upload it anew."
        )
        raise StorageError(message)


def _differs_from_etag(version: ObjectVersion, partial: Path) -> str:
    """Compare with the ETag: the MD5, or for an object that came in parts the MD5 of theirs."""
    from botocore.exceptions import BotoCoreError, ClientError

    digest, _, parts = version.etag.partition("-")
    if not parts:
        return "" if file_digest(partial, hashlib.md5) == digest else "another MD5"
    try:
        first = client().head_object(
            Bucket=version.location.bucket, Key=version.location.key, PartNumber=1
        )
    except (ClientError, BotoCoreError):
        return ""  # a service that can't say how large the parts were: the length is all we have
    if first["ContentLength"] == version.size and parts != "1":
        return ""
    if composite_md5(partial, first["ContentLength"]) == version.etag:
        return ""
    return "other MD5s of its parts"
