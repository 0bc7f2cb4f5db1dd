"""Browsers told apart by a cookie: a random name, so that what one has seen no other is shown.

What is kept for a browser lies in the workspace, in ``browsers/NAME.json``, and survives a restart
of both.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latentcore.artifacts import write_atomic
from latentcore.artifacts.records import Shape, listed, number, read_record, shaped, text
from latentcore.errors import MalformedFileError
from latentcore.settings import settings

COOKIE = "latent_browser"

_NAME = re.compile(r"[0-9a-f]{32}")
_A_YEAR = 365 * 86_400
# Of the browsers that were here last; what the others had seen is forgotten.
_MOST_BROWSERS = 1000
_LARGEST = 1 << 18
_SHAPE: Shape = {
    "recent": listed(shaped({"place": text, "seen": number}, ("place", "seen"))),
    "dismissed": listed(text),
}


class BrowserCookie:
    """Middleware that gives each browser its name with the first page that it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the cookie to a page for a browser that has none."""
        if scope["type"] != "http" or _named(Headers(scope=scope).get("cookie", "")):
            await self._app(scope, receive, send)
            return

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if headers.get("content-type", "").startswith("text/html"):
                    name = secrets.token_hex(16)
                    headers.append(
                        "set-cookie",
                        f"{COOKIE}={name}; Path=/; Max-Age={_A_YEAR}; HttpOnly; SameSite=Lax",
                    )
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, send_named)


def is_name(text: str) -> bool:
    """Tell whether a cookie's value is a name that this server may have given."""
    return _NAME.fullmatch(text) is not None


def kept_for(name: str) -> dict[str, Any]:
    """Return what is kept for a browser; nothing where its record is missing or damaged."""
    try:
        return read_record(_path(name), _SHAPE, largest=_LARGEST)
    except (FileNotFoundError, MalformedFileError):
        return {}


def keep_for(name: str, kept: Mapping[str, Any]) -> bool:
    """Keep something for a browser; tell whether there was room: a full disk stops no page."""
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        write_atomic(path, json.dumps(kept).encode())
        if fresh:
            _forget_oldest(path.parent)
    except OSError:
        return False
    return True


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[_MOST_BROWSERS:]:
        file.unlink(missing_ok=True)


def _path(name: str) -> Path:
    if not is_name(name):  # it comes from the browser, and names a file
        message = "no name of a browser"
        raise ValueError(message)
    return settings().workspace / "browsers" / f"{name}.json"


def _named(cookies: str) -> bool:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return False
    return found is not None and is_name(found.value)
