"""A real browser and a real server for tests: find Chromium, start Streamlit, wait, stop.

Import the fixtures into a ``conftest.py``: ``from tests.browser_support import browser, page``.
Without playwright or Chromium such tests are skipped and say so; with LATENT_REQUIRE_BROWSER=1
they fail instead. LATENT_CHROMIUM names a Chromium that is not on the path.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Two hidden pages were made with each, for the address bar: most of what an empty page costs.
    # Playwright's own list is not added to, so what matters of it stands here again.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,HttpsUpgrades,PaintHolding",
)


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    named = os.environ.get("LATENT_CHROMIUM")
    if named:
        return named
    found = (shutil.which(name) for name in CHROMIUM_NAMES)
    return next((path for path in found if path), None)


def skip_or_fail(reason: str) -> None:
    """Skip the test, or fail where a browser is required."""
    if os.environ.get("LATENT_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} (LATENT_REQUIRE_BROWSER=1)")
    pytest.skip(reason)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start Chromium, with more flags where given; skips or fails the test where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("playwright is not installed")
    path = find_chromium()
    if path is None:
        skip_or_fail("no Chromium found; install one or set LATENT_CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *flags])
        try:
            yield running
        finally:
            running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module; longer, its event loop would be in the way of other tests."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of 1400 × 1000 pixels with a session of its own."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    try:
        yield context.new_page()
    finally:
        context.close()


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def streamlit_server(
    script: Path,
    *,
    env: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    timeout: float = 60.0,
) -> Iterator[str]:
    """Run ``streamlit run script`` on a free port of the loopback interface until the block ends.

    Parameters
    ----------
    script : Path
        A page, or a module with an ``st.App``.
    env : mapping, optional
        Environment variables on top of the present ones.
    options : mapping, optional
        Streamlit options, for example ``{"server.baseUrlPath": "latent"}``.
    timeout : float
        Seconds to wait for the health check.

    Yields
    ------
    str
        The URL, base path included, without a trailing slash.
    """
    port = free_port()
    given = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        **(options or {}),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in given.items()]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, **(env or {})}
    base = str(given.get("server.baseUrlPath", "")).strip("/")
    url = f"http://127.0.0.1:{port}" + (f"/{base}" if base else "")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(url, process, log, timeout)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen, log: Any, timeout: float) -> None:
    """Wait until the server below a URL answers; say what it logged if it doesn't."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log.seek(0)
    message = f"The server at {url} did not become healthy in {timeout:.0f} s:\n{log.read()}"
    raise RuntimeError(message)
