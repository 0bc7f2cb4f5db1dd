"""The scans of a collection: what is known of each, and that one encoder made their latents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import JoinedMatrix, LatentSet, ScanGrid, later
from latentcore.errors import InputError, RequestError, ShapeError
from latentcore.inputs.encoders import Made, made, refuse_other_encoders
from latentcore.inputs.latents import is_nameless, read_field
from latentcore.progress import Progress
from latentcore.workflows.collect.request import CollectRequest

MOST_SCANS = 50
_LONGEST_NAME = 60


@dataclass(frozen=True, eq=False)
class Member:
    """One scan of a collection.

    Attributes
    ----------
    n : int
        Its samples.
    made : Made
        By which encoder.
    """

    name: str
    location: str
    n: int
    made: Made
    ids: NDArray[np.str_]
    grid: ScanGrid | None
    labels: NDArray[np.int32] | None
    fingerprint: str


def read_members(
    request: CollectRequest, folder: RunFolder, progress: Progress
) -> tuple[tuple[Member, ...], list[str]]:
    """Look at all scans, and refuse what makes no collection.

    Returns
    -------
    tuple of Member
    list of str
        What one should know of their encoders.

    Raises
    ------
    RequestError
        If there are fewer than 2 or more than 50, one is named twice or is a collection itself, or
        their latents come of different encoders.
    ShapeError
        If only some have coordinates, or hold other latent dimensions.
    """
    names = _names(request)
    members = []
    for number, (name, location) in enumerate(zip(names, request.latents, strict=True)):
        progress.step(number, len(names), "reading scans")
        latents = read_field(location, folder, reader=request.reader)
        members.append(_member(name, location, latents))
    _refuse_half(members)
    notes = refuse_other_encoders([member.made for member in members], names)
    return tuple(members), notes


@dataclass(frozen=True)
class _Rows:
    """The latents of one scan, read again when they are needed; `held` keeps the last read."""

    member: Member
    reader: str | None
    held: dict[str, LatentSet]

    @property
    def shape(self) -> tuple[int, int]:
        return self.member.n, len(self.member.made.dims)

    def read(self, rows: slice) -> NDArray[np.float32]:
        location = self.member.location
        if location not in self.held:
            self.held.clear()
            latents = read_field(location, reader=self.reader)
            if latents.fingerprint != self.member.fingerprint:
                message = f"{Path(location).name!r} was changed while it was read. Try again."
                raise InputError(message)
            self.held[location] = latents
        latents = self.held[location]
        return latents.values[rows] if latents.stored is None else latents.stored.read(rows)

    def load(self) -> NDArray[np.float32]:
        return self.read(slice(None))


def joined_rows(members: Sequence[Member], reader: str | None) -> JoinedMatrix:
    """Return the latents of all scans, of which no more than one is in memory at a time."""
    held: dict[str, LatentSet] = {}
    return JoinedMatrix([_Rows(member, reader, held) for member in members])


def joined_ids(members: Sequence[Member]) -> NDArray[np.str_]:
    """Return the ids of all samples, ``scan/id``, for a lazy field."""
    ends = np.cumsum([member.n for member in members])
    widths = [len(one.name) + 1 + np.strings.str_len(one.ids).max(initial=0) for one in members]

    def some(rows: NDArray[np.integer]) -> NDArray[np.str_]:
        found = np.empty(len(rows), f"U{max(widths)}")
        scan = np.searchsorted(ends, rows, side="right")
        for place in np.unique(scan).tolist():
            own, one = scan == place, members[place]
            found[own] = np.char.add(f"{one.name}/", one.ids[rows[own] - ends[place] + one.n])
        return found

    return later(lambda: some(np.arange(ends[-1])), some)


def _member(name: str, location: str, latents: LatentSet) -> Member:
    if latents.provenance is not None and latents.provenance.verb == "collect":
        message = (
            f"{Path(location).name!r} is a collection itself. Name its scans' own latents instead."
        )
        raise RequestError(message)
    if is_nameless(latents):
        message = (
            f"{Path(location).name!r} holds one dimension and doesn't say which. Call it "
            "latent_d<D>….npy, so that only equal dimensions are joined."
        )
        raise RequestError(message)
    return Member(
        name=name,
        location=location,
        n=len(latents),
        made=made(latents),
        ids=latents.sample_ids,
        grid=latents.grid,
        labels=latents.labels,
        fingerprint=latents.fingerprint,
    )


def _refuse_half(members: Sequence[Member]) -> None:
    without = [member.name for member in members if member.grid is None]
    if without and len(without) < len(members):
        message = (
            f"{len(without)} of {len(members)} scans have no coordinates, {without[0]!r} first. "
            "Leave them out, or give them coordinates: tables x, y, latent_<d>…"
        )
        raise ShapeError(message)


def _names(request: CollectRequest) -> list[str]:
    locations = request.latents
    if not 2 <= len(locations) <= MOST_SCANS:
        message = f"{len(locations)} scans were given, but a collection has 2 to {MOST_SCANS}."
        raise RequestError(message)
    twice = [location for location, count in Counter(locations).items() if count > 1]
    if twice:
        message = f"{twice[0]!r} was named twice. Name each scan once."
        raise RequestError(message)
    if request.scans is None:
        return _told_apart(locations)
    if len(request.scans) != len(locations):
        message = f"{len(request.scans)} ⟨scans⟩ names were given for {len(locations)} scans."
        raise RequestError(message)
    names = [_plain(name) for name in request.scans]
    if len(set(names)) < len(names) or not all(names):
        message = "Two ⟨scans⟩ have one name, or one has none. Give each a name of its own."
        raise RequestError(message)
    return names


def _told_apart(locations: Sequence[str]) -> list[str]:
    """Return stems without what all latents are called, or folders, or both with a number."""
    paths = [Path(location.partition("@")[0]) for location in locations]
    stems = [_plain(path.stem.removesuffix("_latents")) for path in paths]
    for names in (stems, [_plain(path.parent.name) for path in paths]):
        if len(set(names)) == len(names) and all(names):
            return names
    return [f"{number} {stem}".strip() for number, stem in enumerate(stems, 1)]


def _plain(name: str) -> str:
    """Return a name as one line, without what divides names from ids."""
    shown = "".join(c if c.isprintable() and c != "/" else " " for c in name)
    return " ".join(shown.split())[:_LONGEST_NAME].rstrip()
