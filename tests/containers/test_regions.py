"""Regions keep their points in every file of their scan, and their JSON takes nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.artifacts.region_files import regions_json, regions_of
from latentcore.containers import (
    LatentSet,
    Region,
    RegionScan,
    RegionSet,
    ScanGrid,
    ScanPoints,
    default_sample_ids,
)
from latentcore.containers.provenance import InputRecord, Provenance
from latentcore.containers.scan_points import from_runs, node_keys, nodes_of, to_runs
from latentcore.errors import JoinError, MalformedFileError, RequestError, UnknownNameError
from tests.factories.kikuchi import full_grid

BLUE, RED = "#0072b2", "#d55e00"


def _points(columns: int = 6, rows: int = 4, **options: Any) -> ScanPoints:
    coords = full_grid(columns, rows, **options)
    return ScanPoints(ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]))


def _set(points: ScanPoints, **masks: Any) -> RegionSet:
    empty = RegionSet(points.scan)
    placed = empty.place(points)
    return empty.added(
        *(Region(name, BLUE, placed.points(np.asarray(mask))) for name, mask in masks.items())
    )


def _columns(points: ScanPoints, first: int, last: int) -> Any:
    assert points.grid is not None
    return (points.grid.x >= first) & (points.grid.x <= last)


@given(st.sets(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=1))
def test_runs_hold_what_keys_hold(nodes: set[tuple[int, int]]) -> None:
    row, col = np.array(sorted(nodes)).T
    keys = node_keys(row, col)
    np.testing.assert_array_equal(nodes_of(keys), (row, col))
    runs = to_runs(keys)
    np.testing.assert_array_equal(from_runs(runs), keys)
    # As few runs as there can be: one for each point without a neighbor on its left.
    assert len(runs) == sum((r, c - 1) not in nodes for r, c in nodes)


@given(
    st.lists(st.integers(0, 23), min_size=1), st.lists(st.integers(0, 23), min_size=1), st.data()
)
def test_algebra_and_json_follow_the_masks(a: list[int], b: list[int], data: st.DataObject) -> None:
    points = _points()
    masks = {name: np.isin(np.arange(24), rows) for name, rows in {"a": a, "b": b}.items()}
    regions = _set(points, **masks)
    wanted = {
        "union": masks["a"] | masks["b"],
        "intersection": masks["a"] & masks["b"],
        "difference": masks["a"] & ~masks["b"],
    }
    for how, mask in wanted.items():
        if not mask.any():
            with pytest.raises(RequestError, match=f"The {how} of 'a', 'b' holds no point"):
                regions.combined(how, ["a", "b"], name=how, color=RED)  # type: ignore[arg-type]
            continue
        regions = regions.combined(how, ["a", "b"], name=how, color=RED)  # type: ignore[arg-type]
    # Another file of the scan has its points in another order, and perhaps not all of them.
    assert points.grid is not None
    rows = np.array(data.draw(st.permutations(range(24))))[: data.draw(st.integers(20, 24))]
    read = regions_of(regions_json(regions))
    placed = read.place(ScanPoints(points.grid.take(rows), of="latents"))
    for name in read.names:
        mask = {**masks, **wanted}[name]
        np.testing.assert_array_equal(placed.mask(read.get(name).points), mask[rows])
        assert read.missing(placed).get(name, 0) == mask.sum() - mask[rows].sum()
    assert regions_json(read) == regions_json(regions)


def test_later_regions_lie_on_top() -> None:
    points = _points(6, 1)
    regions = _set(points, a=_columns(points, 0, 3), b=_columns(points, 2, 4))
    placed = regions.place(points)
    assert regions.labels(placed).tolist() == [0, 0, 1, 1, 1, -1]
    turned = regions.moved("a", 1)
    assert turned.names == ("b", "a")
    assert turned.labels(placed).tolist() == [1, 1, 1, 1, 0, -1]


def test_regions_are_edited_and_keep_their_id() -> None:
    points = _points()
    regions = _set(points, a=_columns(points, 0, 1), b=_columns(points, 3, 3))
    known = regions.get("a").id
    regions = regions.changed(known, name="pore", color=RED, note="dark", hidden=True)
    assert regions.get("pore").id == known
    assert regions.duplicated("pore").names == ("pore", "pore 2", "b")
    assert regions.without("pore").names == ("b",)
    with pytest.raises(RequestError, match="Two regions have the name 'b'"):
        regions.changed("pore", name="b")
    with pytest.raises(UnknownNameError, match=r"no region 'a', perhaps.*'pore', 'b'"):
        regions.without("a")
    with pytest.raises(RequestError, match="at least two regions, but got 1"):
        regions.combined("union", ["b", "b"], name="c", color=RED)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81, "\u202eevil", "NA", "-1"])
def test_names_that_tables_or_screens_would_garble_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match="can't be called"):
        Region(name, BLUE, np.array([0]))


def test_samples_without_a_grid_are_named_by_id() -> None:
    points = ScanPoints(None, np.array(["valid/3", "train/1", "train/2"]))
    regions = _set(points, a=[True, False, True])
    regions = regions_of(regions_json(regions))
    assert regions.get("a").points.tolist() == ["train/2", "valid/3"]
    other = ScanPoints(None, np.array(["train/2", "train/9"]))
    assert regions.place(other).mask(regions.get("a").points).tolist() == [True, False]
    numbered = _set(ScanPoints(None, default_sample_ids(3)), a=[True, False, True])
    with pytest.raises(JoinError, match="3 samples, but here are 4"):
        numbered.place(ScanPoints(None, default_sample_ids(4)))
    with pytest.raises(JoinError, match="which maps don't have"):
        numbered.place(_points())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (_points(6, 4, x0=50), "made on another scan: 24 of 24 points"),
        (_points(9, 4), "made on another scan: 12 of 36 points"),
        (_points(6, 4, step=2), r"steps of 1 and 1, but this one has steps of 2 and 2"),
        (ScanPoints(None, default_sample_ids(24)), "have no coordinates"),
    ],
)
def test_points_of_another_scan_are_refused(other: ScanPoints, message: str) -> None:
    points = _points()
    with pytest.raises(JoinError, match=message):
        _set(points, a=_columns(points, 0, 1)).place(other)


def test_samples_tell_scans_of_one_size_apart() -> None:
    points = replace(_points(), fingerprint="blake2b:aa")
    regions = _set(points, a=_columns(points, 0, 1))
    assert points.grid is not None
    made = Provenance("extract", {}, (InputRecord("s.h5", "", "blake2b:bb", "samples"),))
    latents = LatentSet(
        np.zeros((24, 1), np.float32), default_sample_ids(24), np.array([0], np.int32),
        grid=points.grid, fingerprint="blake2b:cc", provenance=made,
    )  # fmt: skip
    with pytest.raises(JoinError, match="'blake2b:aa', those of this one 'blake2b:bb'"):
        regions.place(ScanPoints.of_latents(latents))
    converted = regions.place(ScanPoints.of_latents(latents), same_scan=True)
    assert converted.mask(regions.get("a").points).sum() == 8
    # Latents that don't know their samples have a fingerprint of their own, which says nothing.
    assert len(regions.place(ScanPoints.of_latents(replace(latents, provenance=None)))) == 24


def _file(**changes: Any) -> str:
    points = _points()
    plain = json.loads(regions_json(_set(points, a=_columns(points, 0, 1))))
    return json.dumps({**plain, **changes})


def _region(**changes: Any) -> str:
    return _file(regions=[{**json.loads(_file())["regions"][0], **changes}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no JSON"),
        (_file()[:-9], "no JSON, or cut off"),
        ("[1]", "has no 'encoding-type'"),
        ("[" * 5_000, "no JSON"),
        ('{"run_id": 1}', "has no 'encoding-type'"),
        (_file(**{"encoding-version": "2"}), "of format version '2'.*reads format version '1'"),
        (_file(scan={"n": 1}), "lacks fields of a scan"),
        (_file(regions=[{"name": 3}]), "lacks fields of a scan or a region"),
        (_file(regions=json.loads(_file())["regions"] * 2), "Two regions have the name 'a'"),
        (_region(name="a\u0000"), "characters that are none"),
        (_region(color="red"), "'red' is not a color"),
        (_region(note="n" * 5_000), "has 5,000 characters"),
        (_region(runs=[]), "would hold no point"),
        (_region(runs=None), "lacks 'runs'"),
        (_region(runs=[[0, 0]]), "lists of three whole numbers"),
        (_region(runs=[[0, 0, 1.5]]), "lists of three whole numbers"),
        (_region(runs=[[0, 0, 10**9]]), "at most 64,000,000"),
        (_region(runs=[[0, 10**12, 1]]), "lists of three whole numbers"),
        (_region(source={"kind": "x" * 300_000}), "takes more than 256 kB"),
    ],
)
def test_files_that_are_none_are_refused_whole(content: str, message: str) -> None:
    with pytest.raises(MalformedFileError, match=message):
        regions_of(content, "'r.json'")


def test_a_scan_has_only_so_many_regions() -> None:
    scan = RegionScan(1, of="latents")
    one = Region("a", BLUE, np.array(["s"]))
    with pytest.raises(RequestError, match="2,001 regions are more than the 2,000"):
        RegionSet(scan, (one,) * 2_001)
