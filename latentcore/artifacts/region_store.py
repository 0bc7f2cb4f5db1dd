"""The regions of every scan of a server, for all its browsers, with a history to go back in.

Each scan has a folder: ``regions.json`` says what there is and was, and each set of points is a
file of its own, named after its content, so that a new name or color writes no points again. All
is written under a lock and in one move, so that two browsers, or two servers, lose nothing of each
other's changes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from latentcore.artifacts.json_text import to_json
from latentcore.artifacts.records import Shape, count, listed, read_record, shaped, text
from latentcore.artifacts.region_files import (
    REGION,
    SCAN,
    plain_region,
    plain_scan,
    region_from_plain,
    scan_from_plain,
)
from latentcore.artifacts.whole_files import write_atomic
from latentcore.containers import RegionScan, RegionSet, is_pending
from latentcore.containers.scan_points import Points
from latentcore.errors import InputError, MalformedFileError, RequestError
from latentcore.format_versions import WRITTEN_BY
from latentcore.locks import file_lock

Operation = Callable[[RegionSet], RegionSet]
"""Takes the regions as they are and returns them changed; it may be one that another undid."""

_FILE = "regions.json"
_VERSION = "1"
_LOCK = ".lock"
_POINTS = "points"
_LARGEST = 64 << 20
_MOST_STATES = 50
# All states together: with thousands of regions fewer states are kept.
_MOST_ENTRIES = 20_000
_MOST_REMEMBERED = 16

_ENTRY: Shape = {**REGION, "points": lambda value: text(value) and value.isalnum()}
_STATE: Shape = {"what": text, "regions": listed(shaped(_ENTRY, tuple(_ENTRY)))}
_RECORD: Shape = {
    "revision": count,
    "present": count,
    "scan": shaped(SCAN, tuple(SCAN)),
    "states": listed(shaped(_STATE, tuple(_STATE))),
}


@dataclass(frozen=True, eq=False)
class StoredRegions:
    """A scan's regions as they stood when they were looked at.

    Attributes
    ----------
    regions : RegionSet
    revision : int
        Counts the changes, steps back and forth included; 0 where nothing was ever kept.
    undo, redo : str
        What a step back would undo, and what a step forth would do again; empty where there is
        none.
    """

    regions: RegionSet
    revision: int = 0
    undo: str = ""
    redo: str = ""


@dataclass(frozen=True, eq=False)
class _Known:
    """What a version of a scan's record says."""

    version: tuple[int, ...]
    record: Mapping[str, Any]
    found: StoredRegions


class RegionStore:
    """The regions of all scans, below one folder.

    Parameters
    ----------
    folder : Path
        Is made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._remembered: dict[Path, _Known] = {}
        self._sizes: dict[Path, tuple[tuple[int, ...], int]] = {}

    def read(self, scan: RegionScan) -> StoredRegions:
        """Return the regions of a scan; quick where nothing has changed.

        The set's own scan is the one that its first region was made on: new regions take their
        points from its `RegionSet.place`.

        Raises
        ------
        MalformedFileError
            If what is stored is damaged.
        """
        if is_pending(scan, "fingerprint") and not self._may_hold(scan.n):
            return StoredRegions(RegionSet(scan))
        folder = self._folder_of(scan)
        known = self._known(folder)
        if known is not None:
            return known.found
        if _version(folder / _FILE) is None:
            return StoredRegions(RegionSet(scan))
        with _locked(folder):
            return self._now(folder, scan).found

    def change(self, scan: RegionScan, operation: Operation, what: str) -> StoredRegions:
        """Change the regions of a scan.

        Parameters
        ----------
        operation : callable
            Is handed the newest regions, be they another browser's, and returns them changed. What
            it raises leaves everything as it is.
        what : str
            For people, as in “Undo: rename 'pore'”.
        """
        folder = self._folder_of(scan)
        (folder / _POINTS).mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            now = self._now(folder, scan)
            before = now.found.regions
            after = operation(before)
            if after is before:
                return now.found
            if after.scan != before.scan:
                message = "An operation on regions must leave them on their scan."
                raise ValueError(message)
            new = {"what": what[:200], "regions": [_kept(folder, one) for one in after.regions]}
            states = _bounded([*now.record["states"][: now.record["present"] + 1], new])
            return self._write(folder, now.record, states, len(states) - 1, after)

    def undo(self, scan: RegionScan, revision: int | None = None) -> StoredRegions:
        """Take back the last change of a scan's regions, whoever made it.

        Parameters
        ----------
        revision : int, optional
            The one that the person saw: with another nothing is undone.

        Raises
        ------
        RequestError
            If there is nothing to undo, or the regions have changed since.
        """
        return self._step(scan, -1, revision)

    def redo(self, scan: RegionScan, revision: int | None = None) -> StoredRegions:
        """Do again what was undone last; see `undo`."""
        return self._step(scan, 1, revision)

    def _step(self, scan: RegionScan, by: int, revision: int | None) -> StoredRegions:
        folder = self._folder_of(scan)
        if _version(folder / _FILE) is None:
            message = "No regions were kept of this scan, so there is nothing to undo."
            raise RequestError(message)
        with _locked(folder):
            record = self._now(folder, scan).record
            if revision is not None and revision != record["revision"]:
                message = (
                    "The regions were changed meanwhile, perhaps in another browser, so nothing "
                    "was undone. Look at them again."
                )
                raise RequestError(message)
            present = record["present"] + by
            if not 0 <= present < len(record["states"]):
                message = f"There is nothing to {'undo' if by < 0 else 'do again'}."
                raise RequestError(message)
            regions = _regions(folder, record, present)
            return self._write(folder, record, record["states"], present, regions)

    def _may_hold(self, n: int) -> bool:
        """Tell whether a scan of n points has regions, or one whose record is damaged.

        Most often none has, and nobody need wait for the fingerprint that would tell which it is.
        """
        try:
            return any(self._size_of(folder) == n for folder in self._folder.glob("*/"))
        except (InputError, OSError):
            return True

    def _size_of(self, folder: Path) -> int | None:
        version = _version(folder / _FILE)
        if version is None:
            return None
        known = self._sizes.get(folder)
        if known is None or known[0] != version:
            known = self._sizes[folder] = version, _load(folder)["scan"]["n"]
        return known[1]

    def _folder_of(self, scan: RegionScan) -> Path:
        about = scan.fingerprint or to_json(plain_scan(scan))
        return self._folder / hashlib.blake2b(about.encode(), digest_size=12).hexdigest()

    def _write(
        self,
        folder: Path,
        record: Mapping[str, Any],
        states: Sequence[Mapping[str, Any]],
        present: int,
        regions: RegionSet,
    ) -> StoredRegions:
        new = {
            "encoding-type": "latentcore-region-store",
            "encoding-version": _VERSION,
            "versions": WRITTEN_BY,
            "revision": record["revision"] + 1,
            "scan": record["scan"],
            "present": present,
            "states": states,
        }
        write_atomic(folder / _FILE, to_json(new, indent=None).encode())
        _sweep(folder, states)
        return self._remember(folder, new, regions).found

    def _now(self, folder: Path, scan: RegionScan) -> _Known:
        """Return what is stored; called with the lock held."""
        known = self._known(folder)
        if known is not None:
            return known
        if _version(folder / _FILE) is None:
            record: dict[str, Any] = {
                "revision": 0,
                "present": 0,
                "scan": plain_scan(scan),
                "states": [{"what": "", "regions": []}],
            }
            return _Known((), record, StoredRegions(RegionSet(scan)))
        record = _load(folder)
        return self._remember(folder, record, _regions(folder, record, record["present"]))

    def _known(self, folder: Path) -> _Known | None:
        """Return what is remembered of a folder, where that is still so."""
        known = self._remembered.get(folder)
        return known if known is not None and known.version == _version(folder / _FILE) else None

    def _remember(self, folder: Path, record: Mapping[str, Any], regions: RegionSet) -> _Known:
        states, present = record["states"], record["present"]
        found = StoredRegions(
            regions,
            record["revision"],
            states[present]["what"] if present else "",
            states[present + 1]["what"] if present + 1 < len(states) else "",
        )
        known = _Known(_version(folder / _FILE) or (), record, found)
        self._remembered.pop(folder, None)
        self._remembered[folder] = known
        for oldest in list(self._remembered)[:-_MOST_REMEMBERED]:
            self._remembered.pop(oldest, None)
        return known


def _load(folder: Path) -> dict[str, Any]:
    record = read_record(
        folder / _FILE, _RECORD, tuple(_RECORD), largest=_LARGEST, version=_VERSION
    )
    if record["present"] >= len(record["states"]):
        message = (
            f"The record of regions {folder.name!r} is damaged: it stands at a change that is not "
            "there. Put the file back from a copy, or delete its folder."
        )
        raise MalformedFileError(message)
    return record


def _regions(folder: Path, record: Mapping[str, Any], present: int) -> RegionSet:
    entries = record["states"][present]["regions"]
    return RegionSet(
        scan_from_plain(record["scan"]),
        tuple(region_from_plain(entry, _read_points(folder, entry)) for entry in entries),
    )


def _kept(folder: Path, region: Any) -> dict[str, Any]:
    """Return a region as the record holds it; its points are written where they are new."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(region.points.dtype.str.encode())
    digest.update(np.ascontiguousarray(region.points).tobytes())
    path = _points_path(folder, digest.hexdigest())
    if not path.is_file():
        content = io.BytesIO()
        np.save(content, region.points, allow_pickle=False)
        write_atomic(path, content.getvalue())
    return {**plain_region(region), "points": digest.hexdigest()}


def _read_points(folder: Path, entry: Mapping[str, Any]) -> Points:
    path = _points_path(folder, entry["points"])
    try:
        return cast("Points", np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        message = (
            f"The points of the region {entry['name'][:80]!r} can't be read: the file "
            f"{'/'.join(path.parts[-3:])!r} is damaged or gone. Put it back from a copy, or delete "
            "the folder of this scan's regions."
        )
        raise MalformedFileError(message) from error


def _points_path(folder: Path, digest: str) -> Path:
    return folder / _POINTS / f"{digest}.npy"


def _bounded(states: list[Any]) -> list[Any]:
    """Return the newest states, at least the last two, so that one step back is possible."""
    entries = np.cumsum([len(state["regions"]) for state in reversed(states)])
    kept = min(_MOST_STATES, int(np.searchsorted(entries, _MOST_ENTRIES, side="right")))
    return states[-max(2, kept) :]


def _sweep(folder: Path, states: Sequence[Mapping[str, Any]]) -> None:
    """Remove points that no state refers to any more."""
    used = {entry["points"] for state in states for entry in state["regions"]}
    for path in (folder / _POINTS).glob("*.npy"):
        if path.stem not in used:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = file_lock(folder / _LOCK)
    try:
        lock.acquire()
    except OSError as error:
        raise _unusable(folder / _LOCK, error) from error
    try:
        yield
    finally:
        lock.release()


def _unusable(path: Path, error: OSError) -> MalformedFileError:
    message = (
        f"The regions of this scan can't be read: something else lies where "
        f"{'/'.join(path.parts[-3:])!r} belongs ({error.strerror}). Move it away, or delete the "
        "folder of this scan's regions."
    )
    return MalformedFileError(message)


def _version(path: Path) -> tuple[int, ...] | None:
    """Return numbers of which one changes when the file does; None where there is none."""
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    return state.st_ino, state.st_size, state.st_mtime_ns
