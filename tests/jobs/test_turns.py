"""Who is next: a day of random arrivals, and the same with real workers."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace

import pytest

from latentcore.jobs import JobRecord, JobRunner
from latentcore.jobs.folder import JobFolder
from latentcore.jobs.turns import in_turn
from latentcore.jobs.usage import Usage, UsageLog
from tests.jobs.child.toy_verbs import ToyRequest
from tests.jobs.test_runner import LONG, PATIENCE, Gate, running, until

HOUR = 3600.0


def job(name: str, user: str, created: float) -> JobRecord:
    return JobRecord(id=name, verb="toy", request={}, out="", user=user, created=created)


@dataclass
class Worker:
    """One worker on a clock of its own, that takes whoever is next."""

    now: float = 1e9
    waiting: list[JobRecord] = field(default_factory=list)
    used: list[Usage] = field(default_factory=list)
    took: list[tuple[float, JobRecord]] = field(default_factory=list)

    def work(self, seconds: float) -> JobRecord:
        chosen = in_turn(self.waiting, self.used, self.now)[0]
        self.waiting.remove(chosen)
        self.took.append((self.now, chosen))
        self.used.append(Usage(chosen.user, "toy", self.now, self.now + seconds))
        self.now += seconds
        return chosen


@pytest.mark.parametrize("seed", range(8))
def test_random_arrivals_share_a_worker_evenly_and_nobody_starves(seed: int) -> None:
    rng = random.Random(seed)
    users = [f"user {n}" for n in range(rng.randint(2, 5))]
    longest = rng.choice([20.0, 300.0, 1500.0])
    start, worker = 1e9, Worker()
    arriving = [job(str(n), rng.choice(users), start + rng.uniform(0, 4 * HOUR)) for n in range(80)]
    arriving.sort(key=lambda one: one.created)
    while arriving or worker.waiting:
        while arriving and (arriving[0].created <= worker.now or not worker.waiting):
            worker.now = max(worker.now, arriving[0].created)
            worker.waiting.append(arriving.pop(0))
        before = {one.user for one in worker.waiting}
        order = in_turn(worker.waiting, worker.used, worker.now)
        assert sorted(one.id for one in order) == sorted(one.id for one in worker.waiting)
        assert worker.work(rng.uniform(1, longest)) == order[0]
        # Of those who wait all the time, nobody is left out for long.
        for user in before:
            shares = [at for at, one in worker.took if one.user == user]
            mine = [one for one in worker.waiting if one.user == user]
            since = max([*shares[-1:], *(one.created for one in mine[:1])], default=worker.now)
            assert worker.now - since < 2 * HOUR + len(users) * longest
    for user in users:
        mine = [one.created for _, one in worker.took if one.user == user]
        assert mine == sorted(mine), "first come, first served"


def test_users_who_always_want_a_worker_get_equal_time_though_their_jobs_differ() -> None:
    worker, length = Worker(), {"short": 20.0, "middle": 60.0, "long": 600.0}
    worker.waiting = [job(user, user, worker.now) for user in length]
    spent: dict[str, float] = defaultdict(float)
    while worker.now < 1e9 + 5 * HOUR:
        user = in_turn(worker.waiting, worker.used, worker.now)[0].user
        worker.work(length[user])
        spent[user] += length[user]
        worker.waiting.append(job(user, user, worker.now))
    # What was worked long ago counts for less, so that a long job weighs a little too little.
    assert [spent[user] / (5 * HOUR / 3) for user in length] == pytest.approx([1] * 3, abs=0.12)


def test_single_job_waits_for_no_more_than_the_running_one_of_a_hundred() -> None:
    worker = Worker()
    worker.waiting = [job(f"many {n}", "busy", worker.now + n) for n in range(100)]
    worker.work(30)
    worker.waiting.append(job("one", "guest", worker.now + 1000))
    assert worker.work(30).id == "one"
    assert worker.work(30).id == "many 1"


def test_one_user_is_served_in_the_order_of_arrival() -> None:
    jobs = [job(str(n), "", 1e9 + n) for n in range(10)]
    shuffled = random.Random(0).sample(jobs, 10)
    assert in_turn(shuffled, [Usage("", "toy", 1e9, 1e9 + 50)], 1e9 + 60) == jobs


def test_who_has_worked_all_day_waits_an_hour_at_most_for_who_begins() -> None:
    worker = Worker(used=[Usage("old", "toy", 1e9 - 12 * HOUR, 1e9)])
    worker.waiting = [
        job(f"{user} {n}", user, 1e9 + n) for n in range(100) for user in ("old", "new")
    ]
    while worker.work(60).user != "old":
        pass
    assert 0.5 * HOUR < worker.now - 1e9 <= HOUR + 120


def test_runner_takes_turns_and_tells_the_truth_about_who_comes_before(runner: JobRunner) -> None:
    def ask(name: str, user: str, **how: object) -> str:
        return runner.submit("toy-thread", ToyRequest(name, **how), user=user).id

    first = ask("a", "busy", steps=LONG, pause=0.01)
    until(lambda: running(runner, first))
    many = [ask(name, "busy") for name in "bcd"]
    alone = ask("e", "guest")
    assert [one.id for one in runner.ahead(alone)] == [first]
    assert [one.id for one in runner.ahead(many[0])] == [first, alone]
    assert [one.id for one in runner.ahead(many[2])] == [first, alone, *many[:2]]
    runner.cancel(first)
    ended = [runner.wait(one, PATIENCE) for one in (alone, *many)]
    starts = [record.started for record in ended]
    assert starts == sorted(starts)
    assert {record.state for record in ended} == {"finished"}
    assert set(runner.used(since=0)) == {"busy", "guest"}


def test_what_two_users_ask_for_is_done_once_in_the_turn_that_comes_first(
    runner: JobRunner,
) -> None:
    def ask(name: str, user: str, **how: object) -> JobRecord:
        return runner.submit("toy-thread", ToyRequest(name, **how), user=user)

    first = ask("a", "busy", steps=LONG, pause=0.01).id
    until(lambda: running(runner, first))
    many = [ask(name, "busy").id for name in "bcd"]
    both = ask("d", "guest")
    assert (both.id, both.user, both.also) == (many[2], "busy", ("guest",))
    assert ask("d", "guest") == ask("d", "busy") == runner.get(both.id)
    assert [one.id for one in runner.ahead(both.id)] == [first]
    assert [one.id for one in runner.ahead(many[1])] == [first, both.id, many[0]]
    runner.cancel(first)
    ended = {job: runner.wait(job, PATIENCE) for job in many}
    assert min(many, key=lambda job: ended[job].started) == both.id
    assert {(record.state, record.attempt) for record in ended.values()} == {("finished", 1)}


def test_what_was_worked_is_known_after_the_record_is_gone_and_after_a_restart(tmp_path) -> None:
    with JobRunner(tmp_path / "jobs", who=lambda: "busy") as runner:
        job = runner.wait(runner.submit("toy-thread", ToyRequest("a", pause=0.02)).id, PATIENCE)
        spent = runner.used(since=0)["busy"]
        assert spent == pytest.approx(job.elapsed())
        runner.forget(job.id)
    log = tmp_path / "jobs" / ".usage.jsonl"
    log.write_text(log.read_text() + 'half a line\n{"user": 3}\n{"user": "x", "queue"')
    with JobRunner(tmp_path / "jobs") as runner:
        assert runner.used(since=0) == {"busy": spent}
        assert runner.used(since=job.ended) == {"busy": 0.0}


def test_waiting_for_a_gpu_is_no_work_of_anybodys(tmp_path) -> None:
    gate = Gate(tmp_path)
    with JobRunner(tmp_path / "jobs", who=lambda: "busy") as runner:
        asked = ToyRequest("a", steps=2, pause=0.2, gate=gate.path)
        job = runner.submit("toy-thread", asked).id
        until(lambda: runner.get(job).waited > 0.3)
        assert runner.get(job).elapsed() < time.time() - runner.get(job).started - 0.3
        gate.open()
        ended = runner.wait(job, PATIENCE)
        assert ended.state == "finished"
        assert 0.3 < ended.waited <= ended.ended - ended.started - 0.4, "it did work, too"
        assert runner.used(since=0) == {"busy": pytest.approx(ended.elapsed())}


def test_job_of_a_verb_that_this_version_lacks_stops_nobody(tmp_path) -> None:
    with JobRunner(tmp_path / "jobs", who=lambda: "busy") as runner:
        strange = replace(job("abc", "guest", 1e9), verb="unheard-of", state="running", owner="x-1")
        JobFolder(tmp_path / "jobs" / "abc").create(replace(strange, started=1e9, updated=1e9 + 5))
        assert runner.get("abc").state == "interrupted"
        done = runner.wait(runner.submit("toy-thread", ToyRequest("a")).id, PATIENCE)
        assert done.state == "finished"
        assert runner.used(since=0).keys() == {"busy"}


def test_log_of_usage_keeps_a_day(tmp_path) -> None:
    log, now = UsageLog(tmp_path / "usage.jsonl"), time.time()
    new = Usage("x" * 1000, "toy", now - 10, now)
    old = replace(new, started=now - 30 * HOUR, ended=now - 25 * HOUR)
    for _ in range(150):
        log.add(old)
        log.add(new)
    assert log.entries() == (new,) * 150
    assert (tmp_path / "usage.jsonl").stat().st_size < 200_000
