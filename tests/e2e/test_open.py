"""``python -m latentcore open``, as somebody types it, and what the browser then shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from tests.browser_support import REPOSITORY, free_port
from tests.factories.kikuchi import full_grid, write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PATIENCE = 120_000
PROBE = "[...window.__latentPanels][0]"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A scan with a map and latents, and a file that nobody opens."""
    folder = tmp_path / "mine"
    folder.mkdir()
    coords = full_grid(12, 10)
    x, y = coords.T
    write_kikuchi(folder / "scan.h5", coords)
    write_kikuchi(folder / "secret.h5", coords)
    table = pd.DataFrame({"x": x, "y": y})
    table.assign(Fe=x * 1.5).to_csv(folder / "iron.csv", index=False)
    table.assign(latent_d0=np.sin(x / 3), latent_d1=np.cos(y / 3)).to_csv(
        folder / "latents.csv", index=False
    )
    return folder


@pytest.fixture
def link(mine: Path, tmp_path: Path) -> Iterator[str]:
    """Type the command; return the link that it prints."""
    command = [sys.executable, "-m", "latentcore", "open", "scan.h5", "latents.csv"]
    command += ["--map", "iron.csv:Fe", "--port", str(free_port()), "--no-browser"]
    env = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LATENT_WORKSPACE": str(tmp_path / "workspace"),
    }
    with subprocess.Popen(command, cwd=mine, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        try:
            for line in process.stderr:
                lines.append(line)
                if line.startswith("Latent Explorer: "):
                    break
            else:
                pytest.fail("".join(lines))
            # A full pipe would stop the server.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield line.removeprefix("Latent Explorer: ").strip()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def test_ones_own_scan_is_in_view_and_nothing_beside_it(page, link: str) -> None:
    page.goto(link)
    page.wait_for_function(
        f"window.__latentPanels?.size && {PROBE}.firstDrawing > 0", timeout=PATIENCE
    )
    query = parse_qs(urlsplit(page.url).query)
    assert query["samples"] == ["opened:scan.h5"]
    assert query["latents"] == ["opened:latents.csv"]
    assert "opened:iron.csv" in query["maps"]
    assert query["reference"] == ["Fe"]
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.hover()  # on Explore it opens only then
    for part, name in {"Patterns": "scan.h5", "Latents": "latents.csv"}.items():
        assert sidebar.get_by_role("combobox", name=part).first.input_value() == name
    sidebar.get_by_text("iron.csv").first.wait_for(timeout=PATIENCE)
    page.goto(link.replace("opened:scan.h5", "opened:secret.h5"))
    page.get_by_text("is no place that this server may read").first.wait_for(timeout=PATIENCE)
