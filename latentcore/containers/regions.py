"""Named regions of a scan: sets of its points that mean the same in other files of the scan."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.scan_points import Placement, Points, RegionScan, ScanPoints, placement
from latentcore.errors import RequestError, UnknownNameError

Combination = Literal["union", "intersection", "difference"]
MOST_REGIONS = 2_000
NONE = -1
"""Label of a point that lies in no region."""

_LONGEST_NAME = 80
_LONGEST_NOTE = 4_000
_COLOR = re.compile(r"#[0-9a-f]{6}")
# What programs that read tables take for an empty cell, and what stands for "no label".
_MISSING_WORDS = frozenset(
    {
        "#N/A", "#N/A N/A", "#NA", "-1", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
        "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    }
)  # fmt: skip
_COMBINE: Mapping[str, Callable[[Any, Any], Any]] = {
    "union": np.union1d,
    "intersection": np.intersect1d,
    "difference": np.setdiff1d,
}


@dataclass(frozen=True, eq=False)
class Region:
    """A named set of points.

    Attributes
    ----------
    name : str
        Unique in its `RegionSet`.
    color : str
        ``#rrggbb``.
    points : ndarray of int64 or str, shape (m,)
        At least one; see `Points`.
    note : str
        Whatever a person wants to say of it.
    hidden : bool
        Whether it is left out on the screen; for files and numbers it counts like any other.
    source : Mapping
        JSON-like: what made it, under ``"kind"`` (``"brush"``, ``"cluster"``, ``"domain"``,
        ``"search"``, ``"threshold"``, ``"polygon"``, ``"union"`` …), and what is needed to make it
        again.
    id : str
        Stays the same whatever the region is called.
    """

    name: str
    color: str
    points: Points
    note: str = ""
    hidden: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _checked_name(self.name))
        object.__setattr__(self, "color", _checked_color(self.color))
        if len(self.note) > _LONGEST_NOTE:
            message = (
                f"The note of the region {self.name!r} has {len(self.note):,} characters. Keep it "
                f"to {_LONGEST_NOTE:,}."
            )
            raise RequestError(message)
        points = np.unique(self.points)
        if len(points) == 0:
            message = f"The region {self.name!r} would hold no point. Select at least one."
            raise RequestError(message)
        object.__setattr__(self, "points", points)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, eq=False)
class RegionSet:
    """The regions of one scan, in their order; where they overlap, the later one lies on top."""

    scan: RegionScan
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if len(self.regions) > MOST_REGIONS:
            message = (
                f"{len(self.regions):,} regions are more than the {MOST_REGIONS:,} that a scan may "
                "have. Delete some, or keep a map of labels instead."
            )
            raise RequestError(message)
        for what in ("name", "id"):
            seen: set[str] = set()
            for region in self.regions:
                value: str = getattr(region, what)
                if value in seen:
                    message = (
                        f"Two regions have the {what} {value!r}. Every region needs a {what} of "
                        "its own: rename one of them."
                    )
                    raise RequestError(message)
                seen.add(value)
        kind = "U" if self.scan.frame is None else "i"
        for region in self.regions:
            if region.points.dtype.kind != kind:
                needed = "nodes of its grid" if kind == "i" else "ids of its samples"
                message = f"The points of the region {region.name!r} must be {needed}."
                raise RequestError(message)

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def names(self) -> tuple[str, ...]:
        """The regions' names, in their order."""
        return tuple(region.name for region in self.regions)

    def get(self, wanted: str) -> Region:
        """Return the region of an id, else of a name.

        Raises
        ------
        UnknownNameError
            If there is none: somebody may have deleted it.
        """
        for region in self.regions:
            if region.id == wanted:
                return region
        for region in self.regions:
            if region.name == wanted:
                return region
        known = ", ".join(map(repr, self.names)) or "none"
        message = f"There is no region {wanted!r}, perhaps any more. There are: {known}."
        raise UnknownNameError(message)

    @property
    def visible(self) -> RegionSet:
        """The set without what is hidden."""
        return replace(self, regions=tuple(one for one in self.regions if not one.hidden))

    def free_name(self, wanted: str) -> str:
        """Return a name that no region has: `wanted`, or with a number after it."""
        wanted, number = " ".join(wanted.split())[: _LONGEST_NAME - 5].strip() or "region", 2
        name = wanted
        while name in self.names:
            name, number = f"{wanted} {number}", number + 1
        return name

    def added(self, *regions: Region) -> RegionSet:
        """Return the set with regions at the end."""
        return replace(self, regions=(*self.regions, *regions))

    def without(self, *wanted: str) -> RegionSet:
        """Return the set without regions, named by id or name."""
        gone = {self.get(one).id for one in wanted}
        return replace(self, regions=tuple(one for one in self.regions if one.id not in gone))

    def changed(self, wanted: str, **fields: Any) -> RegionSet:
        """Return the set with other fields (name, color, note, hidden, points) of one region."""
        region = self.get(wanted)
        new = replace(region, **fields)
        return replace(self, regions=tuple(new if one is region else one for one in self.regions))

    def moved(self, wanted: str, place: int) -> RegionSet:
        """Return the set with one region at another place; 0 is the bottom."""
        region = self.get(wanted)
        others = [one for one in self.regions if one is not region]
        others.insert(place, region)
        return replace(self, regions=tuple(others))

    def duplicated(self, wanted: str) -> RegionSet:
        """Return the set with a copy of a region above it, under a free name."""
        region = self.get(wanted)
        copy = replace(region, name=self.free_name(region.name), id=secrets.token_hex(4))
        place = self.regions.index(region) + 1
        return replace(self, regions=(*self.regions[:place], copy, *self.regions[place:]))

    def combined(
        self, how: Combination, wanted: Sequence[str], *, name: str, color: str
    ) -> RegionSet:
        """Return the set with a further region, made of others.

        Parameters
        ----------
        how : {"union", "intersection", "difference"}
            The difference holds the points of the first that lie in none of the others.
        wanted : sequence of str
            Ids or names, at least two.

        Raises
        ------
        RequestError
            If there are too few, or the outcome holds no point.
        """
        if how not in get_args(Combination):
            message = f"Regions make a {' or '.join(get_args(Combination))}, but no {how!r}."
            raise RequestError(message)
        regions = [self.get(one) for one in dict.fromkeys(wanted)]
        if len(regions) < 2:
            message = f"A {how} needs at least two regions, but got {len(regions)}. Choose more."
            raise RequestError(message)
        points = combine(how, [region.points for region in regions])
        if len(points) == 0:
            called = ", ".join(repr(region.name) for region in regions)
            message = f"The {how} of {called} holds no point, so there is no region of it."
            raise RequestError(message)
        made_of = [{"id": region.id, "name": region.name} for region in regions]
        return self.added(Region(name, color, points, source={"kind": how, "of": made_of}))

    def place(self, points: ScanPoints, *, same_scan: bool = False) -> Placement:
        """Lay the regions on points; see `placement`."""
        return placement(self.scan, points, same_scan=same_scan)

    def labels(self, placed: Placement) -> NDArray[np.int32]:
        """Return the region of each point, int32 (n,): its place in the set, or −1.

        A point in several regions has the last of them.
        """
        labels = np.full(len(placed), NONE, np.int32)
        for number, region in enumerate(self.regions):
            labels[placed.rows(region.points)] = number
        return labels

    def missing(self, placed: Placement) -> dict[str, int]:
        """Return how many points of each region are not among those it is laid on, where any."""
        absent = {
            region.name: len(region) - len(placed.rows(region.points)) for region in self.regions
        }
        return {name: n for name, n in absent.items() if n}


def combine(how: Combination, parts: Sequence[Points]) -> Points:
    """Return the union, intersection or difference (first minus all others) of sets of points."""
    found = parts[0]
    for other in parts[1:]:
        found = _COMBINE[how](found, other)
    return found


def _checked_name(name: str) -> str:
    plain = name.strip()
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        shown = repr(name[: _LONGEST_NAME + 1])
        message = (
            f"A region can't be called {shown}: give it a name of 1 to {_LONGEST_NAME} characters "
            "that can be printed."
        )
        raise RequestError(message)
    if plain in _MISSING_WORDS:
        message = (
            f"A region can't be called {plain!r}: tables of labels would take it for an empty "
            "cell. Give it another name."
        )
        raise RequestError(message)
    return plain


def _checked_color(color: str) -> str:
    if not _COLOR.fullmatch(color.lower()):
        message = f"{color!r} is not a color; write it as #rrggbb, for example #0072b2."
        raise RequestError(message)
    return color.lower()
