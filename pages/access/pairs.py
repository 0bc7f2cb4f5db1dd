"""Which of the files that were brought at once are read together: patterns and their maps, say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from latentcore.storage.companions import (
    MAPS_OF,
    all_belonging,
    companions,
    has_maps_beside,
    missing_companion,
)
from pages.access import places, s3

# Of files that belong together the one that is opened; the others come with it.
_OPENED = (*MAPS_OF, ".cpr", ".edaxh5")
_OPENED_NAME = "pattern.dat"


def put_together(found: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Put files that belong together side by side.

    They are those of one name; and a file of maps under another name, where it is the only one
    and a single file of patterns has none.

    Parameters
    ----------
    found : sequence of str
        Places.

    Returns
    -------
    opened : list of str
        The places to open: of files that belong together the one that the others come with.
    along : dict of str to str
        For each place that comes with another one that other's place, as it is opened.
    """
    left = dict.fromkeys(found)
    opened: dict[str, str] = {}
    along: dict[str, str] = {}
    alone = sum(map(_has_patterns, found)) == 1
    for head in sorted(filter(_is_head, found), key=_rank):
        if head not in left:
            continue
        others = _others(head, [place for place in left if place != head], alone=alone)
        del left[head]
        opened[head] = _side_by_side(head, others)
        for other in others.values():
            del left[other]
            along[other] = opened[head]
    return [opened.get(place, place) for place in found if place not in along], along


def may_hold_maps_of(patterns: str, found: Sequence[str]) -> bool:
    """Tell whether one of the files, and no patterns, were brought that may be maps of patterns."""
    suffixes = MAPS_OF.get(_suffix(patterns), ())
    maps = [place for place in found if _suffix(place) in suffixes]
    return len(maps) == 1 and patterns not in found and not any(map(_has_patterns, found))


def missing_beside(place: str, others: Sequence[str]) -> str:
    """Return the name of the file that a place can't be read without; empty where it is there."""
    return missing_companion(name_of(place), [name_of(other) for other in others])


def name_of(place: str) -> str:
    """Return the name of the file at a place."""
    return re.split("[/:]", place)[-1]


def _others(head: str, candidates: Sequence[str], *, alone: bool) -> dict[str, str]:
    """Return, by its name beside the head, the place of each file that belongs to it.

    Maps under another name belong to patterns only where no others were brought.
    """
    by_name = {name_of(place): place for place in candidates}
    found = {name: by_name[name] for name in all_belonging(name_of(head), by_name)}
    path = PurePosixPath(name_of(head))
    if found or not has_maps_beside(path.name):
        return found
    may_be = [place for place in candidates if _suffix(place) in MAPS_OF[path.suffix.lower()]]
    if len(may_be) != 1 or not alone or _is_beside(head):
        return {}
    chosen = may_be[0]
    crc = {name: by_name[name] for name in all_belonging(name_of(chosen), by_name)}
    return {
        f"{path.stem}{PurePosixPath(name).suffix}": place
        for name, place in {name_of(chosen): chosen, **crc}.items()
    }


def _side_by_side(head: str, others: dict[str, str]) -> str:
    """Return where the head lies beside the others; they may lie so already."""
    if not others:
        return head
    folder = head.rpartition("/")[0]
    beside = all(place == f"{folder}/{name}" for name, place in others.items())
    if beside and (s3.is_object(head) or head.startswith("folder:")):
        return head
    return places.together({name_of(head): head, **others})


def _is_head(place: str) -> bool:
    return _suffix(place) in _OPENED or name_of(place).lower() == _OPENED_NAME


def _is_beside(head: str) -> bool:
    """Tell whether maps lie beside patterns already, so that none need be chosen.

    Those that were put beside them before may be the wrong ones.
    """
    elsewhere = head.startswith("pair:") or s3.is_object(head)
    return not elsewhere and bool(companions(places.resolve(head)))


def _has_patterns(place: str) -> bool:
    return has_maps_beside(name_of(place)) or name_of(place).lower() == _OPENED_NAME


def _rank(place: str) -> int:
    """Patterns come first: an ``.edaxh5`` goes with them."""
    return not has_maps_beside(name_of(place))


def _suffix(place: str) -> str:
    return PurePosixPath(name_of(place)).suffix.lower()
