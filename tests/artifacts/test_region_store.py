"""Two browsers lose nothing of each other's regions, and every change can be taken back."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentcore.artifacts.region_store import RegionStore, StoredRegions
from latentcore.containers import Region, RegionScan, RegionSet, ScanGrid, ScanPoints
from latentcore.errors import MalformedFileError, RequestError, UnknownNameError
from tests.factories.kikuchi import full_grid

BLUE = "#0072b2"


def _scan(fingerprint: str = "blake2b:aa") -> RegionScan:
    coords = full_grid(6, 4)
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])
    return ScanPoints(grid, fingerprint=fingerprint).scan


def _add(store: RegionStore, name: str, node: int = 0) -> StoredRegions:
    region = Region(name, BLUE, np.array([node]))
    return store.change(_scan(), lambda regions: regions.added(region), f"keep {name!r}")


def test_regions_survive_and_are_seen_by_others(tmp_path: Path) -> None:
    here, there = RegionStore(tmp_path), RegionStore(tmp_path)
    assert len(here.read(_scan()).regions) == 0
    assert not list(tmp_path.iterdir())
    kept = _add(here, "a")
    assert there.read(_scan()).regions.names == ("a",)
    assert there.read(_scan()) is there.read(_scan())  # nothing is read twice
    second = there.change(_scan(), lambda r: r.changed("a", name="pore"), "rename 'a'")
    assert (kept.revision, second.revision, second.undo) == (1, 2, "rename 'a'")
    # The first browser still shows 'a': its id finds it, its old name no longer.
    with pytest.raises(UnknownNameError, match="no region 'a', perhaps any more"):
        here.change(_scan(), lambda r: r.without("a"), "delete")
    known = kept.regions.get("a").id
    here.change(_scan(), lambda r: r.changed(known, color="#000000"), "recolor")
    found = there.read(_scan()).regions.get("pore")
    assert (found.color, found.points.tolist()) == ("#000000", [0])
    assert len(there.read(_scan("blake2b:bb")).regions) == 0


def test_a_scan_of_which_nothing_can_be_kept_waits_for_no_fingerprint(tmp_path: Path) -> None:
    """That of a large file takes seconds, in which the page could be there."""
    fingerprint: Future[str] = Future()
    scan = replace(_scan(), fingerprint=fingerprint)  # type: ignore[arg-type]
    assert RegionStore(tmp_path / "none").read(scan).revision == 0
    _add(RegionStore(tmp_path), "a")
    larger = replace(_scan(), n=25, fingerprint=fingerprint)  # type: ignore[arg-type]
    assert RegionStore(tmp_path).read(larger).revision == 0
    assert not fingerprint.done()
    # Of as many points there are some: only the fingerprint tells whether they are this scan's.
    threading.Timer(0.2, fingerprint.set_result, ["blake2b:aa"]).start()
    assert RegionStore(tmp_path).read(scan).regions.names == ("a",)
    # Where a record is damaged, nobody knows how many.
    next(tmp_path.rglob("regions.json")).write_text("{}")
    fingerprint = Future()
    threading.Timer(0.2, fingerprint.set_result, ["blake2b:bb"]).start()
    waited = replace(_scan(), n=25, fingerprint=fingerprint)  # type: ignore[arg-type]
    assert RegionStore(tmp_path).read(waited).revision == 0
    assert fingerprint.done()


def test_changes_at_the_same_time_all_arrive(tmp_path: Path) -> None:
    def keep(browser: int) -> None:
        store = RegionStore(tmp_path)
        for number in range(5):
            _add(store, f"{browser}-{number}", browser)

    threads = [threading.Thread(target=keep, args=(browser,)) for browser in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = RegionStore(tmp_path).read(_scan())
    assert found.revision == 20
    assert set(found.regions.names) == {f"{b}-{n}" for b in range(4) for n in range(5)}


def test_steps_back_and_forth(tmp_path: Path) -> None:
    store = RegionStore(tmp_path)
    with pytest.raises(RequestError, match="nothing to undo"):
        store.undo(_scan())
    _add(store, "a", 1)
    seen = _add(store, "b", 2)
    back = store.undo(_scan(), seen.revision)
    assert (back.regions.names, back.undo, back.redo) == (("a",), "keep 'a'", "keep 'b'")
    with pytest.raises(RequestError, match="changed meanwhile"):
        store.undo(_scan(), seen.revision)
    assert store.undo(_scan()).regions.names == ()
    with pytest.raises(RequestError, match="nothing to undo"):
        store.undo(_scan())
    store.redo(_scan())
    forth = RegionStore(tmp_path).redo(_scan())
    assert [region.points.tolist() for region in forth.regions.regions] == [[1], [2]]
    with pytest.raises(RequestError, match="nothing to do again"):
        store.redo(_scan())
    # A new change after a step back ends what could be done again.
    store.undo(_scan())
    assert _add(store, "c", 3).redo == ""


def test_what_no_state_needs_is_removed(tmp_path: Path) -> None:
    store = RegionStore(tmp_path)
    for number in range(60):
        store.change(
            _scan(),
            lambda regions, n=number: RegionSet(  # type: ignore[misc]
                regions.scan, (Region("a", BLUE, np.array([n])),)
            ),
            "redraw",
        )
    assert len(list(tmp_path.rglob("*.npy"))) == 50
    for _ in range(49):
        last = store.undo(_scan())
    assert last.undo == ""
    assert last.regions.get("a").points.tolist() == [10]


def test_an_operation_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = RegionStore(tmp_path)
    _add(store, "a")
    with pytest.raises(RequestError, match="Two regions"):
        _add(store, "a")
    assert RegionStore(tmp_path).read(_scan()).revision == 1
    assert store.change(_scan(), lambda regions: regions, "nothing").revision == 1


@pytest.mark.parametrize("damage", ["cut", "other", "points"])
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    _add(RegionStore(tmp_path), "a")
    record = next(tmp_path.rglob("regions.json"))
    if damage == "cut":
        record.write_bytes(record.read_bytes()[:-20])
    elif damage == "other":
        record.write_text(record.read_text().replace('"present": 1', '"present": 7'))
    else:
        next(tmp_path.rglob("*.npy")).write_bytes(b"no array")
    with pytest.raises(MalformedFileError, match="damaged"):
        RegionStore(tmp_path).read(_scan())
