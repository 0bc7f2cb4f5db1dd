"""What a page may do in a browser: run scripts of this server only, and ask no other host.

Text of files is shown letter by letter (`pages.frame.errors.markdown_safe`). Where that were
forgotten once, browsers would still keep to the Content-Security-Policy that a page came with.
"""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class ContentPolicy:
    """Middleware that adds the policy to every answer: browsers show what they like as a page.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    html : str
        The HTML of our pages: scripts that stand in it may run.
    """

    def __init__(self, app: ASGIApp, html: str) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy(html),
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the policy to its answer."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.update(self._headers)
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)


def policy(html: str) -> str:
    """Return the Content-Security-Policy of a page whose own inline scripts are those of `html`.

    Charts, downloads and components of Streamlit make scripts, workers and pictures of their own
    as ``blob:`` and ``data:``, and style elements as they go; plotly compiles what draws many
    points (``eval``, which text that slipped into a page as HTML can't call).
    """
    scripts = (hashlib.sha256(found.encode()).digest() for found in _INLINE.findall(html))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in scripts)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: 'unsafe-eval' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "media-src 'self' blob: data:",
            "connect-src 'self' blob: data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        )
    )
