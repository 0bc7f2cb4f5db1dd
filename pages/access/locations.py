"""What a batch may read and write: places of this server, and objects in the offered buckets.

A batch carries paths and URLs in its request, so all that comes from a person passes through here
before: a path comes only from a place, and a URL only with a bucket that the operator has named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from latentcore.errors import InputError, RequestError
from latentcore.inputs.latent_samples import NONE
from latentcore.requests.map_specs import split_map_spec
from latentcore.storage import is_remote, remote_of
from latentcore.workflows.batch.inputs import WILDCARDS, filled_in
from pages.access import places, s3
from pages.access.folders import fitting

MOST_INPUTS = 1000
# How a file that lies beside each input begins.
BESIDE = "{folder}/"
_S3 = "s3:"
_PCA = re.compile(r"pca:[0-9]{1,4}")


def from_lines(text: str) -> list[str]:
    """Return the inputs that lines of text name: paths of places, and URLs as they are.

    Parameters
    ----------
    text : str
        A place, a place with a pattern as its last part, or ``s3://bucket/…`` on each line.
    """
    found: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        found += [allowed_url(_as_url(line))] if line.startswith(_S3) else _paths(line)
        if len(found) > MOST_INPUTS:
            raise RequestError(_too_many(len(found)))
    return list(dict.fromkeys(found))


def allowed_url(url: str) -> str:
    """Return a URL that names something in an offered bucket; raise `InputError` for any other."""
    location = remote_of(url)
    offered = s3.offered()
    if location.bucket not in offered:
        message = (
            f"{str(location)!r} lies in no bucket that this server offers. "
            f"There are: {', '.join(offered) or 'none; the operator names some'} "
            "(LATENT_S3_BUCKETS)."
        )
        raise RequestError(message)
    return str(location)


def check_file(text: str, locations: Sequence[str]) -> None:
    """Refuse what names a file that may not be read, for whichever of the inputs.

    Parameters
    ----------
    text : str
        Of an option: a path from a place, a URL, ``{folder}/…`` beside each input, a model's name
        or `NONE`; perhaps with ``:COLUMN``.
    locations : sequence of str
        The inputs.
    """
    if _PCA.fullmatch(text) or text in ("demo:vae", NONE):
        return
    for filled in _for_each(text, locations):
        location = split_map_spec(filled)[0]
        if is_remote(location):
            allowed_url(location)
            continue
        # Which colon begins a column is decided when it is read: both ways must be harmless.
        for path in {filled, location, filled.rpartition(":")[0] or filled}:
            _check_path(path)


def check_text(name: str, value: Any) -> None:
    """Refuse by a `RequestError` an option that is no file but reads like a path or a URL."""
    for text in _texts(value):
        if "/" in text or "\\" in text or text.startswith("~"):
            message = (
                f"{text!r} can't be taken for {name.replace('_', ' ')}: it reads like a path, and "
                "files are chosen from the list. Write a name or a number."
            )
            raise RequestError(message)


def missing_beside(text: str, locations: Sequence[str]) -> list[str]:
    """Return the files that a text names beside local inputs and that aren't there."""
    if BESIDE not in text:
        return []
    files = (split_map_spec(filled)[0] for filled in _for_each(text, locations))
    return [Path(file).name for file in files if not is_remote(file) and not Path(file).exists()]


def shown(location: str) -> str:
    """Return what an input is called on the screen; never a path of the server."""
    if is_remote(location):
        return location
    try:
        return places.label(places.place_of(location))
    except InputError:
        return Path(location).name


def _as_url(line: str) -> str:
    """Return the URL of a place on S3, which may end in a pattern here, or a URL as it is."""
    return line if is_remote(line) else f"s3://{line.removeprefix(_S3)}"


def _paths(line: str) -> list[str]:
    folder, _, name = line.rpartition("/")
    if not (folder and any(mark in name for mark in WILDCARDS)):
        return [str(places.resolve(line))]
    found = [str(places.resolve(entry.place)) for entry in fitting(folder, name)]
    if not found:
        message = f"Nothing in {folder!r} fits {name!r}. Check the pattern, or name the files."
        raise RequestError(message)
    return found


def _for_each(text: str, locations: Sequence[str]) -> Iterator[str]:
    """Yield a text as it reads for each input, or once where it is the same for all."""
    for location in locations if "{" in text else locations[:1]:
        yield filled_in({"text": text}, location)["text"]


def _check_path(path: str) -> None:
    way_out = not path.startswith("/") or ".." in path.split("/")
    place = "" if way_out else places.place_of(path)
    if way_out or any(part.startswith(".") for part in place.split("/")):
        message = (
            f"{Path(path).name!r} names no file that this server may read. "
            f"Choose a file from the list, or write {BESIDE}NAME for one beside each input."
        )
        raise RequestError(message)
    places.check_owner(place)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _texts(entry)


def _too_many(count: int) -> str:
    return (
        f"At least {count:,} inputs are named, but a batch from this page takes {MOST_INPUTS:,}. "
        "Divide them, or use the command line."
    )
