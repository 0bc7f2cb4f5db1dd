"""Damaged records of jobs: told, and in the way of nobody else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentcore.jobs import JobRecord, JobRunner
from latentcore.jobs.folder import JobFolder
from latentcore.jobs.run_job import Outcome, read_outcome, write_outcome
from tests.artifacts.test_damaged_runs import values
from tests.factories.damage import KINDS, damage
from tests.jobs.child.toy_verbs import ToyRequest

GOOD = JobRecord(id="abc", verb="toy", request={}, out="/nowhere", state="cancelled").to_plain()
WRONG: dict[str, Any] = {
    "id": "another",
    "verb": None,
    "request": [],
    "out": 3,
    "title": ["a"],
    "state": "dancing",
    "created": "yesterday",
    "started": 1e300,
    "done": -3,
    "total": "many",
    "owner": 7,
    "paused": "no",
}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Where the records live, with a damaged one of each kind."""
    folder = tmp_path / "jobs"
    for kind in KINDS:
        damage(folder / f"file{kind}" / "job.json", kind)
    for field, value in WRONG.items():
        damage(
            folder / f"field{field}" / "job.json",
            field,
            {**GOOD, "id": f"field{field}"} | {field: value},
        )
    damage(folder / ".owners/9-ab/entry", "text")  # a folder where a file belongs
    return folder


def test_damaged_jobs_are_reported_and_others_run(records: Path) -> None:
    with JobRunner(records) as runner:
        assert runner.list() == []
        damaged = runner.damaged()
        assert set(damaged) == {f"file{kind}" for kind in KINDS} | {
            f"field{name}" for name in WRONG
        }
        for job, why in damaged.items():
            assert f"{job}/job.json" in why
            assert runner.get(job) is None
            assert runner.damage(job) == why
        assert runner.damage("nosuchjob") == runner.damage("../abc") == ""
        record = runner.submit("toy-thread", ToyRequest("a"))
        assert runner.wait(record.id, 60).state == "finished"
        assert [one.id for one in runner.list()] == [record.id]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_question_replaces_its_damaged_record(tmp_path: Path, kind: str) -> None:
    with JobRunner(tmp_path / "jobs") as runner:
        record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, 60)
        path = tmp_path / "jobs" / record.id / "job.json"
        path.unlink()
        damage(path, kind)
        assert runner.damage(record.id)
        again = runner.submit("toy-thread", ToyRequest("a"))
        assert again.id == record.id
        assert runner.wait(again.id, 60).state == "finished"
        assert runner.damage(record.id) == ""


# A folder in the place of run.json is no file of the run, and not removed.
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"folder", "loop"}))
def test_finished_job_whose_run_is_damaged_runs_again(tmp_path: Path, kind: str) -> None:
    with JobRunner(tmp_path / "jobs") as runner:
        record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, 60)
        assert record.finished
        (record.folder / "run.json").unlink()
        damage(record.folder / "run.json", kind)
        assert not runner.get(record.id).finished
        again = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, 60)
        assert (again.finished, again.attempt) == (True, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.sampled_from(sorted(GOOD)))
def test_any_json_is_a_record_or_damaged(tmp_path: Path, value: Any, field: str) -> None:
    folder = JobFolder(tmp_path / "abc")
    folder.path.mkdir(exist_ok=True)
    for plain in (value, {**GOOD, field: value}):
        (folder.path / "job.json").write_text(json.dumps(plain))
        record = folder.stored()
        assert (record is None) == bool(folder.damage())
        if record is not None:
            assert record.id == "abc"
            assert record.created >= 0
            assert record.elapsed() >= 0
            assert record.title.encode() is not None
            assert record.folder is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_any_json_in_place_of_progress_or_outcome_is_passed_over(
    tmp_path: Path, value: Any
) -> None:
    folder = JobFolder(tmp_path / "abc")
    record = JobRecord.from_plain(GOOD)
    folder.create(record)
    line = json.dumps({"done": 3, "total": 4, "updated": 5.0})
    (folder.path / "progress.jsonl").write_text(f"{line}\n{json.dumps(value)}\n")
    assert folder.with_progress(record).total in (3, 4, record.total)
    (folder.path / "outcome.json").write_text(json.dumps(value))
    assert read_outcome(folder) is None or isinstance(value, dict)
    write_outcome(folder, Outcome("failed", "why"))
    assert read_outcome(folder) == Outcome("failed", "why")


def test_owner_is_looked_for_among_the_owners_only(tmp_path: Path) -> None:
    from latentcore.jobs.owners import is_alive

    (tmp_path / ".owners").mkdir()
    for token in ("", "..", "../.lock", "/etc/passwd", "a" * 5000, "a\0b", os.fspath(tmp_path)):
        assert not is_alive(tmp_path, token)


def test_server_knows_of_itself_without_asking_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latentcore.jobs import owners

    owner, other = owners.Owner(tmp_path), owners.Owner(tmp_path)
    asked = []
    monkeypatch.setattr(owners, "is_alive", lambda folder, token: asked.append(token))
    assert owner.sees(owner.token)
    assert not owner.sees(other.token)
    owner.leave()
    assert not owner.sees(owner.token)
    assert asked == [other.token, owner.token]
    other.leave()
