"""The page that somebody wanted to see before they signed in: Streamlit leads back to the first."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.access import identity
from pages.frame.addresses import base_path
from pages.frame.navigation import names

_COOKIE = "latent_wanted"
_SIGN_IN = "/auth/login"
# For as long as a login takes.
_KEPT_S = 900
# Browsers keep cookies of 4 KB.
_LONGEST = 3_000


class WantedPage:
    """Middleware that notes down where a login began, and leads there when it is done."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or lead the first one after a login to the page wanted before."""
        if scope["type"] != "http" or identity.way_in() != "login":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        base, path = base_path(), scope["path"]
        if path == f"{base}{_SIGN_IN}":
            wanted = _page(_local(request))
            await self._app(scope, receive, _adding(_cookie(wanted), send) if wanted else send)
            return
        wanted = unquote(request.cookies.get(_COOKIE, ""))
        if path == f"{base}/" and wanted and identity.user_of(request) is not None:
            answer = RedirectResponse(_page(wanted) or f"{base}/")
            await answer(scope, receive, _adding(_cookie(""), send))
            return
        await self._app(scope, receive, send)


def _local(request: Request) -> str:
    """Return path and query of the page that a request comes from, if it is one of this server."""
    parts = urlsplit(request.headers.get("referer", ""))
    if parts.netloc != request.headers.get("host"):
        return ""
    return f"{parts.path}?{parts.query}"


def _page(address: str) -> str:
    """Return an address as it leads to a page of ours; empty where it doesn't."""
    path, _, query = address.partition("?")
    name = path.removeprefix(f"{base_path()}/")
    ours = path.startswith(f"{base_path()}/") and name in ("", *names())
    if not ours or not (name or query) or not query.isprintable() or len(query) > _LONGEST:
        return ""
    return f"{base_path()}/{name}" + (f"?{query}" if query else "")


def _cookie(value: str) -> str:
    kept = _KEPT_S if value else 0
    return f"{_COOKIE}={quote(value)}; Path={base_path()}/; Max-Age={kept}; HttpOnly; SameSite=Lax"


def _adding(cookie: str, send: Send) -> Send:
    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            headers.append("set-cookie", cookie)
            message["headers"] = headers.raw
        await send(message)

    return send_with_cookie
