"""Checksums as S3 counts them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


def file_digest(path: Path, algorithm: Callable[..., Any]) -> str:
    """Return a file's digest as hexadecimal text."""
    digest = algorithm(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return str(digest.hexdigest())


def composite_md5(path: Path, part_size: int) -> str:
    """Return the ETag of a file that was uploaded in parts.

    It is the MD5 of the parts' MD5s, a dash, and their number; AWS documents it as an
    implementation detail, and Ceph and MinIO do the same.
    """
    digests = []
    with path.open("rb") as file:
        while part := file.read(part_size):
            digests.append(hashlib.md5(part, usedforsecurity=False).digest())
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(digests)}"
