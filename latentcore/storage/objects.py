"""What there is on S3: buckets, pages of keys, and one object's version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from latentcore.errors import StorageError
from latentcore.settings import settings
from latentcore.storage.locations import S3Location
from latentcore.storage.s3 import client, in_plain_words

_PAGE = 200
_NEARBY = 8


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object: what identifies its content.

    Attributes
    ----------
    location : S3Location
    etag : str
        Without quotes.
    size : int
        In bytes.
    sha256 : str
        Hexadecimal, where whoever uploaded it noted it down; else empty.
    encrypted : bool
        By a key service: then the ETag says nothing about the content.
    note : str
        What whoever uploaded it noted down beside it; else empty.
    """

    location: S3Location
    etag: str
    size: int
    sha256: str = ""
    encrypted: bool = False
    note: str = ""


@dataclass(frozen=True)
class ObjectEntry:
    """One line of a listing.

    Attributes
    ----------
    location : S3Location
    is_prefix : bool
        Whether it is like a folder: more lies below it.
    size : int
        In bytes; 0 for a prefix.
    """

    location: S3Location
    is_prefix: bool
    size: int = 0
    modified: datetime | None = None


@dataclass(frozen=True)
class ObjectPage:
    """One page of a listing.

    Attributes
    ----------
    entries : tuple of ObjectEntry
        Prefixes first.
    more : str
        Hand it to `list_page` for the next page; empty on the last one.
    """

    entries: tuple[ObjectEntry, ...]
    more: str


def buckets() -> tuple[str, ...]:
    """Return the buckets that the settings name, else all that the credentials show.

    Raises
    ------
    StorageError
        If the service can't be asked.
    """
    named = settings().s3_buckets
    if named:
        return named
    with in_plain_words():
        found = client().list_buckets()
    return tuple(sorted(entry["Name"] for entry in found.get("Buckets", ())))


def list_page(
    below: S3Location, *, start: str = "", more: str = "", limit: int = _PAGE
) -> ObjectPage:
    """List what lies directly below a prefix.

    Parameters
    ----------
    below : S3Location
        Its key is empty or ends in ``/``.
    start : str
        Only names that begin so; the service filters, so it is quick in large buckets.
    more : str
        From the page before.
    limit : int
        Entries per page.

    Raises
    ------
    StorageError
        If there is no such bucket, or it may not be listed.
    """
    asked: dict[str, Any] = {
        "Bucket": below.bucket,
        "Prefix": below.key + start,
        "Delimiter": "/",
        "MaxKeys": limit,
    }
    if more:
        asked["ContinuationToken"] = more
    with in_plain_words(below):
        found = client().list_objects_v2(**asked)
    prefixes = [
        ObjectEntry(S3Location(below.bucket, entry["Prefix"]), is_prefix=True)
        for entry in found.get("CommonPrefixes", ())
    ]
    objects = [
        ObjectEntry(
            S3Location(below.bucket, entry["Key"]), False, entry["Size"], entry["LastModified"]
        )
        for entry in found.get("Contents", ())
        if entry["Key"] != below.key  # the empty object by which some tools mark a folder
    ]
    return ObjectPage((*prefixes, *objects), found.get("NextContinuationToken", ""))


def version_of(location: S3Location) -> ObjectVersion:
    """Return an object's present version.

    Raises
    ------
    StorageError
        If there is no such object or bucket, or it may not be read.
    """
    with in_plain_words(location):
        return ask_version(location)


def ask_version(location: S3Location) -> ObjectVersion:
    """Do the same as `version_of`, but let boto3's errors through to who tries again."""
    from botocore.exceptions import ClientError

    if not location.key or location.key.endswith("/"):
        message = (
            f"{location} names no object. Give s3://bucket/key of one file.{_packing(location)}"
        )
        raise StorageError(message)
    try:
        found = client().head_object(Bucket=location.bucket, Key=location.key)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            raise _missing(location) from error
        if status == 403:
            # An answer to HEAD has no body with the reason; the answer to the same GET has.
            client().get_object(Bucket=location.bucket, Key=location.key, Range="bytes=0-0")
        raise
    return ObjectVersion(
        location,
        etag=found["ETag"].strip('"'),
        size=found["ContentLength"],
        sha256=found.get("Metadata", {}).get("sha256", ""),
        encrypted=found.get("ServerSideEncryption", "") not in ("", "AES256"),
        note=found.get("Metadata", {}).get("note", ""),
    )


def _missing(location: S3Location) -> StorageError:
    """Describe what is missing, bucket or object, and what lies near it."""
    folder, _, _ = location.key.rpartition("/")
    below = S3Location(location.bucket, f"{folder}/" if folder else "")
    near = list_page(below, limit=_NEARBY).entries  # raises where there is no bucket
    names = ", ".join(entry.location.name + "/" * entry.is_prefix for entry in near)
    return StorageError(
        f"There is no object at {location}. {below} holds: {names or 'nothing'}. Check the key; "
        f"it may have been moved or deleted.{_packing(location)}"
    )


def _packing(location: S3Location) -> str:
    is_store = location.key.rstrip("/").endswith(".zspy")
    return " A '.zspy' folder is many objects: store it as one zip." if is_store else ""
