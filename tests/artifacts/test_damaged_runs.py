"""A damaged ``run.json`` is no run, and what is wrong with it is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.artifacts import RunFolder, read_run, run_damage
from latentcore.errors import InputError
from tests.factories.damage import KINDS, damage

GOOD: dict[str, Any] = {
    "encoding-type": "latentcore-run",
    "encoding-version": "1",
    "run_id": "ab12",
    "verb": "extract",
    "request": {"location": ["scan.h5"], "seed": 0},
    "inputs": [{"location": "/a", "reader": "x", "fingerprint": "y", "role": "samples"}],
    "parents": ["cd34"],
    "seed": 0,
    "versions": {"python": "3"},
    "created": "2026-01-01T00:00:00+00:00",
    "summary": {"n": 3, "notes": ["one"], "worth": None, "device": "cpu", "seconds": 1.5},
    "files": {"sub/a.csv": {"sha256": "00", "bytes": 3}},
}
WRONG: dict[str, Any] = {
    "verb": 3,
    "run_id": ["a"],
    "created": 2026,
    "request": [],
    "versions": "all",
    "inputs": [1],
    "parents": "ab12",
    "seed": "seven",
    "summary": [],
    "files": ["a.csv"],
}
WRONG_WITHIN: dict[str, tuple[str, Any]] = {
    "an input with a list as role": ("inputs", [{**GOOD["inputs"][0], "role": ["samples"]}]),
    "an input at a number": ("inputs", [{**GOOD["inputs"][0], "location": 7}]),
    "a count as text": ("summary", {"n_encoded": "many"}),
    "a negative count": ("summary", {"n": -1}),
    "no number": ("summary", {"explained_variance": True}),
    "notes as text": ("summary", {"notes": "one"}),
    "a size as text": ("files", {"a": {"sha256": "", "bytes": "3"}}),
    "a file elsewhere": ("files", {"../../secret": {"sha256": "", "bytes": 3}}),
    "a file at the root": ("files", {"/etc/passwd": {"sha256": "", "bytes": 3}}),
}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def write(folder: Path, record: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_good_record_and_missing_one_are_not_damaged(tmp_path: Path) -> None:
    assert read_run(write(tmp_path / "good", GOOD)) == GOOD
    assert run_damage(tmp_path / "good") == ""
    for missing in (tmp_path, tmp_path / "nowhere", tmp_path / "good/run.json"):
        assert read_run(missing) is None
        assert run_damage(missing) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_else_lies_there_is_reported(tmp_path: Path, kind: str) -> None:
    damage(tmp_path / "runs/a/run.json", kind)
    assert read_run(tmp_path / "runs/a") is None
    message = run_damage(tmp_path / "runs/a")
    assert message.startswith("The record 'runs/a/run.json' is damaged: it ")
    assert "delete the folder" in message
    assert str(tmp_path) not in message


@pytest.mark.parametrize("field", WRONG)
def test_field_of_another_kind_is_reported_by_its_name(tmp_path: Path, field: str) -> None:
    folder = write(tmp_path / "a", {**GOOD, field: WRONG[field]})
    assert read_run(folder) is None
    assert f"something else for {field}" in run_damage(folder)


@pytest.mark.parametrize("what", WRONG_WITHIN)
def test_so_is_one_within_a_field(tmp_path: Path, what: str) -> None:
    field, value = WRONG_WITHIN[what]
    folder = write(tmp_path / "a", {**GOOD, field: value})
    assert read_run(folder) is None
    assert f"something else for {field}" in run_damage(folder)


@given(values, st.sampled_from(sorted(GOOD)))
def test_what_is_returned_is_always_of_the_kinds_that_a_run_writes(
    tmp_path_factory: pytest.TempPathFactory, value: Any, field: str
) -> None:
    folder = tmp_path_factory.mktemp("run")
    for record in (value, {**copy.deepcopy(GOOD), field: value}):
        run = read_run(write(folder, record))
        assert (run is None) == bool(run_damage(folder))
        if run is None:
            continue
        assert isinstance(run["verb"], str)
        for entry in run.get("inputs", []):
            assert {type(entry[name]) for name in ("location", "role")} == {str}
        assert all(entry["bytes"] >= 0 for entry in run.get("files", {}).values())
        assert isinstance(run.get("summary", {}).get("n", 0), int)
        assert ", ".join(run.get("parents", [])).encode() is not None


def test_run_beside_a_damaged_one_has_no_parent_and_is_written(tmp_path: Path) -> None:
    damage(tmp_path / "first/run.json", "list")
    with RunFolder(tmp_path / "second", verb="map", request={}) as folder:
        folder.add_input(str(tmp_path / "first/latents.h5"), "x", "y", "latents")
        assert folder.commit({})["parents"] == ()


def test_damaged_record_is_replaced_by_another_run_but_no_folder_is(tmp_path: Path) -> None:
    for kind in ("truncated", "binary"):
        damage(tmp_path / kind / "run.json", kind)
        with RunFolder(tmp_path / kind, verb="map", request={}) as folder:
            folder.commit({})
        assert read_run(tmp_path / kind) is not None
    damage(tmp_path / "out/run.json", "folder")
    with (
        pytest.raises(InputError, match=r"run.json' is a folder"),
        RunFolder(tmp_path / "out", verb="map", request={}),
    ):
        pass
