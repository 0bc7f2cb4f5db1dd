"""A batch on a real Dask scheduler with two worker processes, one of which is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts import to_json
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import Cancelled, RequestError
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.batch.ledger import read_ledger
from latentcore.workflows.batch.verb import BatchRequest

ROOT = Path(__file__).parents[2]
PATIENCE = 60
OPTIONS = to_json({"dim": [0]})


@contextlib.contextmanager
def started(*words: str) -> Iterator[subprocess.Popen]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    note = tmp_path_factory.mktemp("dask") / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note))
    with started("scheduler", *words):
        until(note.exists)
        until(lambda: '"address"' in note.read_text())
        yield json.loads(note.read_text())["address"]


@pytest.fixture
def workers(scheduler: str) -> Iterator[list[subprocess.Popen]]:
    words = ("worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    with started(*words) as one, started(*words) as two:
        until(lambda: count_workers(scheduler) == 2)
        yield [one, two]


def count_workers(scheduler: str) -> int:
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        return len(client.scheduler_info()["workers"])


def until(true) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    x, y = np.meshgrid(np.arange(40), np.arange(30))
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    found = []
    for number in range(6):
        values = np.random.default_rng(number).normal(size=(1200, 1)).astype(np.float32)
        path = tmp_path / f"s{number}.h5"
        write_latents(
            path, LatentSet(values, default_sample_ids(1200), np.zeros(1, np.int32), grid)
        )
        found.append(str(path))
    return tuple(found)


def test_killed_worker_costs_only_its_own_file(
    scheduler: str, workers: list[subprocess.Popen], files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed: list[float] = []

    def kill_one(done: int, total: int, message: str) -> None:
        if done >= 1 and not killed:
            workers[0].send_signal(signal.SIGKILL)
            killed.append(time.monotonic())

    request = BatchRequest(
        "map", (*files, str(tmp_path / "none.h5")), OPTIONS, executor="dask", scheduler=scheduler
    )
    summary = execute("batch", request, out, Progress(kill_one))
    assert killed
    assert (summary["finished"], summary["failed"]) == (6, 1)
    execute("batch", BatchRequest("map", files, OPTIONS), tmp_path / "local")
    for path in (tmp_path / "local").glob("*/*.csv"):
        assert (out / path.parent.name / path.name).read_bytes() == path.read_bytes()
    table = pd.read_csv(out / "batch.csv", keep_default_na=False)
    assert list(table.state) == ["finished"] * 6 + ["failed"]
    assert execute("batch", request, out)["done_before"] == 6


def test_cancelled_batch_leaves_the_cluster(
    scheduler: str, workers: list[subprocess.Popen], files: tuple[str, ...], tmp_path: Path
) -> None:
    def step(done: int, total: int, message: str) -> None:
        if done:
            progress.cancel()

    progress = Progress(step)
    request = BatchRequest("map", files, OPTIONS, executor="dask", scheduler=scheduler, workers=1)
    with pytest.raises(Cancelled):
        execute("batch", request, tmp_path / "out", progress)
    states = [row.state for row in read_ledger(tmp_path / "out")]
    assert 1 <= states.count("finished") < 6


def test_missing_cluster_is_reported(
    scheduler: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="has no workers"):
        asked = BatchRequest("map", files, OPTIONS, executor="dask", scheduler=scheduler)
        execute("batch", asked, tmp_path / "out")
    with pytest.raises(RequestError, match="No Dask scheduler answers"):
        asked = BatchRequest("map", files, OPTIONS, executor="dask", scheduler="tcp://127.0.0.1:9")
        execute("batch", asked, tmp_path / "out")
