"""The pages' own addresses, ``/data`` and so on, for browsers that open one directly.

Streamlit answers each of them with the same HTML, in which the browser finds out by trial where
the server is: below ``/data`` first, with requests that are not found, then beside it. Here the
HTML says so. And Explore, being the default page, is known to Streamlit as ``/`` only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit import config, file_util

from pages.frame.navigation import DEFAULT, names

# Relative to the address as the browser sees it: a proxy may have put more in front.
_BACKEND = (
    "<script>window.__streamlit = "
    "{BACKEND_BASE_URL: new URL('.', location.href).href, ...window.__streamlit}</script>"
)

Handler = Callable[[Request], Awaitable[Response]]


def base_path() -> str:
    """Return ``server.baseUrlPath`` with a leading and without a trailing slash, or ``""``."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


@lru_cache(maxsize=1)
def _html() -> str:
    index = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")
    return index.replace("<head>", f"<head>{_BACKEND}", 1)


async def _serve_page(_request: Request) -> Response:
    return HTMLResponse(_html(), headers={"Cache-Control": "no-cache"})


async def _to_default(request: Request) -> Response:
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


def _below_base(handler: Handler) -> Handler:
    """Serve under ``server.baseUrlPath`` only, which is not known when routes are made."""

    async def served(request: Request) -> Response:
        prefix = request.path_params.get("base", "")
        if f"/{prefix}".rstrip("/") != base_path():
            return PlainTextResponse("Not found.", status_code=404)
        return await handler(request)

    return served


def _routes() -> list[BaseRoute]:
    return [
        Route(f"{prefix}/{name}", _below_base(_to_default if name == DEFAULT else _serve_page))
        for name in names()
        for prefix in ("", "/{base:path}")
    ]


PAGE_ROUTES: list[BaseRoute] = _routes()
