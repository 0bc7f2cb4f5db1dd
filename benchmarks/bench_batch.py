"""A batch over S3 against its steps one after the other, and two Dask workers against one.

Run as ``python -m benchmarks.bench_batch``. The S3 server is on this machine, behind a line of
limited speed, so that the network takes about as long as the computing; both ways go over the same
line in the same run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from latentcore import settings as settings_module
from latentcore.artifacts import to_json
from latentcore.progress import Progress
from latentcore.storage import s3
from latentcore.storage.cache import cache_folder
from latentcore.workflows import execute
from latentcore.workflows.batch.tasks import Steps, Task
from latentcore.workflows.batch.verb import BatchRequest
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.storage.server import Line, Server, running_server

FILES = 6
SIDE = 60
POINTS = (40, 40)
BYTES_PER_S = 6_000_000
OPTIONS = {"checkpoint": "pca:30", "prepare": ["background=dynamic", "smooth=1"]}


class SlowLine(Line):
    """A line that carries so many bytes a second."""

    def _count(self, carried: int) -> None:
        super()._count(carried)
        time.sleep(carried / BYTES_PER_S)


def main() -> None:
    """Print both comparisons."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        line = SlowLine(server.url)
        _configure(server, line.url, Path(folder) / "workspace")
        locations = _series(server, Path(folder) / "scans")
        for way, action in (("one after the other", _in_turn), ("batch", _batch)):
            shutil.rmtree(cache_folder(), ignore_errors=True)
            start = time.perf_counter()
            action(locations, Path(folder) / way)
            took = time.perf_counter() - start
            print(f"{way:<22}{took:7.1f} s")
            if way == "one after the other":
                whole = took
        print(f"the batch takes 1/{whole / took:.2f} of the time")
        line.close()
        _compare_workers(sorted(str(path) for path in (Path(folder) / "scans").iterdir()), folder)


def _configure(server: Server, url: str, workspace: Path) -> None:
    os.environ |= {
        "LATENT_S3_ENDPOINT": url,
        "LATENT_WORKSPACE": str(workspace),
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    settings_module.settings.cache_clear()
    s3.client_for.cache_clear()


def _series(server: Server, folder: Path) -> list[str]:
    folder.mkdir()
    server.client.create_bucket(Bucket="scans")
    chance = np.random.default_rng(0)
    found = []
    for number in range(FILES):
        path = folder / f"scan_{number}.h5"
        images = chance.integers(0, 255, (POINTS[0] * POINTS[1], 1, SIDE, SIDE), np.uint8)
        write_kikuchi(path, full_grid(*POINTS), images)
        server.client.upload_file(str(path), "scans", f"series/{path.name}")
        found.append(f"s3://scans/series/{path.name}")
    return found


def _in_turn(locations: list[str], out: Path) -> None:
    for location in locations:
        name = Path(location).stem
        request = {"location": [location], **OPTIONS}
        task = Task(
            location, name, "", "extract", request, str(out / name), upload="s3://scans/in-turn"
        )
        steps = Steps(task)
        steps.fetch(Progress())
        steps.compute(Progress())
        steps.store(Progress())
        assert steps.row.state == "finished", steps.row.error


def _batch(locations: list[str], out: Path) -> None:
    request = BatchRequest("extract", tuple(locations), to_json(OPTIONS), upload="s3://scans/batch")
    assert execute("batch", request, out)["finished"] == FILES


def _compare_workers(files: list[str], folder: str) -> None:
    took = {}
    for workers in (1, 2):
        with _cluster(workers) as address:
            request = BatchRequest(
                "extract", tuple(files), to_json(OPTIONS), executor="dask", scheduler=address
            )
            start = time.perf_counter()
            execute("batch", request, Path(folder) / f"dask-{workers}")
            took[workers] = time.perf_counter() - start
        print(f"Dask, {workers} worker(s)     {took[workers]:7.1f} s")
    print(f"two workers take 1/{took[1] / took[2]:.2f} of the time of one")


@contextlib.contextmanager
def _cluster(workers: int) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": environment,
    }
    dask = [sys.executable, "-m", "dask"]
    host, port = address.removeprefix("tcp://").split(":")
    worker = [*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", host, "--port", port, "--no-dashboard"], **quiet
        ),
        *(subprocess.Popen(worker, **quiet) for _ in range(workers)),
    ]
    try:
        _wait_for_workers(address, workers)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_for_workers(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
        # The workers' first imports are no part of what is compared.
        client.run(_import_everything)


def _import_everything() -> None:
    import latentcore.encoders.pca
    import latentcore.workflows.extract.verb  # noqa: F401


if __name__ == "__main__":
    main()
