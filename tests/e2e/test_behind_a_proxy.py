"""The deployment guide's proxies before the program: below a prefix, with a login of their own."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser_support import (
    REPOSITORY,
    chromium,
    free_port,
    skip_or_fail,
    streamlit_server,
)
from tests.e2e.test_main_job import Explorer, download
from tests.e2e.true_pixels import choose_files
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.sign_on_proxy import sign_on

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HOST = "lab.example.org"
EXAMPLES = REPOSITORY / "docs/deploy"
SERVER = {"server.baseUrlPath": "latent", "browser.serverAddress": HOST}
ANNA, BERT = "anna@lab.org", "bert@lab.org"
FORGED = {"X-Remote-User": BERT, "X-Remote-Groups": "metals"}
PATIENCE_MS = 60_000

Proxy = Callable[[Path, str, str], AbstractContextManager[str]]


@contextmanager
def nginx(folder: Path, upstream: str, login: str) -> Iterator[str]:
    """Run nginx as the guide shows, but for the ports, until the block ends; yield its URL."""
    port = free_port()
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", **_ports(upstream, login)}
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
def caddy(folder: Path, upstream: str, login: str) -> Iterator[str]:
    """Run Caddy as the guide shows, but for the ports and without a certificate."""
    port = free_port()
    site = f"{HOST} {{"
    own = f"{{\n\tadmin off\n}}\nhttp://{HOST}:{port} {{\n\tbind 127.0.0.1"
    (folder / "Caddyfile").write_text(
        _example("Caddyfile", {site: own, **_ports(upstream, login)}), encoding="utf-8"
    )
    with _running(folder, port, "caddy", "run", "--config", f"{folder}/Caddyfile") as url:
        yield url


def _ports(upstream: str, login: str) -> dict[str, str]:
    return {"127.0.0.1:8501": upstream, "127.0.0.1:4180": login}


def _example(name: str, changes: Mapping[str, str]) -> str:
    """Return an example with its login, that is with the lines that begin with ``#`` and room."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^#(?=\t|   )", "", text)
    for said, wanted in changes.items():
        assert said in text
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
        except urllib.error.HTTPError as error:
            if error.code == 403:  # to sign in
                return
            time.sleep(0.1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"{url} never answered")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def upstream(workspace: Path) -> Iterator[str]:
    env = {
        "LATENT_WORKSPACE": str(workspace),
        "LATENT_DATA_ROOTS": str(EXAMPLES),
        "LATENT_ROOT_GROUPS": '{"deploy": ["metals"]}',
        "LATENT_TRUSTED_PROXIES": "127.0.0.1",
        "LATENT_SIGN_OUT_URL": "/oauth2/sign_out?rd=/latent/",
        "STREAMLIT_SERVER_TRUSTED_USER_HEADERS": (
            '{"X-Remote-User": "email", "X-Remote-Groups": "groups"}'
        ),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env, options=SERVER) as url:
        yield url.split("/")[2]


@pytest.fixture(scope="module")
def login() -> Iterator[str]:
    with sign_on({ANNA: "", BERT: "metals"}) as found:
        yield found


def status_from_elsewhere(upstream: str, path: str) -> int:
    """Ask the program itself in Bert's name, from an address that is no proxy's."""
    asked = http.client.HTTPConnection(upstream, source_address=("127.0.0.3", 0), timeout=10)
    with closing(asked):
        asked.request("GET", path, headers=FORGED)
        return asked.getresponse().status


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_everything_works_below_a_prefix_behind(
    proxy: Proxy, upstream: str, login: str, workspace: Path, tmp_path: Path
) -> None:
    patterns = np.random.default_rng(0).integers(0, 255, (9600, 1, 128, 128), np.uint8)
    large = write_kikuchi(tmp_path / f"{proxy.__name__}.h5", full_grid(120, 80), patterns)
    assert large.stat().st_size > 150e6
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    with proxy(tmp_path, upstream, login) as url, chromium(rules) as browser:
        context = browser.new_context(
            viewport={"width": 1400, "height": 1000}, extra_http_headers=FORGED
        )
        page = context.new_page()
        asked = [f"{url}/latent/user"]
        page.on("request", lambda request: asked.append(request.url))
        _sign_in(page, url)
        _is_known_as_the_proxy_says(page, url, upstream)

        explorer = Explorer(page, f"{url}/?embedding=pca")
        explorer.box("map", 0.2, 0.2, 0.6, 0.7)
        explorer.box_in_address("map")
        explorer.sees("Selection A: ")
        table, _ = download(page)
        assert len(table) > 1000
        assert not explorer.errors
        reached = _reached(page, url, upstream, asked)

        page.goto(f"{url}/data")
        choose_files(page, [large])
        page.get_by_text("120 × 80 points").first.wait_for(timeout=120_000)
        [kept] = workspace.rglob(large.name)
        assert kept.stat().st_size == large.stat().st_size
        _signing_out_ends_it(page, url, reached)


def _sign_in(page: Page, url: str) -> None:
    wanted = f"{url}/runs?kept=12ab&look=1"
    page.goto(wanted)
    page.get_by_role("link", name=ANNA).click()
    expect(page.get_by_text(ANNA)).to_be_visible(timeout=PATIENCE_MS)
    assert page.url.startswith(wanted)


def _is_known_as_the_proxy_says(page: Page, url: str, upstream: str) -> None:
    refused = page.goto(f"{url}/metrics")
    assert refused is not None
    assert refused.text().startswith("Only this machine"), "the proxy speaks for anybody"
    page.goto(f"{url}/latent/user")
    assert page.get_by_text(ANNA).count() == 1, "the browser says that it is Bert's"
    assert status_from_elsewhere(upstream, "/latent/latent/user") == 401
    page.goto(f"{url}/data?samples=folder:deploy/nginx.conf")
    expect(page.get_by_text("names no folder of this server")).to_be_visible(timeout=PATIENCE_MS)


def _reached(page: Page, url: str, upstream: str, asked: list[str]) -> list[str]:
    """Return the addresses of an array, a download and the user, which are Anna's alone."""
    kinds = ("latent/arrays/", "media/", "latent/user")
    # The latest: what an earlier run of the page has shown is forgotten.
    reached = [[one for one in asked if one.startswith(f"{url}/{kind}")][-1] for kind in kinds]
    for address in reached:
        assert _status(page, address) == 200
        assert status_from_elsewhere(upstream, urlsplit(address).path) == 401
    return reached


def _signing_out_ends_it(page: Page, url: str, reached: list[str]) -> None:
    other = page.context.new_page()
    other.goto(f"{url}/runs")
    expect(other.get_by_text(ANNA)).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Who are you?")).to_be_visible(timeout=PATIENCE_MS)
    for address in reached:
        assert _status(page, address) == 403
    other.evaluate("dispatchEvent(new Event('focus'))")
    expect(other.get_by_text("Who are you?")).to_be_visible(timeout=PATIENCE_MS)


def _status(page: Page, address: str) -> object:
    return page.evaluate("async url => (await fetch(url)).status", address)
