"""The deployment guide's proxies before the program: below a prefix, by the host's own name."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
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
EXAMPLES = REPOSITORY / "docs/deploy"
SERVER = {"server.baseUrlPath": "latent", "browser.serverAddress": HOST}

Proxy = Callable[[Path, str], AbstractContextManager[str]]


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Run nginx as the guide shows, but for the ports, until the block ends; yield its URL."""
    port = free_port()
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", "127.0.0.1:8501": upstream}
    example = _example("nginx.conf", changes)
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    whole = f"{user} daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
    whole += f"http {{ access_log off;\n{paths}\n{example}\n}}\n"
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    with _running(folder, port, "nginx", "-p", str(folder), "-c", f"{folder}/nginx.conf") as url:
        yield url


@contextmanager
def caddy(folder: Path, upstream: str) -> Iterator[str]:
    """Run Caddy as the guide shows, but for the ports and without a certificate."""
    port = free_port()
    site = f"{HOST} {{"
    own = f"{{\n\tadmin off\n}}\nhttp://{HOST}:{port} {{\n\tbind 127.0.0.1"
    (folder / "Caddyfile").write_text(
        _example("Caddyfile", {site: own, "127.0.0.1:8501": upstream}), encoding="utf-8"
    )
    with _running(folder, port, "caddy", "run", "--config", f"{folder}/Caddyfile") as url:
        yield url


def _example(name: str, changes: Mapping[str, str]) -> str:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for said, wanted in changes.items():
        assert text.count(said) == 1
        text = text.replace(said, wanted)
    return text


@contextmanager
def _running(folder: Path, port: int, program: str, *options: str) -> Iterator[str]:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        skip_or_fail(f"no {program} found; install it")
    running = subprocess.Popen([path, *options], env={**os.environ, "HOME": str(folder)})
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


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def upstream(workspace: Path) -> Iterator[str]:
    env = {"LATENT_WORKSPACE": str(workspace)}
    with streamlit_server(REPOSITORY / "app.py", env=env, options=SERVER) as url:
        yield url.split("/")[2]


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_everything_works_below_a_prefix_behind(
    proxy: Proxy, upstream: str, workspace: Path, tmp_path: Path
) -> None:
    patterns = np.random.default_rng(0).integers(0, 255, (9600, 1, 128, 128), np.uint8)
    large = write_kikuchi(tmp_path / f"{proxy.__name__}.h5", full_grid(120, 80), patterns)
    assert large.stat().st_size > 150e6
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    with proxy(tmp_path, upstream) as url, chromium(rules) as browser:
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
        [kept] = workspace.rglob(large.name)
        assert kept.stat().st_size == large.stat().st_size
