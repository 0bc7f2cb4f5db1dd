"""The guide's files for Open OnDemand, run as the portal's job does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser_support import REPOSITORY, free_port, wait_until_healthy

APP = REPOSITORY / "docs/deploy/ondemand"
PASSWORD = "aB3" * 10
# What the portal's template "basic" lends to before.sh, and runs after it.
JOB = f"""
find_port() {{ echo "$PORT"; }}
create_passwd() {{ echo {PASSWORD}; }}
host=127.0.0.1
source before.sh
exec bash script.sh
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Start the job in a folder that is not the program's; its program is this one."""
    found = free_port()
    programs = Path(sys.executable).parent
    for path in (APP / "template").iterdir():
        text = path.read_text(encoding="utf-8")
        text = text.replace("/opt/latent-explorer/.venv/bin", str(programs))
        text = text.replace("/opt/latent-explorer", str(REPOSITORY)).replace("0.0.0.0", "127.0.0.1")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PORT": str(found), "LATENT_WORKSPACE": str(tmp_path / "kept")}
    with (tmp_path / "log").open("w+") as log:
        job = subprocess.Popen(
            ["bash", "-c", JOB], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
        try:
            prefix = f"http://127.0.0.1:{found}/node/127.0.0.1/{found}/{PASSWORD}"
            wait_until_healthy(prefix, job, log, 60)
            yield found
        finally:
            job.send_signal(signal.SIGTERM)
            job.wait(20)


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_only_who_has_the_link_gets_in(port: int) -> None:
    view = (APP / "view.html.erb").read_text(encoding="utf-8")
    found = re.search('href="([^"]+)"', view)
    assert found is not None
    link = found[1]
    for name, value in (("host", "127.0.0.1"), ("port", port), ("password", PASSWORD)):
        link = link.replace(f"<%= {name} %>", str(value))
    assert status(port, link) == 200
    node = f"/node/127.0.0.1/{port}/"
    pages = ("", "runs", "_stcore/health", "_stcore/host-config", "latent/user")
    for folder in ("/", node, f"{node}guess/"):
        assert {status(port, f"{folder}{page}") for page in pages} == {404}
