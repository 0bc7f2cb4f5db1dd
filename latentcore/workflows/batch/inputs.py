"""What a batch is made of: the inputs that its locations mean, and each one's request."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from latentcore.errors import RequestError
from latentcore.requests.verbs import VERBS, option_of
from latentcore.storage import S3Location, is_remote, remote_of

WILDCARDS = "*?["


def expanded(locations: Sequence[str]) -> list[str]:
    """Return the inputs that locations mean.

    An S3 prefix (``s3://bucket/prefix/``) means every object directly below it, and
    ``s3://bucket/prefix/*.h5`` those whose name fits; a local pattern that no shell has expanded
    means the files that fit. Everything else means itself, whether or not it is there.
    """
    found: list[str] = []
    for location in locations:
        means = list(_meant(location))
        if not means:
            message = f"Nothing fits {location!r}. Check the pattern, or name the files."
            raise RequestError(message)
        found += means
    return list(dict.fromkeys(found))


def names_of(locations: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return a name for the run folder of each input.

    It is the file's stem; where two inputs share one, a digest of the location is added. An input
    keeps the name that it had in an earlier batch.

    Parameters
    ----------
    known : Mapping
        Names from before, by location.
    """
    stems = {location: _stem(location) for location in locations}
    often = {stem for stem in stems.values() if list(stems.values()).count(stem) > 1}
    taken = set(known.values())
    names = dict(known)
    for location, stem in stems.items():
        if location in known:
            continue
        unique = stem not in often and stem not in taken
        digest = hashlib.blake2b(location.encode(), digest_size=4).hexdigest()
        names[location] = stem if unique else f"{stem}-{digest}"
        taken.add(names[location])
    return {location: names[location] for location in locations}


def input_field(verb: str) -> dataclasses.Field[Any]:
    """Return the field of a verb's request that names its input."""
    VERBS.get(verb)  # an unknown verb has an error of its own
    found = _first_positional(verb)
    if found is None:
        message = f"The verb {verb!r} can't be batched. These can: {', '.join(batchable())}."
        raise RequestError(message)
    return found


def batchable() -> list[str]:
    """Return the names of the verbs that a batch can run."""
    return [name for name in VERBS.names() if _first_positional(name) is not None]


def _first_positional(verb: str) -> dataclasses.Field[Any] | None:
    chosen = VERBS.get(verb)
    if not chosen.writes or chosen.pool == "background":  # no batch of batches
        return None
    fields = dataclasses.fields(chosen.request)
    return next((field for field in fields if option_of(field).positional), None)


def request_for(verb: str, options: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Return the request of one input, JSON-like.

    Parameters
    ----------
    options : Mapping
        The verb's other fields; in texts ``{stem}``, ``{name}`` and ``{folder}`` stand for parts
        of the input's location.
    """
    field = input_field(verb)
    several = option_of(field).nargs in ("+", "*")
    return {**filled_in(options, location), field.name: [location] if several else location}


def filled_in(options: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Put the parts of an input's location where options ask for them.

    >>> filled_in({"map": "{folder}/{stem}_bc.csv:bc"}, "scans/a.h5")
    {'map': 'scans/a_bc.csv:bc'}
    """
    folder, _, name = location.rpartition("/")
    parts = {"{stem}": _stem(location), "{name}": name, "{folder}": folder or "."}

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            for mark, part in parts.items():
                value = value.replace(mark, part)
            return value
        return [fill(entry) for entry in value] if isinstance(value, list | tuple) else value

    return {name: fill(value) for name, value in options.items()}


def _meant(location: str) -> Iterator[str]:
    if is_remote(location):
        yield from _objects(remote_of(location))
    elif any(mark in location for mark in WILDCARDS) and not Path(location).exists():
        path = Path(location)
        yield from sorted(str(found) for found in path.parent.glob(path.name))
    else:
        yield location


def _objects(location: S3Location) -> Iterator[str]:
    name = location.name if location.key and not location.key.endswith("/") else "*"
    if not any(mark in name for mark in WILDCARDS):
        yield str(location)
        return
    from latentcore.storage.objects import list_page

    below = S3Location(location.bucket, location.key.removesuffix(name))
    more, first = "", True
    while more or first:
        page = list_page(below, more=more)
        more, first = page.more, False
        for entry in page.entries:
            if not entry.is_prefix and fnmatch.fnmatchcase(entry.location.name, name):
                yield str(entry.location)


def _stem(location: str) -> str:
    name = PurePosixPath(location.rstrip("/")).name
    return name.split(".")[0] or name.strip(".") or "input"
