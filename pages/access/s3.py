"""Objects on S3 as places, ``s3:BUCKET/KEY``: only those in buckets that the operator offers."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import streamlit as st

from latentcore.errors import InputError, StorageError
from latentcore.settings import settings
from latentcore.storage import S3Location, remote_of
from latentcore.storage.cache import copy_of
from latentcore.storage.objects import ObjectVersion, version_of
from pages.access import identity

SCHEME = "s3:"
# A page asks many times in one run; the service is asked once in a while.
_LOOK_AGAIN_S = 10.0
_LONGEST_NAME = 255
_LONGEST_SHOWN = 80


def is_object(place: str) -> bool:
    """Tell whether a place means an object on S3."""
    return place.startswith(SCHEME)


def offered() -> tuple[str, ...]:
    """Return the configured buckets that are open to the present user."""
    found = settings()
    return tuple(name for name in found.s3_buckets if identity.is_open(found.bucket_groups, name))


def object_at(place: str) -> S3Location:
    """Return the object that a place means; the place may come from a URL.

    Raises `InputError` if it names no object, or one in a bucket that isn't offered.
    """
    try:
        found = remote_of(f"s3://{place.removeprefix(SCHEME)}")
    except InputError as error:
        raise InputError(_refused(place)) from error
    if found.bucket not in offered():
        message = (
            f"{_shown(place)} lies in no bucket that this server offers. "
            f"There are: {', '.join(offered()) or 'none: set LATENT_S3_BUCKETS'}."
        )
        raise InputError(message)
    # Its last part becomes the name of the copy, and a colon would part it from a map's columns.
    name = found.key.rsplit("/", 1)[-1]
    if not name or name.startswith(".") or len(name.encode()) > _LONGEST_NAME or ":" in found.key:
        raise InputError(_refused(place))
    return found


def place_of_object(location: str) -> str:
    """Return the place of ``s3://bucket/key``; the inverse of `object_at`, with its errors."""
    place = SCHEME + location.removeprefix("s3://")
    object_at(place)
    return place


def present_version(place: str) -> ObjectVersion:
    """Return an object's version as it was some seconds ago at most.

    Raises `InputError` if it may not be read, or is gone.
    """
    found = _asked(object_at(place), settings().s3_endpoint)
    if isinstance(found, StorageError):
        raise found
    return found


def look_again() -> None:
    """Forget the versions: what was just fetched may be newer."""
    _asked.clear()


def cached_copy(place: str) -> Path | None:
    """Return the local copy of the present version, None where it must be fetched first."""
    copy = copy_of(present_version(place))
    if not copy.is_file():
        return None
    with suppress(OSError):
        os.utime(copy.parent)  # a full cache removes what was unused for longest
    return copy


def local_copy(place: str) -> Path:
    """Return the local copy of the present version; raise `InputError` where there is none.

    Nothing is downloaded here, where nobody would see how far it is: see `pages.scan.fetching`.
    """
    copy = cached_copy(place)
    if copy is None:
        message = (
            f"{_shown(place)} is not on this server: it was replaced on S3, or a full cache let go "
            "of it. Bring it into view, or open it again on the Data page, and it is downloaded."
        )
        raise InputError(message)
    return copy


@st.cache_data(max_entries=512, ttl=_LOOK_AGAIN_S, show_spinner=False)
def _asked(location: S3Location, endpoint: str | None) -> ObjectVersion | StorageError:
    """Ask for a version; a failure is remembered too, as a silent service takes a long time."""
    del endpoint  # part of the key
    try:
        return version_of(location)
    except StorageError as error:
        return StorageError(*error.args)


def _refused(place: str) -> str:
    return (
        f"{_shown(place)} names no object that this server can open.\n"
        "A place on S3 is 's3:BUCKET/KEY' of one file, without ':' in its key, and its name "
        "doesn't begin with a dot. Open it on the Data page."
    )


def _shown(place: str) -> str:
    cut = place if len(place) <= _LONGEST_SHOWN else f"{place[:_LONGEST_SHOWN]}…"
    return repr(cut)
