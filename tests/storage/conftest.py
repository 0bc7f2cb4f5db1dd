"""Fixtures: one S3 server for the module's tests, and a process that is set to use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from latentcore import settings as settings_module
from latentcore.storage import s3
from tests.storage.server import Line, Server, running_server

BUCKET = "scans"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server() as running:
        running.client.create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture
def configure(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Set the environment and forget what was read of it."""

    def set_(**changes: str) -> None:
        values = {
            "LATENT_S3_ENDPOINT": server.url,
            "LATENT_S3_PATIENCE_S": "20",
            "LATENT_WORKSPACE": str(tmp_path / "workspace"),
            "AWS_ACCESS_KEY_ID": server.key,
            "AWS_SECRET_ACCESS_KEY": server.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            **changes,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        settings_module.settings.cache_clear()
        s3.client_for.cache_clear()

    monkeypatch.delenv("AWS_PROFILE", raising=False)
    set_()
    yield set_
    monkeypatch.undo()
    settings_module.settings.cache_clear()
    s3.client_for.cache_clear()


@pytest.fixture
def line(server: Server, configure: Callable[..., None]) -> Iterator[Line]:
    """A line to the server that can be cut; what is under test goes over it."""
    made = Line(server.url)
    configure(LATENT_S3_ENDPOINT=made.url)
    yield made
    made.close()
