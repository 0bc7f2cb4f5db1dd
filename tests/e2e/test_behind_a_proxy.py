"""The deployment guide's nginx in front of the program: below a prefix, by the host's own name."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.browser_support import (
    REPOSITORY,
    chromium,
    free_port,
    skip_or_fail,
    streamlit_server,
)
from tests.e2e.test_main_job import Explorer, download
from tests.factories.kikuchi import full_grid, write_kikuchi

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HOST = "lab.example.org"
EXAMPLE = REPOSITORY / "docs/deploy/nginx.conf"
SERVER = {"server.baseUrlPath": "latent", "browser.serverAddress": HOST}


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Run nginx as the guide shows, but for the ports, until the block ends; yield its URL."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        skip_or_fail("no nginx found; install it")
    port = free_port()
    example = EXAMPLE.read_text(encoding="utf-8")
    for said, wanted in (("listen 80;", f"listen 127.0.0.1:{port};"), ("127.0.0.1:8501", upstream)):
        assert example.count(said) == 1
        example = example.replace(said, wanted)
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    whole = f"{user} daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
    whole += f"http {{ access_log off;\n{paths}\n{example}\n}}\n"
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    running = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait(f"http://127.0.0.1:{port}/latent/healthz")
        yield f"http://{HOST}:{port}/latent"
    finally:
        running.terminate()
        running.wait(10)


def _wait(url: str) -> None:
    for _ in range(100):
        asked = urllib.request.Request(url, headers={"Host": HOST})
        try:
            with urllib.request.urlopen(asked, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"{url} never answered")


def test_everything_works_below_a_prefix_behind_nginx(tmp_path: Path) -> None:
    patterns = np.random.default_rng(0).integers(0, 255, (9600, 1, 128, 128), np.uint8)
    large = write_kikuchi(tmp_path / "large.h5", full_grid(120, 80), patterns)
    assert large.stat().st_size > 150e6
    (tmp_path / "proxy").mkdir()
    env = {"LATENT_WORKSPACE": str(tmp_path / "workspace")}
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    with (
        streamlit_server(REPOSITORY / "app.py", env=env, options=SERVER) as upstream,
        nginx(tmp_path / "proxy", upstream.split("/")[2]) as url,
        chromium(rules) as browser,
    ):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        refused = page.goto(f"{url}/metrics")
        assert refused is not None
        assert refused.status == 403, "the proxy speaks for anybody"
        explorer = Explorer(page, f"{url}/?embedding=pca")
        explorer.box("map", 0.2, 0.2, 0.6, 0.7)
        explorer.box_in_address("map")
        explorer.sees("Selection A: ")
        table, _ = download(page)
        assert len(table) > 1000
        assert not explorer.errors

        page.goto(f"{url}/data")
        page.locator("summary", has_text="Open files").click()
        page.locator("input[type=file]").first.set_input_files(large)
        page.get_by_text("120 × 80 points").first.wait_for(timeout=120_000)
        [kept] = (tmp_path / "workspace").rglob("large.h5")
        assert kept.stat().st_size == large.stat().st_size
