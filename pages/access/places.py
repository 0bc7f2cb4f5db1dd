"""Places: the files that a session may read, as text that may stand in a URL.

=================  =======================================================================
``demo:NAME``      a file of the demo scan
``upload:ID/NAME`` an uploaded file; ID is a digest of its content, so nobody can guess it
``folder:ROOT/…``  a file or folder below one of the configured server folders
``opened:NAME``    a file that the server was started with; of a folder also what is in it
``model:PATH``     a model in the folder that the operator has configured
``run:RUN/FILE``   an artifact of a run
``pair:ID/NAME``   files that were opened together: links to them in one folder of the workspace
``s3:BUCKET/KEY``  an object in one of the buckets that the operator offers
=================  =======================================================================

Options for a file's reader may follow, as in ``upload:ID/NAME@scan=2``, and belong to the place.
None of them names another file: which files may be read, places alone say. Pages speak of places,
verbs of locations. A path of the server appears in no URL and is never taken from one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from latentcore.artifacts import write_atomic
from latentcore.errors import InputError
from latentcore.readers import FILE_OPTIONS
from latentcore.settings import named_paths, settings
from latentcore.storage import is_remote, split_options
from latentcore.version import __version__
from pages.access import claims, identity, s3

DEMO_SEED = 0

_LONGEST_PLACE = 1024
_PAIR = "pair:"
# Beside the links: which place each of them stands for.
_PLACES = ".places.json"
DIGEST = re.compile(r"[0-9a-f]{32}")
_HOW = (
    "A place is 'demo:NAME', 'upload:ID/NAME', 'folder:ROOT/PATH', 'opened:NAME', "
    "'run:RUN/FILE' or 's3:BUCKET/KEY'. "
    "Open the file on the Data page."
)


def demo_folder() -> Path:
    """Return where this version's demo scan lives; a new version makes its own."""
    return settings().workspace / "demo" / f"{__version__}-seed{DEMO_SEED}"


def uploads_folder() -> Path:
    """Return where uploaded files live."""
    return settings().workspace / "uploads"


def runs_folder() -> Path:
    """Return where run folders live."""
    return settings().workspace / "runs"


def pairs_folder() -> Path:
    """Return where files that were opened together are linked side by side."""
    return settings().workspace / "pairs"


def jobs_folder() -> Path:
    """Return where the records of jobs live."""
    return settings().workspace / "jobs"


def roots() -> dict[str, Path]:
    """Return the configured server folders that are open to the present user, by name."""
    restricted = settings().root_groups
    named = named_paths(settings().data_roots)
    return {name: path for name, path in named.items() if identity.is_open(restricted, name)}


def opened_places() -> tuple[str, ...]:
    """Return the places of the files that the server was started with."""
    return tuple(f"opened:{name}" for name in _opened_files())


def _opened_files() -> dict[str, Path]:
    return named_paths(settings().opened_files)


def location(place: str) -> str:
    """Return what a request calls a place: a path, or ``s3://bucket/key`` for an object.

    Options for the reader follow. A run's record then names the object, and not this server's copy
    of it; errors as `resolve`.
    """
    if s3.is_object(place):
        plain = without_options(place)
        return f"{s3.object_at(plain)}{place[len(plain) :]}"
    return local_location(place)


def local_location(place: str) -> str:
    """Return the path of a place, followed by its options for the reader; errors as `resolve`."""
    return with_options_of(place, resolve(place))


def with_options_of(place: str, path: Path) -> str:
    """Return the path that a place was resolved to, followed by the place's options."""
    options = place[len(without_options(place)) :]
    # A file may be called as if options followed.
    return str(path) if options and str(path).endswith(options) else f"{path}{options}"


def without_options(place: str) -> str:
    """Return a place without options for its reader; raise `InputError` if one names a file."""
    plain, options = split_options(place)
    if named := sorted(FILE_OPTIONS & options.keys()):
        message = (
            f"{_cut(place)} names another file by the option {named[0]!r}, which only the command "
            "line takes. Open the files together on the Data page."
        )
        raise InputError(message)
    return plain


def check(place: str) -> None:
    """Refuse what `resolve` refuses; but an object on S3 need not be fetched yet."""
    if s3.is_object(place):
        s3.present_version(without_options(place))
    else:
        resolve(place)


def check_owner(place: str) -> None:
    """Refuse a place that isn't for the present user, whether or not something is there."""
    if place.startswith(_PAIR):
        resolve(place)
    elif not s3.is_object(plain := without_options(place)):
        _split(plain)


def resolve(place: str, *, to_list: bool = False) -> Path:
    """Return the path of a place without its options; of an object on S3 that of the local copy.

    The place may come from a URL, so anything may stand in it. Raises `InputError` if it is no
    place, lies outside what may be read (also through symbolic links), belongs to somebody else,
    nothing is there any more, or an object on S3 is yet to be fetched. A folder in which something
    is closed to the user can't be read as a whole, but listed (`to_list`).
    """
    plain = without_options(place)
    if s3.is_object(plain):
        return s3.local_copy(plain)
    path = _found(place, plain)
    if place.startswith("folder:"):
        _check_open(place, path, to_list=to_list)
    return path


def is_closed(path: Path) -> bool:
    """Tell whether a path below a server folder is closed to the present user.

    It is where the innermost server folder around it is; and in the workspace, of which the other
    places open to each what is theirs.
    """
    if identity.way_in() and path.is_relative_to(_real(settings().workspace)):
        return True
    named = named_paths(settings().data_roots)
    around = [
        (len(real.parts), name)
        for name, root in named.items()
        if path.is_relative_to(real := _real(root))
    ]
    return bool(around) and max(around)[1] not in roots()


def closed_below(folder: Path) -> set[Path]:
    """Return where below an open folder something begins that is closed to the present user."""
    begins = {_real(one) for one in (settings().workspace, *settings().data_roots)}
    return {one for one in begins if folder in one.parents and is_closed(one)}


def _check_open(place: str, path: Path, *, to_list: bool) -> None:
    if is_closed(path):
        raise InputError(_refused(place))
    if not to_list and path.is_dir() and closed_below(path):
        message = (
            f"{_cut(place)} can't be read as a whole: something in it is not for you. Open what "
            "you need in it."
        )
        raise InputError(message)


def _found(place: str, plain: str) -> Path:
    if plain != place:
        try:
            return _resolved(place)
        except InputError:  # no file is called so
            return _resolved(plain)
    return _resolved(place)


def _resolved(place: str) -> Path:
    root, parts = _split(place)
    if place.startswith(_PAIR):
        return _linked(root / parts[0], parts[1], place)
    try:
        base = root.resolve()
        path = base.joinpath(*parts).resolve()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a loop of links
        raise InputError(_refused(place)) from error
    # An opened file is that file: not what a symbolic link in its place leads to since then.
    if not path.is_relative_to(base) or (place.startswith("opened:") and base != root):
        raise InputError(_refused(place))
    if not exists:
        message = (
            f"There is nothing at {place!r} any more: it was moved or removed. "
            "Open the file again on the Data page."
        )
        raise InputError(message)
    return path


def _linked(folder: Path, name: str, place: str) -> Path:
    """Return a file's path in a folder of links, once each link leads to where its place is now.

    Every place is looked up anew, with all that `resolve` refuses: a link alone opens nothing.
    """
    try:
        named = json.loads((folder / _PLACES).read_text(encoding="utf-8"))
        targets = {one: resolve(where) for one, where in named.items()}
        for one, target in targets.items():
            link = folder / one
            if not link.is_symlink() or link.readlink() != target:
                fresh = folder / f".{uuid.uuid4().hex}"
                fresh.symlink_to(target)
                fresh.replace(link)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(_refused(place)) from error
    if name not in targets:
        raise InputError(_refused(place))
    return folder / name


def place_of(path: str | Path) -> str:
    """Return the place of a file or object; the inverse of `location`.

    Raises `InputError` for what lies outside of everything that may be read.
    """
    plain, _ = split_options(str(path))
    if plain != str(path):
        return place_of(plain) + str(path)[len(plain) :]
    if is_remote(str(path)):
        return s3.place_of_object(str(path))
    folder = _real(Path(path).parent)
    if folder.parent == _real(pairs_folder()):  # its files lie elsewhere
        return f"{_PAIR}{folder.name}/{Path(path).name}"
    real = _real(path)
    for prefix, root in _prefixes():
        base = _real(root)
        if real.is_relative_to(base):
            inside = real.relative_to(base).as_posix()
            return prefix.rstrip("/") if inside == "." else prefix + inside
    message = (
        f"{real.name!r} lies outside of what this server may show: the demo scan, the uploads, "
        "the runs, the files that it was started with and the folders in LATENT_DATA_ROOTS."
    )
    raise InputError(message)


def _real(path: str | Path) -> Path:
    """Return where links lead to; those that lead in a circle are left as they are."""
    return Path(os.path.realpath(path))


def together(named: Mapping[str, str]) -> str:
    """Put files side by side, as readers look for them; return the place of the first.

    Parameters
    ----------
    named : Mapping of str to str
        For each name in the common folder the place of the file.
    """
    text = json.dumps(dict(named))
    folder = pairs_folder() / hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / _PLACES, text.encode())
    return f"{_PAIR}{folder.name}/{next(iter(named))}"


def parts_of(place: str) -> tuple[str, ...]:
    """Return the places of the files that lie side by side at a place, or that place alone."""
    if not place.startswith(_PAIR):
        return (place,)
    folder = pairs_folder() / place.removeprefix(_PAIR).partition("/")[0]
    try:
        named = json.loads((folder / _PLACES).read_text(encoding="utf-8"))
        return tuple(map(str, named.values()))
    except (OSError, ValueError, AttributeError):
        return ()


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


def _prefixes() -> list[tuple[str, Path]]:
    return [
        ("demo:", demo_folder()),
        ("upload:", uploads_folder()),
        ("run:", runs_folder()),
        *((f"opened:{name}/", path) for name, path in _opened_files().items()),
        *([("model:", models)] if (models := settings().model_folder) is not None else []),
        *((f"folder:{name}/", root) for name, root in roots().items()),
    ]


def _split(place: str) -> tuple[Path, list[str]]:
    """Return the folder that a place must stay in, and the way from there."""
    scheme, colon, rest = place.partition(":")
    parts = rest.split("/")
    if not colon or len(place) > _LONGEST_PLACE or not all(is_plain(part) for part in parts):
        raise InputError(_refused(place))
    match scheme, parts:
        case "demo", [_]:
            return demo_folder(), parts
        case "upload", [digest, _] if DIGEST.fullmatch(digest):
            claims.check("upload", digest, place)
            return uploads_folder(), parts
        case "pair", [digest, _] if DIGEST.fullmatch(digest):
            return pairs_folder(), parts
        case "run", [run, _, *_]:
            claims.check("run", run, place)
            return runs_folder(), parts
        case "model", [_, *_] if (models := settings().model_folder) is not None:
            return models, parts
        case "opened", [name, *inside] if name in (opened := _opened_files()):
            return opened[name], inside
        case "folder", [name, *inside]:
            if name in roots():
                return roots()[name], inside
            known = ", ".join(roots()) or "none: set LATENT_DATA_ROOTS"
            message = f"{place!r} names no folder of this server. There are: {known}."
            raise InputError(message)
    raise InputError(_refused(place))


def is_plain(part: str) -> bool:
    """Tell whether a part of a path goes down by one name, and hides nothing."""
    return (
        bool(part)
        and not part.startswith(".")  # '..', '.', and hidden files such as unfinished runs
        and "\\" not in part
        and all(character.isprintable() for character in part)
    )


def _refused(place: str) -> str:
    return f"{_cut(place)} is no place that this server may read.\n{_HOW}"


def _cut(place: str) -> str:
    return repr(place if len(place) <= 80 else f"{place[:80]}…")
