"""Places: the files that a session may read, as text that may stand in a URL.

=================  =======================================================================
``demo:NAME``      a file of the demo scan
``upload:ID/NAME`` an uploaded file; ID is a digest of its content, so nobody can guess it
``folder:ROOT/…``  a file or folder below one of the configured server folders
``model:PATH``     a model in the folder that the operator has configured
``run:RUN/FILE``   an artifact of a run
``s3:BUCKET/KEY``  an object in one of the buckets that the operator offers
=================  =======================================================================

Pages speak of places, verbs of locations. A path of the server appears in no URL and is never taken
from one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
import unicodedata
import uuid
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from latentcore.errors import InputError
from latentcore.settings import settings
from latentcore.storage import is_remote
from latentcore.version import __version__
from pages.access import remote_places

__all__ = [
    "DEMO_SEED",
    "Entry",
    "Listing",
    "Upload",
    "check",
    "demo_folder",
    "jobs_folder",
    "label",
    "list_folder",
    "location",
    "place_of",
    "resolve",
    "roots",
    "runs_folder",
    "store_upload",
    "uploads_folder",
]

DEMO_SEED = 0

_BLOCK = 1 << 20
_LONGEST_PLACE = 1024
_LONGEST_NAME = 120
_MOST_ENTRIES = 500
# All uploads together may take as much as this many of the largest allowed file; beyond it the
# oldest go, but none that came within the last day: somebody may be looking at it.
_UPLOADS_KEPT = 50
_UPLOADS_SAFE_SECONDS = 86_400.0
_DIGEST = re.compile(r"[0-9a-f]{32}")
_HOW = (
    "A place is 'demo:NAME', 'upload:ID/NAME', 'folder:ROOT/PATH', 'run:RUN/FILE' or "
    "'s3:BUCKET/KEY'. "
    "Open the file on the Data page."
)


class Upload(Protocol):
    """What `store_upload` needs of Streamlit's uploaded file: a name and its bytes."""

    name: str

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes."""
        ...

    def seek(self, position: int, /) -> int:
        """Go to a position."""
        ...


@dataclass(frozen=True)
class Entry:
    """One line of a folder's listing.

    Attributes
    ----------
    size : int
        In bytes; 0 for a folder.
    """

    name: str
    place: str
    is_folder: bool
    size: int


@dataclass(frozen=True)
class Listing:
    """What a server folder holds, folders first.

    Attributes
    ----------
    left_out : int
        How many more there are than are listed.
    """

    entries: tuple[Entry, ...]
    left_out: int


def demo_folder() -> Path:
    """Return where this version's demo scan lives; a new version makes its own."""
    return settings().workspace / "demo" / f"{__version__}-seed{DEMO_SEED}"


def uploads_folder() -> Path:
    """Return where uploaded files live."""
    return settings().workspace / "uploads"


def runs_folder() -> Path:
    """Return where run folders live."""
    return settings().workspace / "runs"


def jobs_folder() -> Path:
    """Return where the records of jobs live."""
    return settings().workspace / "jobs"


def roots() -> dict[str, Path]:
    """Return the configured server folders by name; two of one name get a number."""
    named: dict[str, Path] = {}
    for root in settings().data_roots:
        base = root.name or "root"
        name, number = base, 2
        while name in named:
            name, number = f"{base}-{number}", number + 1
        named[name] = root
    return named


def location(place: str) -> str:
    """Return what a request calls a place: a path, or ``s3://bucket/key`` for an object.

    A run's record then names the object, and not this server's copy of it; errors as `resolve`.
    """
    if remote_places.is_object(place):
        return str(remote_places.object_at(place))
    return str(resolve(place))


def check(place: str) -> None:
    """Refuse a place where nothing can be read; an object on S3 need not be fetched yet.

    Raises
    ------
    InputError
        As `resolve`.
    """
    if remote_places.is_object(place):
        remote_places.present_version(place)
    else:
        resolve(place)


def resolve(place: str) -> Path:
    """Return the path of a place; of an object on S3 that of the local copy.

    Parameters
    ----------
    place : str
        Comes from a URL: anything may stand in it.

    Raises
    ------
    InputError
        If it is no place, lies outside what may be read (also through symbolic links), or
        nothing is there any more, or an object on S3 is yet to be fetched.
    """
    if remote_places.is_object(place):
        return remote_places.local_copy(place)
    root, parts = _split(place)
    try:
        base = root.resolve()
        path = base.joinpath(*parts).resolve()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a loop of links
        raise InputError(_refused(place)) from error
    if not path.is_relative_to(base):
        raise InputError(_refused(place))
    if not exists:
        message = (
            f"There is nothing at {place!r} any more: it was moved or removed. "
            "Open the file again on the Data page."
        )
        raise InputError(message)
    return path


def place_of(path: str | Path) -> str:
    """Return the place of a file or object that may be read; the inverse of `location`.

    Raises
    ------
    InputError
        If the file lies outside of everything that may be read.
    """
    if is_remote(str(path)):
        return remote_places.place_of_object(str(path))
    real = Path(path).resolve()
    for prefix, root in _prefixes():
        base = root.resolve()
        if real.is_relative_to(base):
            inside = real.relative_to(base).as_posix()
            return prefix.rstrip("/") if inside == "." else prefix + inside
    message = (
        f"{real.name!r} lies outside of what this server may show: the demo scan, the uploads, "
        "the runs and the folders in LATENT_DATA_ROOTS."
    )
    raise InputError(message)


def label(place: str) -> str:
    """Return what a place is called on the screen."""
    scheme, _, rest = place.partition(":")
    name = rest.rsplit("/", 1)[-1] or place
    match scheme:
        case "run":
            return f"{name} · {rest.split('/', 1)[0]}"
        case "folder" | "s3" if "/" in rest:
            return f"{name} · {rest.rsplit('/', 1)[0]}"
    return name


def store_upload(upload: Upload) -> str:
    """Copy an uploaded file into the workspace and return its place.

    The same content is stored once. The copy appears under its name only when it is complete.

    Raises
    ------
    InputError
        If it is empty or too large, or the disk or the share for uploads is full.
    """
    name = _safe_name(upload.name)
    folder = uploads_folder()
    partial = folder / f".{uuid.uuid4().hex}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        upload.seek(0)
        with partial.open("wb") as file:
            digest = _copy(upload, file, name)
        _make_room(folder, partial.stat().st_size)
        target = folder / digest
        target.mkdir(exist_ok=True)
        os.utime(target)  # its age counts from the last time that somebody brought it
        _settle(partial, target / name)
    except OSError as error:
        message = (
            f"{name!r} can't be kept on the server: {error.strerror or error}. "
            + ("Its disk is full: remove old uploads and runs." if _is_full(error) else "")
        ).strip()
        raise InputError(message) from error
    finally:
        partial.unlink(missing_ok=True)
    return f"upload:{digest}/{name}"


def list_folder(place: str) -> Listing:
    """List a server folder, at most 500 entries, hidden ones and ways out left away.

    Parameters
    ----------
    place : str
        ``folder:ROOT`` or a folder below it.

    Raises
    ------
    InputError
        If it is no folder that may be read.
    """
    path = resolve(place)
    if not place.startswith("folder:") or not path.is_dir():
        message = f"{place!r} is no server folder. There are: {', '.join(roots()) or 'none'}."
        raise InputError(message)
    base = _split(place)[0].resolve()
    try:
        found = list(islice(path.iterdir(), 20 * _MOST_ENTRIES))
    except OSError as error:
        message = f"The folder {place!r} can't be read: {error.strerror}."
        raise InputError(message) from error
    visible = sorted(
        (entry for entry in found if _may_show(entry, base)),
        key=lambda entry: (not entry.is_dir(), entry.name.lower()),
    )
    entries = tuple(
        Entry(
            name=entry.name,
            place=f"{place}/{entry.name}",
            is_folder=entry.is_dir(),
            size=0 if entry.is_dir() else entry.stat().st_size,
        )
        for entry in visible[:_MOST_ENTRIES]
    )
    return Listing(entries, len(visible) - len(entries))


def _prefixes() -> list[tuple[str, Path]]:
    return [
        ("demo:", demo_folder()),
        ("upload:", uploads_folder()),
        ("run:", runs_folder()),
        *([("model:", models)] if (models := settings().model_folder) is not None else []),
        *((f"folder:{name}/", root) for name, root in roots().items()),
    ]


def _split(place: str) -> tuple[Path, list[str]]:
    """Return the folder that a place must stay in, and the way from there."""
    scheme, colon, rest = place.partition(":")
    parts = rest.split("/")
    if not colon or len(place) > _LONGEST_PLACE or not all(_is_plain(part) for part in parts):
        raise InputError(_refused(place))
    match scheme, parts:
        case "demo", [_]:
            return demo_folder(), parts
        case "upload", [digest, _] if _DIGEST.fullmatch(digest):
            return uploads_folder(), parts
        case "run", [_, _, *_]:
            return runs_folder(), parts
        case "model", [_, *_] if (models := settings().model_folder) is not None:
            return models, parts
        case "folder", [name, *inside]:
            if name in roots():
                return roots()[name], inside
            known = ", ".join(roots()) or "none: set LATENT_DATA_ROOTS"
            message = f"{place!r} names no folder of this server. There are: {known}."
            raise InputError(message)
    raise InputError(_refused(place))


def _is_plain(part: str) -> bool:
    """Tell whether a part of a path goes down by one name, and hides nothing."""
    return (
        bool(part)
        and not part.startswith(".")  # '..', '.', and hidden files such as unfinished runs
        and "\\" not in part
        and all(character.isprintable() for character in part)
    )


def _refused(place: str) -> str:
    shown = place if len(place) <= 80 else f"{place[:80]}…"
    return f"{shown!r} is no place that this server may read.\n{_HOW}"


def _may_show(entry: Path, base: Path) -> bool:
    try:
        return _is_plain(entry.name) and entry.resolve(strict=True).is_relative_to(base)
    except OSError:
        return False


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
    """Remove the oldest uploads where all together would take more than their share."""
    limit = _UPLOADS_KEPT * settings().max_upload_mb * 1_000_000
    kept = sorted(
        (entry.stat().st_mtime, entry)
        for entry in folder.iterdir()
        if _DIGEST.fullmatch(entry.name)
    )
    sizes = {
        entry: max((file.stat().st_size for file in entry.iterdir()), default=0)
        for _, entry in kept
    }
    total = sum(sizes.values()) + needed
    for changed, entry in kept:
        if total <= limit:
            return
        if time.time() - changed > _UPLOADS_SAFE_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
            total -= sizes[entry]
    if total > limit:
        message = (
            f"Uploads of the last day already take {(total - needed) / 1e9:.1f} GB of the "
            f"{limit / 1e9:.1f} GB set aside for them. Try again later, or put the file into a "
            "server folder (LATENT_DATA_ROOTS)."
        )
        raise InputError(message)


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
