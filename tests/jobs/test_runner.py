"""Jobs in real threads and real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from latentcore.errors import RequestError, UnknownNameError
from latentcore.jobs import JobRecord, JobRunner
from tests.jobs.child.toy_verbs import HERE, ToyRequest

PLACES = ("toy", "toy-thread")
BACKGROUND = "toy-background"
# What is waited for comes; only where it never does is so much time spent.
PATIENCE = 120


LONG = 1_000_000


class Gate:
    """A file that jobs wait for before their last step."""

    def __init__(self, folder: Path) -> None:
        # Relative: the state of a file with an absolute path would be part of the question.
        self.path = os.path.relpath(folder / "gate")

    def open(self) -> None:
        Path(self.path).touch()


def until(true, timeout: float = PATIENCE) -> None:
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def running(runner: JobRunner, job: str) -> bool:
    record = runner.get(job)
    return record is not None and record.state == "running" and record.total > 0


def first_step(record: JobRecord) -> int:
    return json.loads((record.folder / "steps.json").read_text())["first"]


@pytest.mark.parametrize("verb", PLACES)
def test_job_finishes_and_leaves_its_run_folder(runner: JobRunner, verb: str) -> None:
    record = runner.submit(verb, ToyRequest("a"), title="A toy")
    assert record.active
    record = runner.wait(record.id, PATIENCE)
    assert (record.state, record.done, record.total) == ("finished", 3, 3)
    assert record.folder == runner.runs / f"{verb}-{record.id}"
    run = json.loads((record.folder / "run.json").read_text())
    assert record.run_id == run["run_id"]
    assert record.title == "A toy"
    assert runner.list() == [record]


def test_worker_process_has_low_priority_and_serves_the_next_job(runner: JobRunner) -> None:
    records = [runner.wait(runner.submit("toy", ToyRequest(name)).id, PATIENCE) for name in "ab"]
    notes = [json.loads((record.folder / "steps.json").read_text()) for record in records]
    assert notes[0]["pid"] == notes[1]["pid"] == records[0].pid != os.getpid()
    assert notes[0]["nice"] == os.nice(0) + 5


def test_thread_verb_gets_what_the_server_lends(tmp_path: Path) -> None:
    lent: list[str] = []

    @contextmanager
    def services():
        lent.append("lent")
        yield {"open_model": lambda location: f"model of {location}", "other": None}
        lent.append("given back")

    with JobRunner(tmp_path / "jobs", services=services) as runner:
        record = runner.wait(runner.submit("toy-lent", ToyRequest("a")).id, PATIENCE)
        assert json.loads((record.folder / "lent.json").read_text()) == {"model": "model of a"}
        plain = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
        assert plain.state == "finished"
        assert lent == ["lent", "given back"] * 2


@pytest.mark.parametrize("verb", PLACES)
def test_bad_input_is_reported_in_full_without_incident(runner: JobRunner, verb: str) -> None:
    record = runner.wait(runner.submit(verb, ToyRequest("a", trouble="refuse")).id, PATIENCE)
    assert record.state == "failed"
    assert record.error == "The number of steps is 3, but must be even. Give --steps 4."
    assert not record.folder.exists()


@pytest.mark.parametrize("verb", PLACES)
def test_surprise_is_an_incident_whose_details_are_only_in_the_log(
    runner: JobRunner, verb: str
) -> None:
    record = runner.wait(runner.submit(verb, ToyRequest("a", trouble="break")).id, PATIENCE)
    assert record.state == "failed"
    assert "secret" not in record.error
    incident = record.error.rpartition("incident ")[2].rstrip(".")
    assert f"incident {incident}" in runner.log_text(record.id)
    assert "ZeroDivisionError: a secret detail" in runner.log_text(record.id)


def test_want_of_memory_is_said_plainly(runner: JobRunner) -> None:
    record = runner.wait(
        runner.submit("toy-thread", ToyRequest("a", trouble="memory")).id, PATIENCE
    )
    assert "smaller batch size" in record.error


def test_killed_worker_fails_its_job_and_the_next_one_works(runner: JobRunner) -> None:
    record = runner.wait(runner.submit("toy", ToyRequest("a", trouble="die")).id, PATIENCE)
    assert record.state == "failed"
    assert "signal 9 (SIGKILL)" in record.error
    assert runner.wait(runner.submit("toy", ToyRequest("b")).id, PATIENCE).state == "finished"


@pytest.mark.parametrize("verb", PLACES)
def test_cancel_is_obeyed_and_a_resume_continues(
    runner: JobRunner, verb: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    job = runner.submit(verb, ToyRequest("a", steps=5, gate=gate.path)).id
    until(lambda: runner.get(job).done > 0)
    assert runner.cancel(job).cancelling
    record = runner.wait(job, PATIENCE)
    assert record.state == "cancelled"
    assert not record.folder.exists()
    reached = record.done
    assert 0 < reached < 5
    gate.open()
    again = runner.wait(runner.rerun(job).id, PATIENCE)
    assert (again.state, again.attempt) == ("finished", 2)
    assert first_step(again) >= reached
    assert again.stage_done == first_step(again)


def test_pause_is_a_cancel_that_is_remembered_until_the_job_goes_on(
    runner: JobRunner, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    job = runner.submit("toy-thread", ToyRequest("a", gate=gate.path)).id
    until(lambda: running(runner, job))
    asked = runner.cancel(job, pause=True)
    assert (asked.state, asked.cancelling, asked.paused) == ("running", True, True)
    record = runner.wait(job, PATIENCE)
    assert (record.state, record.paused) == ("cancelled", True)
    gate.open()
    assert not runner.rerun(job).paused
    again = runner.wait(job, PATIENCE)
    assert (again.state, again.paused, again.attempt) == ("finished", False, 2)


def test_deaf_job_is_ended_by_force_and_the_next_one_works(runner: JobRunner) -> None:
    job = runner.submit("toy", ToyRequest("a", trouble="deaf")).id
    until(lambda: running(runner, job))
    start = time.monotonic()
    runner.cancel(job)
    record = runner.wait(job, PATIENCE)
    assert record.state == "cancelled"
    assert time.monotonic() - start > 1.5, "it is given time to obey"
    assert "not listening" in runner.log_text(job)
    assert runner.wait(runner.submit("toy", ToyRequest("b")).id, PATIENCE).state == "finished"


@pytest.mark.parametrize("verb", PLACES)
def test_queued_job_waits_its_turn_and_can_be_cancelled(runner: JobRunner, verb: str) -> None:
    first = runner.submit(verb, ToyRequest("a", steps=LONG, pause=0.01)).id
    second = runner.submit(verb, ToyRequest("b")).id
    third = runner.submit(verb, ToyRequest("c")).id
    until(lambda: running(runner, first))
    ahead = [[one.id for one in runner.ahead(job)] for job in (first, second, third)]
    assert ahead == [[], [first], [first, second]]
    assert runner.cancel(second).state == "cancelled"
    runner.cancel(first)
    assert runner.wait(third, PATIENCE).state == "finished"
    assert runner.get(second).state == "cancelled"
    assert runner.wait(runner.submit(verb, ToyRequest("b")).id, PATIENCE).state == "finished"


def test_work_of_hours_in_the_background_keeps_nobody_waiting(runner: JobRunner) -> None:
    first = runner.submit(BACKGROUND, ToyRequest("a", steps=LONG, pause=0.01)).id
    second = runner.submit(BACKGROUND, ToyRequest("b")).id
    until(lambda: running(runner, first))
    assert [len(runner.ahead(job)) for job in (first, second)] == [0, 1]
    quick = runner.submit("toy", ToyRequest("c"))
    assert not runner.ahead(quick.id)
    quick = runner.wait(quick.id, PATIENCE)
    assert quick.state == "finished"
    assert runner.get(first).state == "running"
    assert runner.get(first).pid not in (quick.pid, os.getpid())
    runner.cancel(first)
    assert runner.wait(second, PATIENCE).state == "finished"
    assert runner.get(first).state == "cancelled"


def test_what_nobody_asked_for_keeps_nobody_waiting(runner: JobRunner) -> None:
    long = ToyRequest("a", steps=LONG, pause=0.01)
    first = runner.submit("toy", long, automatic=True)
    second = runner.submit("toy", ToyRequest("b"), automatic=True)
    until(lambda: running(runner, first.id))
    assert [one.id for one in runner.ahead(second.id)] == [first.id]
    asked = runner.submit("toy", ToyRequest("c"))
    assert not runner.ahead(asked.id)
    asked = runner.wait(asked.id, PATIENCE)
    assert asked.state == "finished"
    assert [runner.get(one.id).state for one in (first, second)] == ["running", "queued"]
    assert runner.get(first.id).pid not in (asked.pid, os.getpid())
    runner.cancel(first.id)
    second = runner.wait(second.id, PATIENCE)
    assert json.loads((second.folder / "steps.json").read_text())["nice"] == 19


def test_asking_for_what_waits_among_the_automatic_brings_it_forward(runner: JobRunner) -> None:
    first = runner.submit("toy", ToyRequest("a", steps=LONG, pause=0.01), automatic=True)
    waiting = runner.submit("toy", ToyRequest("b"), automatic=True)
    until(lambda: running(runner, first.id))
    asked = runner.submit("toy", ToyRequest("b"))
    assert (asked.id, asked.automatic, asked.attempt) == (waiting.id, False, 1)
    assert runner.submit("toy", ToyRequest("b"), automatic=True).automatic is False
    assert runner.wait(asked.id, PATIENCE).state == "finished"
    assert runner.get(first.id).state == "running"
    runner.cancel(first.id)
    runner.wait(first.id, PATIENCE)
    last = runner.submit("toy", ToyRequest("c"), automatic=True)
    assert runner.wait(last.id, PATIENCE).state == "finished"
    assert runner.get(asked.id).attempt == 1, "it was carried out once"


@pytest.mark.parametrize(("trouble", "state"), [(None, "cancelled"), ("refuse", "failed")])
def test_what_was_stopped_starts_again_only_if_somebody_asks(
    runner: JobRunner, trouble: str | None, state: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    request = ToyRequest("a", gate=gate.path, trouble=trouble)
    job = runner.submit("toy", request, automatic=True).id
    if trouble is None:
        until(lambda: running(runner, job))
        runner.cancel(job)
    assert runner.wait(job, PATIENCE).state == state
    assert runner.submit("toy", request, automatic=True) == runner.find("toy", request)
    assert runner.get(job).state == state
    gate.open()
    assert runner.submit("toy", request).attempt == 2
    assert runner.wait(job, PATIENCE).state == ("finished" if trouble is None else "failed")


def test_automatic_jobs_of_a_stopped_server_start_again_by_themselves(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    request = ToyRequest("a", gate=gate.path)
    with JobRunner(tmp_path / "jobs") as runner:
        job = runner.submit("toy", request, automatic=True).id
        until(lambda: running(runner, job))
    gate.open()
    with JobRunner(tmp_path / "jobs") as runner:
        assert runner.find("toy", request).state == "interrupted"
        again = runner.submit("toy", request, automatic=True)
        assert (again.id, again.automatic, again.attempt) == (job, True, 2)
        asked = runner.wait(runner.submit("toy", ToyRequest("b")).id, PATIENCE)
        assert asked.state == "finished"
        assert runner.wait(job, PATIENCE).state == "finished"


def test_same_question_is_one_job(runner: JobRunner, tmp_path: Path) -> None:
    file = tmp_path / "scan.h5"
    file.write_text("one")
    request = ToyRequest(str(file))
    first = runner.submit("toy-thread", request)
    assert runner.submit("toy-thread", request).id == first.id
    first = runner.wait(first.id, PATIENCE)
    assert runner.submit("toy-thread", replace(request, clobber=True)) == first
    assert runner.submit("toy-thread", replace(request, steps=4)).id != first.id
    assert runner.submit("toy", request).id != first.id
    file.write_text("another content")
    assert runner.submit("toy-thread", request).id != first.id


def test_lost_run_folder_is_made_again(runner: JobRunner) -> None:
    record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
    (record.folder / "run.json").unlink()
    again = runner.submit("toy-thread", ToyRequest("a"))
    assert (again.id, again.attempt) == (record.id, 2)
    assert runner.wait(again.id, PATIENCE).finished


def test_rerun_of_a_finished_job_replaces_its_answer(runner: JobRunner) -> None:
    record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
    again = runner.wait(runner.rerun(record.id).id, PATIENCE)
    assert (again.id, again.attempt, again.state) == (record.id, 2, "finished")
    assert again.request["clobber"] is True


def test_rest_of_a_finished_job_is_asked_for_without_replacing_its_answer(
    runner: JobRunner,
) -> None:
    record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
    rest = runner.wait(runner.rerun(record.id, rest=True).id, PATIENCE)
    assert (rest.id, rest.attempt, rest.request["clobber"]) == (record.id, 2, False)


def test_forget_removes_the_record_and_on_wish_the_run(runner: JobRunner) -> None:
    record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
    runner.forget(record.id)
    assert runner.get(record.id) is None
    assert record.folder.is_dir()
    record = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
    runner.forget(record.id, delete_run=True)
    assert not record.folder.exists()


def test_forget_refuses_what_is_active_or_elsewhere(runner: JobRunner, tmp_path: Path) -> None:
    active = runner.submit("toy-thread", ToyRequest("a", steps=LONG, pause=0.01)).id
    with pytest.raises(RequestError, match="Cancel it first"):
        runner.forget(active)
    runner.cancel(active)
    elsewhere = runner.submit("toy-thread", ToyRequest("b"), out=tmp_path / "elsewhere")
    runner.wait(elsewhere.id, PATIENCE)
    with pytest.raises(RequestError, match="outside the workspace"):
        runner.forget(elsewhere.id, delete_run=True)
    assert (tmp_path / "elsewhere" / "run.json").is_file()


def test_old_records_are_pruned_and_their_runs_stay(tmp_path: Path) -> None:
    with JobRunner(tmp_path / "jobs", keep=3) as runner:
        for name in "abcde":
            runner.wait(runner.submit("toy-thread", ToyRequest(name)).id, PATIENCE)
        assert len(runner.list()) <= 4
        assert len(list(runner.runs.glob("toy-thread-*"))) == 5


def test_unknown_jobs_and_verbs_are_reported(runner: JobRunner) -> None:
    assert runner.get("nothing") is None
    assert runner.get("../../etc") is None
    with pytest.raises(RequestError, match="no job 'nothing'"):
        runner.cancel("nothing")
    with pytest.raises(UnknownNameError, match="Did you mean 'toy'"):
        runner.submit("toyy", ToyRequest("a"))
    with pytest.raises(RequestError, match="writes no files"):
        runner.submit("toy-quiet", ToyRequest("a"))


def test_two_runners_share_a_folder_without_stealing(tmp_path: Path) -> None:
    request = ToyRequest("a", steps=LONG, pause=0.01)
    with JobRunner(tmp_path / "jobs") as one, JobRunner(tmp_path / "jobs") as other:
        job = one.submit("toy-thread", request).id
        until(lambda: running(other, job))
        assert other.submit("toy-thread", request).owner == one.get(job).owner
        with JobRunner(tmp_path / "jobs") as third:
            assert third.get(job).state == "running"
        assert one.get(job).state == "running"
        other.cancel(job)
        assert one.wait(job, PATIENCE).state == "cancelled"
        assert other.get(job).state == "cancelled"


@pytest.mark.parametrize("verb", PLACES)
def test_closed_runner_leaves_jobs_to_be_resumed(tmp_path: Path, verb: str) -> None:
    gate = Gate(tmp_path)
    request = ToyRequest("a", gate=gate.path)
    with JobRunner(tmp_path / "jobs") as runner:
        job = runner.submit(verb, request).id
        waiting = runner.submit(verb, ToyRequest("b")).id
        until(lambda: running(runner, job) and runner.get(job).done > 0)
    with pytest.raises(RequestError, match="is stopping"):
        runner.submit(verb, ToyRequest("c"))
    gate.open()
    with JobRunner(tmp_path / "jobs") as runner:
        assert runner.get(job).state == "interrupted"
        assert runner.get(waiting).state == "interrupted"
        again = runner.wait(runner.submit(verb, request).id, PATIENCE)
        assert (again.id, again.state, again.attempt) == (job, "finished", 2)
        assert first_step(again) > 0


SERVER = """
    import sys
    sys.path[:0] = [{here!r}, {root!r}]
    import toy_verbs
    toy_verbs.register()
    from pathlib import Path
    from latentcore.jobs import JobRunner
    runner = JobRunner(Path(sys.argv[1]))
    for verb in ("toy", "toy-thread", "toy-background"):
        runner.submit(verb, toy_verbs.ToyRequest("a", steps=1_000_000, pause=0.01))
    print("submitted", flush=True)
    sys.stdin.read()
"""


def test_jobs_of_a_killed_server_are_interrupted_and_its_worker_ends(tmp_path: Path) -> None:
    script = textwrap.dedent(SERVER).format(here=str(HERE), root=str(HERE.parents[2]))
    command = [sys.executable, "-c", script, str(tmp_path / "jobs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"submitted\n"
        with JobRunner(tmp_path / "jobs") as runner:
            jobs = {record.verb: record.id for record in runner.list()}
            until(lambda: all(runner.get(job).done > 0 for job in jobs.values()))
            workers = [runner.get(jobs[verb]).pid for verb in ("toy", BACKGROUND)]
            server.kill()
            server.wait()
            until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
            # Seen at once by a server that was there all the time…
            assert {runner.get(job).state for job in jobs.values()} == {"interrupted"}
        # … and by one that starts later; what was done is not done again.
        with JobRunner(tmp_path / "jobs") as runner:
            record = runner.get(jobs["toy"])
            assert (record.state, record.total) == ("interrupted", LONG)
            job = runner.rerun(record.id).id
            until(lambda: running(runner, job))
            assert runner.get(job).stage_done >= record.done > 0


def test_warm_worker_makes_automatic_jobs_wait_and_says_so(tmp_path: Path, monkeypatch) -> None:
    # The child's stand-in for latentcore.analysis.umap_embedding compiles until the gate opens.
    gate = Gate(tmp_path)
    monkeypatch.setenv("TOY_WARM_GATE", gate.path)
    with JobRunner(tmp_path / "jobs") as runner:
        runner.warm_up()
        until(lambda: runner.warming)
        job = runner.submit("toy", ToyRequest("a"), automatic=True).id
        assert runner.get(job).state == "queued"
        gate.open()
        assert runner.wait(job, PATIENCE).state == "finished"
        assert not runner.warming


def test_job_cancelled_while_its_worker_compiles_stays_cancelled(
    tmp_path: Path, monkeypatch
) -> None:
    gate = Gate(tmp_path)
    monkeypatch.setenv("TOY_WARM_GATE", gate.path)
    with JobRunner(tmp_path / "jobs") as runner:
        runner.warm_up()
        until(lambda: runner.warming)
        job = runner.submit("toy", ToyRequest("a"), automatic=True).id
        assert runner.cancel(job).state == "cancelled"
        gate.open()
        other = runner.submit("toy", ToyRequest("b"), automatic=True).id
        assert runner.wait(other, PATIENCE).state == "finished"
        assert (runner.get(job).state, runner.get(job).attempt) == ("cancelled", 1)


def test_idle_worker_stops_warming_by_itself(tmp_path: Path, monkeypatch) -> None:
    gate = Gate(tmp_path)
    monkeypatch.setenv("TOY_WARM_GATE", gate.path)
    with JobRunner(tmp_path / "jobs") as runner:
        runner.warm_up()
        until(lambda: runner.warming)
        gate.open()
        until(lambda: not runner.warming)
