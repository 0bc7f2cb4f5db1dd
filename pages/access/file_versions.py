"""Text that changes when a file, or any file in a folder, does: the caches' keys."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import streamlit as st

from latentcore.storage.companions import companions

# A page asks many times in one run; a folder of many files is looked through once in a while.
_LOOK_AGAIN_S = 5.0


def file_version(path: Path) -> str:
    """Return text that changes with a file's size or time, or with those of a folder's files.

    A file that is read together with others, such as patterns with their maps, changes with them.
    """
    if path.is_dir():
        return _folder_version(str(path))
    return "|".join(_version(one) for one in (path, *companions(path)))


def _version(path: Path) -> str:
    state = path.stat()
    return f"{path}|{state.st_size}|{state.st_mtime_ns}|{state.st_ino}"


@st.cache_data(max_entries=64, ttl=_LOOK_AGAIN_S, show_spinner=False)
def _folder_version(path: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    # Hidden files as well: a zarr store keeps its axes in such.
    for file in sorted(Path(where, name) for where, _, names in os.walk(path) for name in names):
        with suppress(OSError):  # removed in this moment
            state = file.stat()
            digest.update(f"{file}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return f"{path}|{digest.hexdigest()}"
