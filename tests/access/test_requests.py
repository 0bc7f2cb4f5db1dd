"""Who a request comes from, and what it gets: the list of attacks on the server's own routes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from latentcore.settings import settings
from pages.access.gate import Gate
from pages.access.identity import User, acting_as
from pages.access.wanted import WantedPage
from pages.panels.array_store import array_store
from pages.panels.routes import ROUTES
from tests.access.conftest import SECRET, claims_of

COOKIE = "_streamlit_user"
PROXY, STRANGER = "10.0.0.5", "10.0.1.5"
ANNA, BERT = User("anna@lab.org"), User("bert@lab.org")


async def _echo(request: Any) -> PlainTextResponse:
    return PlainTextResponse("open")


_ECHOED = ("/", "/data", "/media/a.csv", "/auth/login", "/auth/logout")
APP = Starlette(
    routes=[*(Route(path, _echo) for path in _ECHOED), *ROUTES],
    middleware=[Middleware(Gate), Middleware(WantedPage)],
)


class _Connection:
    """What uvicorn's object that receives is: it knows the other end of its connection."""

    def __init__(self, peer: str) -> None:
        self.transport = self
        self._peer = peer

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "peername"
        return self._peer, 40_000

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}


def status(path: str, **how: Any) -> int:
    return int(answer(path, **how)["status"])


def answer(
    path: str, *, peer: str = "127.0.0.1", headers: Mapping[str, str] | list[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Return what begins the answer to a request."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [("host", "lab.example.org"), *(dict(headers).items() if headers else ())]
    if isinstance(headers, list):
        pairs = [("host", "lab.example.org"), *headers]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
        "client": (PROXY, 1),  # as uvicorn takes it from X-Forwarded-For
    }
    asyncio.run(APP(scope, _Connection(peer).receive, send))
    return sent[0]


def cookie(claims: Mapping[str, object], secret: str = SECRET, name: str = COOKIE) -> str:
    return f"{COOKIE}={create_signed_value(secret, name, json.dumps(claims)).decode()}"


@pytest.fixture
def arrays() -> dict[str, str]:
    """Keys of one array that belong to two users."""
    found = {}
    for user in (ANNA, BERT):
        with acting_as(user):
            found[user.name] = array_store().put(np.zeros(3, np.float32)).url
    return found


@pytest.mark.parametrize(
    ("attack", "sent"),
    [
        ("no cookie", None),
        ("a forged cookie", f"{COOKIE}=eyJpc19sb2dnZWRfaW4iOnRydWV9.aaaa.bbbb"),
        ("one of another secret", cookie(claims_of(ANNA.name), "another secret, as long")),
        ("another cookie's signature", cookie(claims_of(ANNA.name), name="_streamlit_user_tokens")),
        ("one of another site", cookie(claims_of(ANNA.name, origin="https://evil.example"))),
        ("one that says not signed in", cookie(claims_of(ANNA.name, is_logged_in=False))),
        ("one of last week", cookie(claims_of(ANNA.name, iat=time.time() - 7 * 86_400))),
        ("one without a time", cookie(claims_of(ANNA.name, iat=None))),
        ("an address never verified", cookie(claims_of(ANNA.name, email_verified=False))),
        ("no name", cookie(claims_of("  "))),
        ("another's key", cookie(claims_of(BERT.name))),
    ],
)
def test_a_request_gets_nothing_by(
    attack: str, sent: str | None, with_login: Path, arrays: dict[str, str]
) -> None:
    headers = {} if sent is None else {"cookie": sent}
    expected = 404 if attack == "another's key" else 401
    assert status(arrays[ANNA.name], headers=headers) == expected
    pattern = arrays[ANNA.name].replace("arrays", "patterns") + "/0.png"
    assert status(pattern, headers=headers) == expected
    for address in ("/media/a.csv", "/latent/user"):
        assert status(address, headers=headers) == (200 if expected == 404 else 401)
    # The proof that the attack, and not the address, was refused.
    assert status(arrays[ANNA.name], headers={"cookie": cookie(claims_of(ANNA.name))}) == 200


def test_a_page_comes_without_a_login_but_no_header_lets_in(
    with_login: Path, arrays: dict[str, str]
) -> None:
    assert status("/data") == 200
    assert status(arrays[ANNA.name], peer=PROXY, headers={"X-User": ANNA.name}) == 401


def test_signing_out_ends_every_copy_of_the_cookie(
    with_login: Path, arrays: dict[str, str]
) -> None:
    mine, later = (cookie(claims_of(ANNA.name, nonce=nonce)) for nonce in "ab")
    assert status(arrays[ANNA.name], headers={"cookie": mine}) == 200
    assert status("/auth/logout", headers={"cookie": mine}) == 200
    assert status(arrays[ANNA.name], headers={"cookie": mine}) == 401
    assert status("/media/a.csv", headers={"cookie": mine}) == 401
    assert status(arrays[ANNA.name], headers={"cookie": later}) == 200


@pytest.mark.parametrize(
    ("attack", "peer", "headers"),
    [
        ("no header", PROXY, []),
        ("a header from elsewhere", STRANGER, [("X-User", ANNA.name)]),
        ("one from this machine", "127.0.0.1", [("X-User", ANNA.name)]),
        (
            "a forwarded address",
            "127.0.0.1",
            [("X-User", ANNA.name), ("X-Forwarded-For", PROXY), ("Forwarded", f"for={PROXY}")],
        ),
        ("two headers", PROXY, [("X-User", ANNA.name), ("x-user", BERT.name)]),
        ("an empty one", PROXY, [("X-User", "")]),
        ("Streamlit's cookie", STRANGER, [("cookie", cookie(claims_of(ANNA.name)))]),
    ],
)
def test_a_proxys_header_is_not_believed_for(
    attack: str,
    peer: str,
    headers: list[tuple[str, str]],
    with_headers: Path,
    arrays: dict[str, str],
) -> None:
    assert status(arrays[ANNA.name], peer=peer, headers=headers) == 401, attack
    assert status(arrays[ANNA.name], peer=PROXY, headers={"X-User": BERT.name}) == 404
    for trusted in (PROXY, f"::ffff:{PROXY}", "::1"):
        assert status(arrays[ANNA.name], peer=trusted, headers={"X-User": ANNA.name}) == 200


def test_signing_out_of_a_proxy_is_the_proxys(
    with_headers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_SIGN_OUT_URL", "/oauth2/sign_out")
    settings.cache_clear()
    found = answer("/auth/logout", peer=PROXY, headers={"X-User": ANNA.name})
    assert dict(found["headers"])[b"location"] == b"/oauth2/sign_out"


def test_without_a_login_keys_are_everybodys(workspace: Path) -> None:
    assert status(array_store().put(np.ones(2, np.float32)).url) == 200
    assert not (workspace / "access").exists()


@pytest.mark.parametrize(
    ("referer", "wanted"),
    [
        ("https://lab.example.org/runs?run=12ab", "/runs?run=12ab"),
        ("https://lab.example.org/?latents=run:a/b.h5", "/?latents=run:a/b.h5"),
        ("https://lab.example.org/", ""),
        ("https://evil.example/runs?run=12ab", ""),
        ("https://lab.example.org//evil.example/runs", ""),
        ("https://lab.example.org/auth/logout", ""),
        ("https://lab.example.org/runs?a=" + "x" * 5000, ""),
    ],
)
def test_a_login_leads_back_to_the_page_where_it_began(
    referer: str, wanted: str, with_login: Path
) -> None:
    headers = dict(answer("/auth/login", headers={"referer": referer})["headers"])
    kept = headers.get(b"set-cookie", b"").decode().partition(";")[0]
    assert unquote(kept.partition("=")[2]) == wanted
    after = answer("/", headers={"cookie": f"{cookie(claims_of(ANNA.name))}; {kept}"})
    assert dict(after["headers"]).get(b"location", b"").decode() == wanted
    assert answer("/", headers={"cookie": kept})["status"] == 200  # not signed in yet


@pytest.mark.parametrize(
    "forged", ["//evil.example", "https://evil.example", "/runs%0d%0ax:y", "x"]
)
def test_a_forged_page_leads_nowhere_else(forged: str, with_login: Path) -> None:
    kept = f"{cookie(claims_of(ANNA.name))}; latent_wanted={forged}"
    assert dict(answer("/", headers={"cookie": kept})["headers"])[b"location"] == b"/"
