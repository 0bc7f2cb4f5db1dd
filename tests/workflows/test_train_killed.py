"""A training that was killed goes on to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

ROOT = Path(__file__).resolve().parents[2]
CLOCK = ["seconds", "patterns_per_s"]


def results(out: Path) -> dict[str, object]:
    """Return all that a training found out, without what the clock did."""
    weights = load_file(out / "model.safetensors")
    return {
        **{
            name: (values.dtype, values.shape, values.tobytes()) for name, values in weights.items()
        },
        "losses": pd.read_csv(out / "loss.csv", dtype=str).drop(columns=CLOCK).to_csv(),
        "worth": (out / "worth.json").read_bytes(),
        "pictures": (out / "reconstructions.png").read_bytes(),
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_trainings_killed_at_random_moments_go_on_to_the_same_bytes(tmp_path):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_training.py")), tmp_path, "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=850,
    )
    assert done.returncode == 0, done.stderr
    # All of these kills are at steps and writes, whatever the machine's pace.
    assert done.stdout.endswith("killed 10 of 10\n")
    assert results(tmp_path / "long-0") == results(tmp_path / "long")
    expected = results(tmp_path / "short")
    for number in range(6):
        assert results(tmp_path / f"short-{number}") == expected


PROGRAM = """
import os, signal, sys
from pathlib import Path
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.train.verb import TrainRequest

def step(done, total, message):
    if sys.argv[3] == "kill" and message.startswith("epoch 2"):
        os.kill(os.getpid(), signal.SIGKILL)

asked = TrainRequest(sys.argv[1], device="cpu", epochs=3, resume=True)
execute("train", asked, Path(sys.argv[2]), Progress(step))
"""


def train(scan: Path, out: Path, threads: int, end: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, scan, out, end],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)},
        check=False,
    )
    return done.returncode


def test_a_training_goes_on_with_the_threads_that_it_began_with(tmp_path):
    scan = write_kikuchi(tmp_path / "scan.h5", full_grid(12, 12), patterns(144, (24, 24)))
    assert train(scan, tmp_path / "whole", 2) == 0
    assert train(scan, tmp_path / "part", 2, "kill") == -signal.SIGKILL
    assert train(scan, tmp_path / "part", 1) == 0
    assert results(tmp_path / "part") == results(tmp_path / "whole")
