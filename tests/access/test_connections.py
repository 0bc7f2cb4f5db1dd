"""The gate at real connections: whose address counts is uvicorn's to know, and its to change."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from streamlit.web.server.starlette.starlette_server import _get_uvicorn_config_kwargs
from websockets.sync.client import connect

from latentcore.settings import settings
from pages.access.gate import Gate
from tests.browser_support import free_port

SENT = {"X-User": "anna@lab.org"}


async def _name_seen(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the name that a request brings past the gate."""
    name = dict(scope.get("headers", ())).get(b"x-user", b"")
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": name})
        await send({"type": "websocket.close"})


@pytest.fixture
def port(with_headers: Path) -> Iterator[int]:
    found = free_port()
    # As Streamlit itself starts it, which believes X-Forwarded-For of this machine.
    server = uvicorn.Server(
        uvicorn.Config(Gate(_name_seen), port=found, lifespan="off", **_get_uvicorn_config_kwargs())
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield found
    server.should_exit = True
    thread.join(10)


def seen(port: int, headers: Mapping[str, str]) -> set[str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers=dict(headers))
    with urllib.request.urlopen(request) as answer:
        plain = answer.read()
    with connect(f"ws://127.0.0.1:{port}/", additional_headers=headers) as socket:
        return {plain.decode(), socket.recv().decode()}


def test_only_the_other_end_of_the_connection_counts(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for forwarded in ("", "10.0.0.5", "127.0.0.1, 10.0.0.5"):
        assert seen(port, {**SENT, "X-Forwarded-For": forwarded}) == {""}
    monkeypatch.setenv("LATENT_TRUSTED_PROXIES", "127.0.0.1")
    settings.cache_clear()
    for forwarded in ("", "192.0.2.7"):
        assert seen(port, {**SENT, "X-Forwarded-For": forwarded}) == {"anna@lab.org"}
