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
def test_trainings_killed_at_random_moments_go_on_to_the_same_bytes(tmp_path):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_training.py")), tmp_path, "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    # All of these kills are at steps and writes, whatever the machine's pace.
    assert done.stdout.endswith("killed 10 of 10\n")
    assert results(tmp_path / "long-0") == results(tmp_path / "long")
    expected = results(tmp_path / "short")
    for number in range(6):
        assert results(tmp_path / f"short-{number}") == expected


def command(scan: Path, out: Path, threads: int, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "latentcore", "train", str(scan), "--out", str(out), *more,
         "--device", "cpu", "--epochs", "4", "--batch-size", "128", "--resume"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@pytest.mark.parametrize("threads", [(2, 1), (1, 2)])
def test_a_training_goes_on_with_the_threads_that_it_began_with(tmp_path, threads):
    scan = write_kikuchi(tmp_path / "scan.h5", full_grid(16, 16), patterns(256, (40, 40)))
    first, then = threads
    whole = command(scan, tmp_path / "whole", first, "--quiet")
    assert whole.communicate()[1] == ""
    assert whole.returncode == 0
    started = command(scan, tmp_path / "part", first)
    with started:
        for line in started.stderr:
            if line.startswith("epoch 2"):
                started.send_signal(signal.SIGKILL)
    resumed = command(scan, tmp_path / "part", then, "--quiet")
    assert resumed.communicate()[1] == ""
    assert results(tmp_path / "part") == results(tmp_path / "whole")
