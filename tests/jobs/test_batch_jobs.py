"""A batch as a job: whoever stops it, what is finished stays, and one step goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from latentcore.artifacts import to_json
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.jobs import JobRecord, JobRunner
from latentcore.workflows.batch.ledger import read_ledger
from latentcore.workflows.batch.verb import BatchRequest

ROOT = Path(__file__).parents[2]
PATIENCE = 120
SERVER = """
import sys
from pathlib import Path
from latentcore.jobs import JobRunner
from latentcore.workflows.batch.verb import BatchRequest
runner = JobRunner(Path(sys.argv[1]))
runner.submit("batch", BatchRequest("map", tuple(sys.argv[3:]), sys.argv[2]))
sys.stdin.read()
"""
OPTIONS = to_json({"dim": [0]})


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    x, y = np.meshgrid(np.arange(6), np.arange(5))
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    values = np.random.default_rng(0).normal(size=(30, 1)).astype(np.float32)
    latents = LatentSet(values, default_sample_ids(30), np.arange(1, dtype=np.int32), grid)
    found = []
    for number in range(10):
        found.append(str(tmp_path / f"scan_{number}.h5"))
        write_latents(Path(found[-1]), latents)
    return tuple(found)


def until_begun(runner: JobRunner) -> JobRecord:
    """Wait until the batch has finished some inputs, and return it."""
    end = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < end
        for record in runner.list():
            if sum(row.state == "finished" for row in read_ledger(record.folder)) >= 2:
                return record
        time.sleep(0.02)


def finished(record: JobRecord) -> dict[str, int]:
    """Return when each finished input's results were written."""
    return {
        row.name: (record.folder / row.name / "run.json").stat().st_mtime_ns
        for row in read_ledger(record.folder)
        if row.state == "finished"
    }


def goes_on(runner: JobRunner, job: str, before: dict[str, int]) -> None:
    assert 2 <= len(before) < 10
    record = runner.wait(runner.rerun(job).id, PATIENCE)
    assert (record.state, record.attempt) == ("finished", 2), record.error
    after = finished(record)
    assert len(after) == 10
    assert {name: after[name] for name in before} == before


def test_batch_of_a_killed_server_is_interrupted_and_goes_on(
    tmp_path: Path, files: tuple[str, ...]
) -> None:
    command = [sys.executable, "-c", SERVER, str(tmp_path / "jobs"), OPTIONS, *files]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as server:
        (tmp_path / "jobs").mkdir(exist_ok=True)
        with JobRunner(tmp_path / "jobs") as runner:
            record = until_begun(runner)
            server.kill()
            server.wait()
            end = time.monotonic() + PATIENCE
            while Path(f"/proc/{record.pid}").exists():  # its worker ends with it
                assert time.monotonic() < end
                time.sleep(0.02)
            assert runner.get(record.id).state == "interrupted"
            goes_on(runner, record.id, finished(record))


def test_cancelled_batch_keeps_its_finished_rows(runner: JobRunner, files: tuple[str, ...]) -> None:
    job = runner.submit("batch", BatchRequest("map", files, OPTIONS)).id
    until_begun(runner)
    runner.cancel(job)
    record = runner.wait(job, PATIENCE)
    assert record.state == "cancelled"
    assert not record.finished
    goes_on(runner, job, finished(record))


def test_job_whose_inputs_all_failed_has_failed_and_one_with_some_says_so(
    runner: JobRunner, files: tuple[str, ...], tmp_path: Path
) -> None:
    gone = tuple(str(tmp_path / f"gone_{number}.h5") for number in range(2))

    def ended(*locations: str) -> JobRecord:
        job = runner.submit("batch", BatchRequest("map", locations, OPTIONS)).id
        return runner.wait(job, PATIENCE)

    whole, part, none = ended(files[0]), ended(files[0], *gone), ended(*gone)
    assert (whole.state, whole.error) == ("finished", "")
    assert (part.state, part.finished) == ("finished", True)
    assert part.error.startswith("2 of 3 inputs failed")
    assert (none.state, none.finished) == ("failed", False)
    assert none.error.startswith("All inputs failed")
    (tmp_path / "gone_0.h5").write_bytes(Path(files[0]).read_bytes())
    again = runner.wait(runner.rerun(none.id).id, PATIENCE)
    assert (again.state, again.error[:20]) == ("finished", "1 of 2 inputs failed")
