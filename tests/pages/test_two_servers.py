"""Two servers on one workspace, each a process of its own: this one with its pages, and another."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentcore.jobs import JobRecord, request_of
from latentcore.workflows import VERBS
from pages.jobs.panel import runner
from pages.jobs.server import server_runner
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.jobs.child.toy_verbs import HERE
from tests.jobs.test_runner import PATIENCE, until
from tests.pages.conftest import OpenPage

# The most that are asked at once: of those that take long, fewer.
AT_ONCE = {"train": 3, "cluster": 25, "project": 25}
ENDLESS = 1_000_000


class OtherServer:
    """Answers one question after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self.answer() == "ready"

    def ask(self, **question: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def told(self) -> JobRecord:
        return JobRecord.from_plain(json.loads(self.answer()))

    def submit(self, verb: str, request: object) -> JobRecord:
        self.ask(verb=verb, request=plain(request))
        return self.told()

    def get(self, job: str) -> JobRecord:
        self.ask(job=job)
        return self.told()


@contextlib.contextmanager
def other_server(workspace: Path, **env: str) -> Iterator[OtherServer]:
    command = [sys.executable, str(HERE / "other_server.py"), str(workspace / "jobs")]
    path = os.pathsep.join([str(HERE), str(HERE.parents[2])])
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield OtherServer(process)
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def here(workspace: Path) -> Iterator[None]:
    """The server of this process, which ends before its workspace does."""
    (workspace / "jobs").mkdir(parents=True)
    yield
    server_runner().close()


@pytest.fixture
def requests(data_root: Path) -> Mapping[str, Any]:
    """For each verb a function that makes a request of a number."""
    coords = full_grid(6, 5)
    write_kikuchi(data_root / "scan.h5", coords)
    path = data_root / "latents.csv"
    np.savetxt(
        path, np.column_stack([coords, np.random.default_rng(0).normal(size=(30, 3))]),
        delimiter=",", header="x,y,latent_0,latent_1,latent_2", comments="",
    )  # fmt: skip
    given: dict[str, dict[str, Any]] = {
        "train": {"location": str(data_root / "scan.h5"), "latent_dim": 2, "epochs": 1},
        "cluster": {"latents": str(path), "dims": ("0",), "method": "kmeans"},
        "project": {"latents": str(path), "method": "pca"},
    }
    return {
        verb: lambda number, verb=verb, **more: VERBS.get(verb).request(
            **{**given[verb], "seed": number, **more}
        )
        for verb in AT_ONCE
    }


def plain(request: object) -> Any:
    return json.loads(json.dumps(request_of(request), default=str))


def worked(workspace: Path) -> int:
    """Return how many jobs have worked, however they ended."""
    return len((workspace / "jobs" / ".usage.jsonl").read_text().splitlines())


@pytest.mark.parametrize("verb", AT_ONCE)
def test_what_both_are_asked_at_once_is_computed_once(
    workspace: Path, requests: Mapping[str, Any], verb: str
) -> None:
    asked = [requests[verb](number) for number in range(AT_ONCE[verb])]
    with other_server(workspace) as other:
        for request in asked:
            other.ask(verb=verb, request=plain(request))
        jobs = [runner().submit(verb, request).id for request in asked]
        assert [other.told().id for _ in jobs] == jobs
        for job in jobs:
            ended = runner().wait(job, PATIENCE)
            assert ended.state == "finished", (ended.error, runner().log_text(job))
            assert ended.attempt == 1
            assert other.get(job) == ended
        assert worked(workspace) == len(jobs)
        # Asked again on either, it is found.
        again = (runner().submit(verb, asked[0]), other.submit(verb, asked[0]))
        assert {record.attempt for record in again} == {1}


@pytest.mark.parametrize("verb", AT_ONCE)
def test_a_job_of_the_other_is_cancelled_from_a_page_of_this_one(
    workspace: Path, requests: Mapping[str, Any], open_page: OpenPage, tmp_path: Path, verb: str
) -> None:
    with held(workspace, tmp_path, verb) as other:
        job = other.submit(verb, endless(requests, verb)).id
        until(lambda: runner().get(job).done > 0 or runner().get(job).message == "held")
        app = open_page("runs")
        app.button(key=f"cancel_{job}").click().run()
        assert not app.exception
        assert runner().wait(job, PATIENCE).state == "cancelled"
        assert other.get(job).state == "cancelled"
        assert open_page("runs").dataframe[0].value["State"].tolist() == ["– cancelled"]


@pytest.mark.parametrize("verb", AT_ONCE)
def test_jobs_of_a_killed_server_are_interrupted_here_and_resumed_by_a_page(
    workspace: Path, requests: Mapping[str, Any], open_page: OpenPage, tmp_path: Path, verb: str
) -> None:
    with held(workspace, tmp_path, verb) as other:
        works = other.submit(verb, endless(requests, verb)).id
        waits = other.submit(verb, requests[verb](7)).id
        until(lambda: runner().get(works).done > 0 or runner().get(works).message == "held")
        worker = runner().get(works).pid
        assert runner().get(waits).state == "queued"
        other.process.kill()
        other.process.wait()
        assert {record.state for record in runner().list()} == {"interrupted"}
        until(lambda: not Path(f"/proc/{worker}").exists())
    listed = open_page("runs").dataframe[0].value["State"]
    assert listed.tolist() == ["– interrupted"] * 2
    app = open_page("runs", run=waits)
    app.button(key=f"again_{waits}").click().run()
    ended = runner().wait(waits, PATIENCE)
    assert (ended.state, ended.attempt) == ("finished", 2), runner().log_text(waits)


def held(
    workspace: Path, tmp_path: Path, verb: str
) -> contextlib.AbstractContextManager[OtherServer]:
    """Return another server on which the verb goes on until it is stopped."""
    gate = {} if verb == "train" else {"TOY_HELD": verb, "TOY_GATE": str(tmp_path / "gate")}
    return other_server(workspace, **gate)


def endless(requests: Mapping[str, Any], verb: str) -> object:
    return requests[verb](1, **({"epochs": ENDLESS} if verb == "train" else {}))
