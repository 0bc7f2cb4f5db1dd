"""Jobs on a disk that has really no room left: said, nothing lost, and all goes on with room."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentcore.jobs import JobRunner
from tests.jobs.child.toy_verbs import ToyRequest
from tests.jobs.test_runner import PATIENCE, PLACES, Gate, first_step, running, until
from tests.small_disk import SmallDisk, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 2) as mounted:
        yield mounted


@pytest.mark.parametrize("verb", PLACES)
def test_jobs_end_on_a_full_disk_and_say_so_and_go_on_when_there_is_room(
    disk: SmallDisk, tmp_path: Path, verb: str
) -> None:
    gate, elsewhere = Gate(tmp_path), tmp_path / "elsewhere"
    jobs = disk.path / "jobs"
    with JobRunner(jobs) as runner, JobRunner(jobs) as other:
        writes_here = runner.submit(verb, ToyRequest("a", gate=gate.path)).id
        waits = runner.submit(verb, ToyRequest("b")).id
        writes_there = runner.submit(verb, ToyRequest("c"), out=elsewhere).id
        until(lambda: running(runner, writes_here) and runner.get(writes_here).done > 0)
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            runner.submit(verb, ToyRequest("d"))
        gate.open()
        for job in (writes_here, waits):
            ended = runner.wait(job, PATIENCE)
            assert ended.state == "failed"
            assert ended.error == (
                "The server's disk is full. Delete runs that nobody needs, then resume."
            )
        assert runner.wait(writes_there, PATIENCE).state == "finished"
        assert (elsewhere / "run.json").is_file()
        assert len(runner.list()) == 3
        assert runner.works
        disk.make_room()
        states = {writes_here: "failed", waits: "failed", writes_there: "finished"}
        assert {record.id: record.state for record in runner.list()} == states
        assert {record.id: record.state for record in other.list()} == states
        again = runner.wait(runner.rerun(writes_here).id, PATIENCE)
        assert (again.state, again.attempt) == ("finished", 2)
        assert first_step(again) > 0
        assert runner.wait(runner.rerun(waits).id, PATIENCE).state == "finished"


def test_what_waits_can_be_cancelled_on_a_full_disk(disk: SmallDisk, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    with JobRunner(disk.path / "jobs") as runner:
        runs = runner.submit("toy-thread", ToyRequest("a", steps=1, gate=gate.path)).id
        waits = runner.submit("toy-thread", ToyRequest("b")).id
        until(lambda: running(runner, runs))
        disk.fill()
        assert runner.cancel(waits).state == "cancelled"
        runner.cancel(runs)
        assert runner.wait(runs, PATIENCE).state == "cancelled"
        disk.make_room()
        assert {record.state for record in runner.list()} == {"cancelled"}
    with JobRunner(disk.path / "jobs") as runner:
        assert {record.state for record in runner.list()} == {"cancelled"}


@pytest.mark.parametrize("change", ["fill", "read-only"])
def test_jobs_of_a_server_that_is_gone_are_shown_as_interrupted_without_a_record_of_it(
    disk: SmallDisk, tmp_path: Path, change: str
) -> None:
    gate = Gate(tmp_path)
    runner = JobRunner(disk.path / "jobs")
    job = runner.submit("toy", ToyRequest("a", gate=gate.path)).id
    until(lambda: running(runner, job))
    other = JobRunner(disk.path / "jobs")
    disk.fill()
    with contextlib.suppress(OSError):
        runner.close()
    with disk.read_only() if change == "read-only" else contextlib.nullcontext():
        assert other.get(job).state == "interrupted"
        assert [record.state for record in other.list()] == ["interrupted"]
    disk.make_room()
    gate.open()
    assert other.wait(other.rerun(job).id, PATIENCE).state == "finished"
    other.close()
