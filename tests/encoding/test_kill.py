from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def test_extraction_killed_at_ten_random_moments_resumes_to_the_same_bits(tmp_path):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_extraction.py")), tmp_path, "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    whole = (tmp_path / "whole.npy").read_bytes()
    assert np.isnan(np.load(tmp_path / "whole.npy")).any()
    for number in range(10):
        assert (tmp_path / f"part{number}.npy").read_bytes() == whole
        values = (tmp_path / f"part{number}" / "latents.f32").read_bytes()
        assert values == (tmp_path / "whole" / "latents.f32").read_bytes()
    killed = int(re.search(r"killed (\d+)", done.stdout)[1])
    resumed = [int(rows) for rows in re.findall(r"resumed (\d+)", done.stdout)]
    # Most kills must have hit a run in progress, and most resumes must have found work done.
    assert killed >= 8
    assert sum(0 < rows < 640 for rows in resumed) >= 6
