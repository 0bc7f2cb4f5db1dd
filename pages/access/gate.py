"""What passes before anybody is known: no stranger's word on who they are, no file for nobody.

Streamlit takes ``server.trustedUserHeaders`` from whoever sends them, and hands its media files to
whoever knows their names. Its pages themselves ask who is there, see `pages.frame.login`.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from latentcore.settings import settings
from pages.access import identity
from pages.frame.addresses import base_path

_SIGN_OUT = "/auth/logout"
# What open pages ask, see `pages.access.staying`.
_WHO = "/latent/user"
# Streamlit's own addresses that hold what people have brought or been shown.
_OF_USERS = ("/media/", "/_stcore/upload_file/", "/_stcore/agent/")
_FRESH = {"Cache-Control": "no-store"}


class Gate:
    """Middleware, the outermost, that does nothing where no login is set."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without the headers that a stranger has no right to, or refuse it."""
        if scope["type"] not in ("http", "websocket") or not identity.way_in():
            await self._app(scope, receive, send)
            return
        scope = {**scope, "headers": _believed(scope, receive)}
        answer: Response | None = None
        if scope["type"] == "http":
            path = scope["path"].removeprefix(base_path())
            request = Request(scope)
            if path == _SIGN_OUT and identity.way_in() == "header":
                answer = RedirectResponse(settings().sign_out_url or f"{base_path()}/")
            elif path == _SIGN_OUT:
                await run_in_threadpool(identity.sign_out, request)
            elif path == _WHO or path.startswith(_OF_USERS):
                user = identity.user_of(request)
                if user is None:
                    answer = PlainTextResponse("Sign in first.", 401, _FRESH)
                elif path == _WHO:
                    answer = PlainTextResponse(user.name, headers=_FRESH)
        await (answer or self._app)(scope, receive, send)


def _believed(scope: Scope, receive: Receive) -> list[tuple[bytes, bytes]]:
    """Return a request's headers without those on who it comes from that mustn't be believed.

    They must come from a proxy that the operator trusts, and one value of each: of two, one is the
    browser's.
    """
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    named = {name.lower().encode("latin-1") for name in _identity_headers()}
    trusted = _is_trusted(_peer(receive))
    counts = Counter(name for name, _ in headers)
    return [
        (name, value)
        for name, value in headers
        if name not in named or (trusted and counts[name] == 1)
    ]


def _identity_headers() -> tuple[str, ...]:
    return tuple(config.get_option("server.trustedUserHeaders") or ())


def _peer(receive: Receive) -> str:
    """Return the address at the other end of the connection itself, empty where it isn't known.

    The request's own ``client`` is no proof: uvicorn takes it from X-Forwarded-For where the
    connection comes from this machine. The connection is that of uvicorn's object which receives.
    """
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) and name else ""


def _is_trusted(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(entry) for entry in settings().trusted_proxies)
