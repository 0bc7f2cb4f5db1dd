"""Whose is what: who brought an upload or asked for a run, and with whom they share it.

Files of the same content are one upload, and the same questions one run, so that several people may
come to the same thing: each has a claim on it, and it goes with the last. Claims lie in the
workspace, in ``access/upload`` and ``access/run``, one record for each thing. What has no record
was there before anybody signed in: it belongs to nobody, and operators give it to somebody.

Where no login is set, everything is everybody's: no record is read or written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from latentcore.artifacts import write_atomic
from latentcore.artifacts.records import Shape, listed, read_record, text
from latentcore.errors import InputError, MalformedFileError, RequestError
from latentcore.locks import FileLock, file_lock
from latentcore.settings import settings
from pages.access import identity
from pages.access.identity import User

Kind = Literal["upload", "run"]
Thing = tuple[Kind, str]
Right = Literal["read", "write"]
# What somebody may do with a thing, from nothing at all to giving it to others.
Access = Literal["", "read", "write", "own"]

# Audiences: everybody who is signed in, in their lists too; or only by the address; and how those
# of one person or group begin.
EVERYBODY, BY_LINK = "everybody", "link"
PERSON, GROUP = "person:", "group:"
_LEVELS: tuple[Access, ...] = ("", "read", "write", "own")
_LARGEST = 1 << 20


def _shares(value: Any) -> bool:
    return isinstance(value, dict) and all(right in ("read", "write") for right in value.values())


_SHAPE: Shape = {"owners": listed(text), "shared": _shares}


@dataclass(frozen=True)
class Claims:
    """What is known of a thing.

    Attributes
    ----------
    owners : tuple of str
        The users who brought it or asked for it, the first one first.
    shared : dict of str to str
        ``"read"`` or ``"write"`` for each audience: `person`, `group`, `EVERYBODY` or `BY_LINK`.
    """

    owners: tuple[str, ...] = ()
    shared: dict[str, Right] = field(default_factory=dict)

    def access(self, user: User, *, listed: bool = False) -> Access:
        """Return what a user may do; with `listed` leaving out what only the address opens."""
        if user.name in self.owners:
            return "own"
        audiences = {EVERYBODY, person(user.name), *map(group, user.groups)}
        if not listed:
            audiences.add(BY_LINK)
        rights: list[Access] = [right for to, right in self.shared.items() if to in audiences]
        return max(rights, key=_LEVELS.index, default="")


def person(name: str) -> str:
    """Return the audience that is one user."""
    return f"{PERSON}{name}"


def group(name: str) -> str:
    """Return the audience that is a group."""
    return f"{GROUP}{name}"


def thing_at(place: str) -> Thing | None:
    """Return which thing a place lies in, None where it is nobody's own."""
    scheme, _, rest = place.partition(":")
    name = rest.partition("/")[0]
    match scheme:
        case "run" | "upload":
            return scheme, name
    return None


def access(kind: Kind, name: str, *, listed: bool = False) -> Access:
    """Return what the present user may do with a thing; see `Claims.access`."""
    if not identity.way_in():
        return "own"
    user = identity.current_user()
    return "own" if not user.name else of(kind, name).access(user, listed=listed)


def may_manage(kind: Kind, name: str) -> bool:
    """Tell whether the present user may stop and delete a thing: who has it, or an operator."""
    return identity.current_user().operator or access(kind, name) == "own"


def is_last(kind: Kind, name: str, *, of_nobody: bool = False) -> bool:
    """Tell whether nobody but the present user has a thing; with `of_nobody` also if nobody has."""
    if not identity.way_in():
        return True
    owners = set(of(kind, name).owners)
    return owners == {identity.current_user().name} or (of_nobody and not owners)


def of(kind: Kind, name: str) -> Claims:
    """Return what is known of a thing; nothing where its record is missing or damaged."""
    path = _path(kind, name)
    try:
        state = path.stat()
    except OSError:
        return Claims()
    return _read(path, (state.st_mtime_ns, state.st_ino, state.st_size))


@lru_cache(maxsize=4096)
def _read(path: Path, stamp: tuple[int, ...]) -> Claims:
    del stamp  # part of the key
    try:
        record = read_record(path, _SHAPE, tuple(_SHAPE), largest=_LARGEST)
    except (FileNotFoundError, MalformedFileError):
        return Claims()
    return Claims(tuple(record["owners"]), record["shared"])


def claim(kind: Kind, name: str) -> None:
    """Note down that the present user has brought or asked for a thing."""
    if not identity.way_in():
        return
    user = identity.current_user().name
    if user and user not in of(kind, name).owners:
        give(kind, name, user)


def give(kind: Kind, name: str, user: str) -> None:
    """Let a thing belong to a user, too."""
    _change(kind, name, lambda old: replace(old, owners=(*old.owners, user)))


def share(kind: Kind, name: str, audience: str, right: Right | None) -> None:
    """Let an audience read or change a thing, or with None no longer."""

    def changed(old: Claims) -> Claims:
        others = {to: given for to, given in old.shared.items() if to != audience}
        return replace(old, shared=others if right is None else {**others, audience: right})

    _change(kind, name, changed)


def give_up(kind: Kind, name: str) -> bool:
    """Take away the present user's claim; return whether the thing should go, being nobody's.

    Raises `RequestError` where the user is neither its owner nor an operator, with whom it goes at
    once, whoever has it.
    """
    if not identity.way_in():
        return True
    user = identity.current_user()
    if not may_manage(kind, name):
        message = f"{name!r} belongs to somebody else, so it is not deleted."
        raise RequestError(message)
    with _lock(kind):
        known = of(kind, name)
        rest = tuple(one for one in known.owners if one != user.name)
        if rest and user.name in known.owners:
            _write(kind, name, replace(known, owners=rest))
            return False
        forget(kind, name)
    return True


def forget(kind: Kind, name: str) -> None:
    """Drop the record of what is gone."""
    if identity.way_in():
        _path(kind, name).unlink(missing_ok=True)


def check(kind: Kind, name: str, what: str) -> None:
    """Refuse by an `InputError` a thing that the present user may not see."""
    if not access(kind, name):
        message = (
            f"You may not open {what!r}: it was not shared with you, or there is no such thing.\n"
            "Whoever has it shares it on the Runs page; then reload this page."
        )
        raise InputError(message)


def _change(kind: Kind, name: str, change: Callable[[Claims], Claims]) -> None:
    with _lock(kind):
        _write(kind, name, change(of(kind, name)))


def _write(kind: Kind, name: str, known: Claims) -> None:
    record = {"owners": list(dict.fromkeys(known.owners)), "shared": known.shared}
    write_atomic(_path(kind, name), json.dumps(record).encode())


def _lock(kind: Kind) -> FileLock:
    folder = _path(kind, "").parent
    folder.mkdir(parents=True, exist_ok=True)
    return file_lock(folder / ".lock")


def _path(kind: Kind, name: str) -> Path:
    return settings().workspace / "access" / kind / f"{name}.json"
