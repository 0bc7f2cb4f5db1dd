"""The guide's program for a Slurm site, with a stand-in for Slurm that starts its first job."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latentcore.artifacts import to_json
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.workflows import execute
from latentcore.workflows.batch.verb import BatchRequest

ROOT = Path(__file__).parents[2]
PATIENCE = 60
# Where the folder for it can be made, a job is the first.
SBATCH = """#!/bin/sh
job=$(mktemp "$JOBS/XXXXXX.sh")
cp "$1" "$job"
echo "Submitted batch job $$"
mkdir "$JOBS/first" 2>/dev/null || exit 0
cp "$1" "$JOBS/first/job.sh"
setsid sh "$JOBS/first/job.sh" >"$JOBS/first/log" 2>&1 &
echo $! >"$JOBS/first/pid"
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    (tmp_path / "jobs").mkdir()
    return tmp_path / "jobs"


@pytest.fixture
def scheduler(tmp_path: Path, jobs: Path) -> Iterator[str]:
    """Run the guide's program, in another folder than the one where the batch is asked for."""
    pytest.importorskip("dask_jobqueue")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", "#!/bin/sh\n"), ("squeue", "#!/bin/sh\n")):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    guide = (ROOT / "docs/guides/batch.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(from dask_jobqueue.*?)```", guide, re.DOTALL)
    assert found is not None
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "JOBS": str(jobs),
        "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__ENABLED": "False",
        "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
    }
    program = subprocess.Popen(
        [sys.executable, "-c", found[1]], cwd=programs, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        yield program.stdout.readline().strip()
    finally:
        program.communicate("\n", timeout=PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int((jobs / "first/pid").read_text()), signal.SIGKILL)


def test_batch_on_slurm_equals_one_here(
    scheduler: str, jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = np.meshgrid(np.arange(20), np.arange(15))
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    values = np.random.default_rng(0).normal(size=(300, 1)).astype(np.float32)
    latents = LatentSet(values, default_sample_ids(300), np.zeros(1, np.int32), grid)
    write_latents(tmp_path / "a.h5", latents)
    monkeypatch.chdir(tmp_path)  # files are named from here, where no worker runs
    files = ("a.h5", "none.h5")
    options = to_json({"dim": [0]})
    wait_for_worker(scheduler)
    asked = BatchRequest("map", files, options, executor="dask", scheduler=scheduler)
    assert execute("batch", asked, Path("out"))["finished"] == 1
    execute("batch", BatchRequest("map", files, options), Path("local"))
    [table] = Path("local").glob("a/*.csv")
    assert (Path("out/a") / table.name).read_bytes() == table.read_bytes()
    assert execute("batch", asked, Path("out"))["done_before"] == 1
    assert len(list(jobs.glob("*.sh"))) == 4
    first = (jobs / "first/job.sh").read_text()
    assert "#SBATCH --cpus-per-task=8" in first
    assert "--nthreads 1" in first
    assert "--nworkers" not in first, "several processes would share the job's GPU"


def wait_for_worker(scheduler: str) -> None:
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=PATIENCE)
