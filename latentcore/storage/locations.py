"""Which locations are remote, and what their text means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from latentcore.errors import InputError

_SCHEME = "s3://"
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and the older,
# longer names that Ceph and MinIO still take.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_LONGEST_KEY = 1024
# "scan.h5@scan=2": options for the reader, after the file's name.
_WITH_OPTIONS = re.compile(r"(.+)@([a-z_]+=[^@=,:]+(?:,[a-z_]+=[^@=,:]+)*)", re.DOTALL)


@dataclass(frozen=True, order=True)
class S3Location:
    """An object on S3, or with a key that ends in ``/`` (or is empty) what lies below it."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key, a file name."""
        return self.key.rstrip("/").rsplit("/", 1)[-1]

    def child(self, name: str) -> S3Location:
        """Return the location of `name` below this one."""
        prefix = self.key if not self.key or self.key.endswith("/") else f"{self.key}/"
        return S3Location(self.bucket, prefix + name)


def is_remote(location: str) -> bool:
    """Whether a location is a URL rather than a path."""
    return _OTHER_SCHEME.match(location) is not None


def remote_of(location: str) -> S3Location:
    """Return what a URL names.

    Raises
    ------
    InputError
        If it is no ``s3://bucket/key``.
    """
    if not location.startswith(_SCHEME):
        scheme = location.split("://", 1)[0]
        message = (
            f"{location!r} is a {scheme} URL, which can't be fetched. "
            "Give a path of this machine or s3://bucket/key."
        )
        raise InputError(message)
    bucket, _, key = location.removeprefix(_SCHEME).partition("/")
    # S3 takes any key, but each of its parts may become a file name here.
    plain = all(character.isprintable() for character in key) and "\\" not in key
    if not _BUCKET.fullmatch(bucket) or len(key.encode()) > _LONGEST_KEY or not plain:
        message = f"{location!r} names no object on S3. It must read s3://bucket/key."
        raise InputError(message)
    return S3Location(bucket, key)


def split_options(location: str) -> tuple[str, dict[str, object]]:
    """Split ``FILE`` or ``FILE@KEY=VALUE[,KEY=VALUE…]``: the file, and options for its reader.

    A file that is called so is that file.
    """
    found = _WITH_OPTIONS.fullmatch(location)
    if found is None or _exists(location):
        return location, {}
    parts = (part.partition("=") for part in found[2].split(","))
    return found[1], {key: value.strip() for key, _, value in parts}


def _exists(location: str) -> bool:
    try:
        return Path(location).exists()
    except (OSError, ValueError):  # too long for a path, or with characters that none has
        return False
