"""The deployment guide's unit, as systemd reads it; its proxies are run in `tests.e2e`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "docs/deploy/latent-explorer.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    programs = str(Path(sys.executable).parent)
    text = UNIT.read_text(encoding="utf-8")
    assert "/opt/latent-explorer/.venv/bin/streamlit" in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/latent-explorer/.venv/bin", programs), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
