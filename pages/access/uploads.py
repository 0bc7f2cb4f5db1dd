"""Uploads: stored once per content in the workspace, up to a share of its disk."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import unicodedata
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from latentcore.artifacts import is_no_room, remove_left, temporary_of
from latentcore.errors import InputError, RequestError
from latentcore.settings import settings
from pages.access import claims, identity, quotas
from pages.access.places import DIGEST, is_plain, resolve, uploads_folder, without_options

MODEL_SUFFIXES = (".safetensors", ".pth", ".pt", ".pt2", ".ts")

_BLOCK = 1 << 20
_LONGEST_NAME = 120
# All uploads together may take as much as this many of the largest allowed file; beyond it the
# oldest go, but none that came within the last day: somebody may be looking at it.
_UPLOADS_KEPT = 50
_UPLOADS_SAFE_SECONDS = 86_400.0


class Upload(Protocol):
    """What `store_upload` needs of Streamlit's uploaded file: a name and its bytes."""

    name: str

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes."""
        ...

    def seek(self, position: int, /) -> int:
        """Go to a position."""
        ...


def store_upload(upload: Upload) -> str:
    """Copy an uploaded file into the workspace and return its place.

    The same content is stored once. The copy appears under its name only when it is complete.
    Raises `InputError` if the file is empty or too large, or the disk, the share for uploads or the
    user's quota is full.
    """
    name = _safe_name(upload.name)
    folder = uploads_folder()
    partial = temporary_of(folder / uuid.uuid4().hex)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_left(folder)
        upload.seek(0)
        with partial.open("wb") as file:
            digest = _copy(upload, file, name)
        size = partial.stat().st_size
        quotas.check_upload(digest, size)
        _make_room(folder, size)
        target = folder / digest
        target.mkdir(exist_ok=True)
        os.utime(target)  # its age counts from the last time that somebody brought it
        _settle(partial, target / name)
        claims.claim("upload", digest)
    except OSError as error:
        message = (
            f"{name!r} can't be kept on the server: {error.strerror or error}. "
            + ("Its disk is full: remove old uploads and runs." if is_no_room(error) else "")
        ).strip()
        raise InputError(message) from error
    finally:
        partial.unlink(missing_ok=True)
    return f"upload:{digest}/{name}"


def delete_upload(place: str) -> None:
    """Remove an uploaded file from the workspace; one that is gone already is no error.

    Where others have brought the same file, it stays for them. Raises `InputError` for a place that
    is no upload, or where the file can't be removed.
    """
    scheme, _, rest = without_options(place).partition(":")
    digest, slash, name = rest.partition("/")
    named = bool(slash) and is_plain(name) and "/" not in name
    if scheme != "upload" or not named or not DIGEST.fullmatch(digest):
        message = f"{place!r} is no uploaded file, so it is not deleted."
        raise InputError(message)
    folder = uploads_folder() / digest
    going = [folder / name, (folder / name).with_suffix(".json")]  # a model's record goes with it
    under_others = folder.is_dir() and not set(folder.iterdir()) <= set(going)
    kept = under_others and claims.is_last("upload", digest)
    if not kept and not claims.give_up("upload", digest):
        return
    try:
        for path in going:
            path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        message = f"{name!r} can't be removed: {error.strerror or error}."
        raise InputError(message) from error


def _safe_name(name: str) -> str:
    """Return a file name that is one plain part of a path, its suffixes kept."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    clean = re.sub(r"[^\w.+\- ()]", "_", last).strip(" .")
    if len(clean) > _LONGEST_NAME:
        stem, suffix = clean[:-20], clean[-20:]
        clean = stem[: _LONGEST_NAME - 21] + "_" + suffix
    # A name is limited in bytes, and one letter may take four of them.
    while len(clean.encode()) > 2 * _LONGEST_NAME:
        clean = clean[1:]
    return clean.lstrip(". ") or "upload"


def _copy(upload: Upload, file: BinaryIO, name: str) -> str:
    """Copy block by block; return the content's digest."""
    limit = settings().max_upload_mb * 1_000_000
    digest = hashlib.blake2b(digest_size=16)
    size = 0
    while block := upload.read(_BLOCK):
        size += len(block)
        if size > limit:
            message = (
                f"{name!r} is larger than {settings().max_upload_mb} MB, the most that may be "
                "uploaded. Put it into a server folder (LATENT_DATA_ROOTS) and open it there."
            )
            raise InputError(message)
        digest.update(block)
        file.write(block)
    if size == 0:
        message = f"{name!r} is empty. Check that the file was written completely."
        raise InputError(message)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _settle(partial: Path, target: Path) -> None:
    """Give a complete copy its name; the same content under another name shares its bytes."""
    twin = next((file for file in target.parent.iterdir() if file.is_file()), None)
    if twin is None:
        partial.replace(target)
    else:
        with suppress(FileExistsError):
            os.link(twin, target)


def _make_room(folder: Path, needed: int) -> None:
    """Remove the oldest uploads where all together would take more than their share.

    Where people sign in, only those that are nobody's else.
    """
    limit = _UPLOADS_KEPT * settings().max_upload_mb * 1_000_000
    kept = sorted(
        (entry.stat().st_mtime, entry) for entry in folder.iterdir() if DIGEST.fullmatch(entry.name)
    )
    sizes = {
        entry: max((file.stat().st_size for file in entry.iterdir()), default=0)
        for _, entry in kept
    }
    total = sum(sizes.values()) + needed
    for changed, entry in kept:
        if total <= limit:
            return
        old = time.time() - changed > _UPLOADS_SAFE_SECONDS
        if old and claims.is_last("upload", entry.name, of_nobody=True):
            shutil.rmtree(entry, ignore_errors=True)
            claims.forget("upload", entry.name)
            total -= sizes[entry]
    if total > limit:
        whose = " and of other people" if identity.way_in() else ""
        message = (
            f"Uploads of the last day{whose} already take {(total - needed) / 1e9:.1f} GB of the "
            f"{limit / 1e9:.1f} GB set aside for all. Try again later, or put the file into a "
            "server folder (LATENT_DATA_ROOTS)."
        )
        raise InputError(message)


def store_model(files: Sequence[Upload]) -> str:
    """Store one uploaded file of weights, with its ``model.json`` if there; return its place.

    Raises `RequestError` if there is not exactly one file of weights, or a record without weights.
    """
    weights = [file for file in files if file.name.lower().endswith(MODEL_SUFFIXES)]
    records = [file for file in files if file.name.lower().endswith(".json")]
    if len(weights) != 1 or len(records) > 1:
        names = ", ".join(repr(file.name) for file in files) or "nothing"
        message = (
            f"{names} was given, but a model is one file of weights ({', '.join(MODEL_SUFFIXES)}), "
            "with the model.json beside it where there is one. Upload these together."
        )
        raise RequestError(message)
    place = store_upload(weights[0])
    return _together(place, store_upload(records[0])) if records else place


def _together(weights: str, record: str) -> str:
    """Put weights and record side by side under one digest, as the loader looks for them."""
    model, written = resolve(weights), resolve(record)
    pair = f"{model.parent.name} {written.parent.name}".encode()
    # No upload's digest is that of a pair, whatever is in it.
    digest = hashlib.blake2b(pair, digest_size=16, person=b"pair").hexdigest()
    folder = uploads_folder() / digest
    folder.mkdir(exist_ok=True)
    claims.claim("upload", digest)
    target = folder / model.name
    for source, link in ((model, target), (written, target.with_suffix(".json"))):
        with suppress(FileExistsError):
            os.link(source, link)
    return f"upload:{digest}/{target.name}"
