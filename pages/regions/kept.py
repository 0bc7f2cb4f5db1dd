"""The regions of the latents in view: what is kept of them, and every change of it.

They belong to the scan, not to a session: another browser's change is there at the next look. Where
people sign in, each has regions of their own, and each of their groups has some that all its
members see and change.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import region_panels
from latentcore.analysis.selection import Shape
from latentcore.artifacts.region_store import Operation, RegionStore, StoredRegions
from latentcore.containers import LatentSet, Region, RegionSet, ScanPoints
from latentcore.containers.scan_points import Placement
from latentcore.errors import InputError, MalformedFileError
from latentcore.figures.colors import categorical_palette
from latentcore.settings import settings
from pages.access.claims import group, person
from pages.access.identity import current_user

# The session's choice, see `space`.
SPACE = "regions_space"

_PROBLEM = "regions_problem"


@dataclass(frozen=True, eq=False)
class Kept:
    """The regions of a scan on the n points of latents.

    Attributes
    ----------
    key : str
        Changes when the regions or the latents do.
    stored : StoredRegions
    latents : LatentSet
    """

    key: str
    stored: StoredRegions
    latents: LatentSet

    @property
    def regions(self) -> RegionSet:
        """All of them, hidden ones too."""
        return self.stored.regions

    @cached_property
    def shown(self) -> RegionSet:
        """Those that are not hidden."""
        return self.regions.visible

    @cached_property
    def placed(self) -> Placement:
        """Which point of the latents is which point of the scan."""
        return self.regions.place(ScanPoints.of_latents(self.latents))

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The place in `shown` of each point's region, −1 where there is none, shape (n,)."""
        return self.shown.labels(self.placed)

    @cached_property
    def palette(self) -> dict[int, str]:
        """Color of each of `labels`."""
        return {place: region.color for place, region in enumerate(self.shown.regions)}

    @cached_property
    def names(self) -> dict[int, str]:
        """Name of each of `labels`."""
        return dict(enumerate(self.shown.names))

    @cached_property
    def digests(self) -> dict[str, str]:
        """Text for each region's id that changes when its points or the latents do."""
        about = self.latents.fingerprint
        return {
            region.id: hashlib.blake2b(
                about.encode() + region.points.tobytes(), digest_size=16
            ).hexdigest()
            for region in self.regions.regions
        }

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many of the n points each region holds, by its id."""
        return {region.id: len(self.placed.rows(region.points)) for region in self.regions.regions}

    def mask(self, region: Region) -> NDArray[np.bool_]:
        """Return which points lie in a region, shape (n,)."""
        return self.placed.mask(region.points)

    def panels(self, selections: Mapping[str, Sequence[Shape]]) -> dict[str, NDArray[np.float32]]:
        """Return the axes, shape (n, 2), of the panels of regions that strokes select."""
        return region_panels(selections, self.regions, self.placed) if self.regions else {}


def spaces() -> list[str]:
    """Return whose regions the user may see: groups; none where people don't sign in."""
    return sorted(current_user().groups)


def space() -> str:
    """Return the group whose regions are in view; empty for the user's own."""
    chosen = str(st.session_state.get(SPACE) or "")
    return chosen if chosen in current_user().groups else ""


def store() -> RegionStore:
    """Return the store of the regions that are in view: a user's, a group's, or the server's."""
    folder, user = settings().workspace / "regions", current_user()
    if user.name:
        whose = group(space()) if space() else person(user.name)
        folder /= f"of-{hashlib.blake2b(whose.encode(), digest_size=16).hexdigest()}"
    return _store(str(folder))


@st.cache_resource(max_entries=32, show_spinner=False)
def _store(folder: str) -> RegionStore:
    return RegionStore(Path(folder))


def kept(latents: LatentSet) -> Kept:
    """Return the regions of the latents' scan.

    Quick: the store's file is looked at, and read where it has changed. Raises `InputError` if it
    is damaged, or lies on another grid.
    """
    stored = store().read(ScanPoints.of_latents(latents).scan)
    if not stored.revision:
        return Kept("", stored, latents)
    # The revision alone would start anew where somebody deletes the store.
    ids = hash(tuple(region.id for region in stored.regions.regions))
    key = f"{current_user().name}|{space()}|{latents.fingerprint}|{stored.revision}|{ids}"
    return _kept(key, stored, latents)


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(key: str, _stored: StoredRegions, _latents: LatentSet) -> Kept:
    found = Kept(key, _stored, _latents)
    if found.regions:
        assert len(found.placed) == len(_latents)  # placed here, where errors are shown
    return found


def none_of(latents: LatentSet) -> Kept:
    """Return no regions, for where those there are can't be read."""
    scan = ScanPoints.of_latents(latents).scan
    return Kept("", StoredRegions(RegionSet(scan)), latents)


def revision(latents: LatentSet) -> int:
    """Return a number that grows with each change of the scan's regions; 0 for what is damaged."""
    try:
        return store().read(ScanPoints.of_latents(latents).scan).revision
    except MalformedFileError:  # the page says so; see `none_of`
        return 0


@dataclass(frozen=True, eq=False)
class Candidate:
    """Points that may become a region.

    Attributes
    ----------
    name : str
        A number is added where a region has it already; empty for “Region 1”, “Region 2” …
    mask : ndarray of bool, shape (n,)
    source : Mapping
        What made it, under ``"kind"``, and what is needed to make it again.
    """

    name: str
    mask: NDArray[np.bool_]
    source: Mapping[str, Any]
    color: str = ""
    note: str = ""


def keep(latents: LatentSet, candidates: Sequence[Candidate]) -> tuple[Region, ...]:
    """Keep points as regions, in one change that one step undoes; return these regions.

    Raises `InputError` if one of them holds no point, or a name or color makes no sense; nothing is
    kept then.
    """
    points = ScanPoints.of_latents(latents)

    def add(regions: RegionSet) -> RegionSet:
        placed = regions.place(points)
        for one in candidates:
            regions = regions.added(
                Region(
                    regions.free_name(one.name) if one.name else _numbered(regions),
                    one.color or free_color(regions),
                    placed.points(one.mask),
                    note=one.note,
                    source=one.source,
                )
            )
        return regions

    named = candidates[0].name if len(candidates) == 1 else f"{len(candidates)} regions"
    named = named or "a selection"
    after = store().change(points.scan, add, f"keep {named}").regions
    return after.regions[len(after) - len(candidates) :]


def _numbered(regions: RegionSet) -> str:
    return next(
        name for number in itertools.count(1) if (name := f"Region {number}") not in regions.names
    )


def free_color(regions: RegionSet) -> str:
    """Return the first color of the palette of clusters that fewest regions have."""
    used = [region.color for region in regions.regions]
    return min(categorical_palette(), key=used.count)


def change(latents: LatentSet, operation: Operation, what: str) -> None:
    """Change the regions in a callback; what is wrong is shown by the list."""
    attempt(lambda: store().change(ScanPoints.of_latents(latents).scan, operation, what))


def attempt(action: Callable[[], object]) -> None:
    """Do something in a callback; `problem` tells what was wrong with it."""
    st.session_state.pop(_PROBLEM, None)
    try:
        action()
    except InputError as error:
        st.session_state[_PROBLEM] = error


def problem() -> InputError | None:
    """Return what was wrong with the last change, once."""
    found: InputError | None = st.session_state.pop(_PROBLEM, None)
    return found


def bring(
    latents: LatentSet, brought: RegionSet, what: str, *, same_scan: bool = False
) -> tuple[int, dict[str, str]]:
    """Add the regions of a file to those of the scan, but for those that are there already.

    A name or an id that another region has is changed. Returns how many were added, and the id
    under which each region is there, by the id in the file. Raises `InputError` if they are of
    another scan, and `same_scan` doesn't say that only its file is another; nothing changes then.
    """
    points = ScanPoints.of_latents(latents)
    placed = brought.place(points, same_scan=same_scan)
    ids: dict[str, str] = {}
    added = 0

    def add(regions: RegionSet) -> RegionSet:
        nonlocal added
        added = 0
        here = regions.place(points)
        known = {region.points.tobytes(): region for region in reversed(regions.regions)}
        taken = {region.id for region in regions.regions}
        for region in brought.regions:
            # On another origin its points have other names; those beyond the latents are lost then.
            same = brought.scan.frame == regions.scan.frame
            named = region.points if same else here.points(placed.mask(region.points))
            twin = known.get(named.tobytes())
            if twin is not None:
                ids[region.id] = twin.id
                continue
            new = replace(
                region,
                name=regions.free_name(region.name),
                points=named,
                id=secrets.token_hex(4) if region.id in taken else region.id,
            )
            ids[region.id] = new.id
            regions, added = regions.added(new), added + 1
        return regions

    store().change(points.scan, add, what)
    return added, ids
