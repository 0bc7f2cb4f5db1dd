"""Which files belong together, by their names alone: patterns and the maps of their scan.

A pattern file and the maps of its scan have one stem: ``scan.up2`` and ``scan.ang``. The case of
a suffix doesn't matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

# What may hold the maps of a file of patterns, the likeliest first.
_EDAX = (".ang", ".edaxh5", ".oh5", ".h5", ".hdf5", ".ctf")
_OXFORD = (".ctf", ".cpr", ".h5oina", ".ang")
MAPS_OF = {".up1": _EDAX, ".up2": _EDAX, ".ebsp": _OXFORD}
# What a file can't be read without, or makes sense beside.
_BESIDE = {".edaxh5": (".up2", ".up1"), ".cpr": (".crc",), ".crc": (".cpr",)}
_NEEDED = (".cpr", ".crc")
_WHOLE_NAMES = {"pattern.dat": "setting.txt", "setting.txt": "pattern.dat"}


def belonging(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return which of the files `names` of one folder belong to the file `name`, best first."""
    stem, suffix = _parts(name)
    wanted = (*MAPS_OF.get(suffix, ()), *_BESIDE.get(suffix, ()))
    whole = _WHOLE_NAMES.get(name.lower())
    found: list[tuple[int, str]] = []
    for other in names:
        other_stem, other_suffix = _parts(other)
        if whole is not None and other.lower() == whole:
            found.append((-1, other))
        elif other_stem == stem and other_suffix in wanted:
            found.append((wanted.index(other_suffix), other))
    return tuple(other for _, other in sorted(found))


def all_belonging(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the same, and what belongs to those in turn: the ``.crc`` of an ``.ebsp``'s ``.cpr``.

    A file of patterns belongs to no other here.
    """
    there = tuple(names)
    found = dict.fromkeys(belonging(name, there))
    for one in tuple(found):
        found |= dict.fromkeys(
            other for other in belonging(one, there) if not has_maps_beside(other)
        )
    return tuple(one for one in found if one != name)


def companions(path: Path) -> tuple[Path, ...]:
    """Return the files beside a file that belong to it, the best first; none of a folder.

    Links that lead elsewhere are left out; see `leads_away`.
    """
    if not may_have_companions(path.name) or not path.parent.is_dir():
        return ()
    names = [entry.name for entry in path.parent.iterdir()]
    found = (path.with_name(name) for name in all_belonging(path.name, names))
    return tuple(one for one in found if one.is_file() and not leads_away(one, path))


def leads_away(one: Path, opened: Path) -> bool:
    """Tell whether what lies beside a file, or in a folder, is a link to somewhere else.

    Whoever opens a file may read what is beside it, not what somebody has linked there. Where the
    file is a link itself, all may be.
    """
    folder = opened if opened.is_dir() else opened.parent
    return not opened.is_symlink() and one.resolve().parent != folder.resolve()


def may_have_companions(name: str) -> bool:
    """Tell whether other files may belong to a file of this name."""
    suffix = _parts(name)[1]
    return suffix in MAPS_OF or suffix in _BESIDE or name.lower() in _WHOLE_NAMES


def missing_companion(name: str, names: Iterable[str]) -> str:
    """Return the name of the file without which a file of this name can't be read, if it lacks."""
    stem, suffix = _parts(name)
    if belonging(name, names):
        return ""
    if name.lower() in _WHOLE_NAMES:
        return _WHOLE_NAMES[name.lower()].capitalize()
    return f"{stem}{_BESIDE[suffix][0]}" if suffix in _NEEDED else ""


def has_maps_beside(name: str) -> bool:
    """Tell whether a file of this name holds patterns whose maps are in another file."""
    return _parts(name)[1] in MAPS_OF


def companion_starts(name: str) -> tuple[str, ...]:
    """Return with what the names of its companions may begin, for a listing by prefix."""
    if not may_have_companions(name):
        return ()
    whole = _WHOLE_NAMES.get(name.lower())
    return (f"{PurePosixPath(name).stem}.",) if whole is None else (whole[:1], whole[:1].upper())


def _parts(name: str) -> tuple[str, str]:
    """Return stem, as it is written, and suffix in lower case."""
    path = PurePosixPath(name)
    return path.stem, path.suffix.lower()
