"""The HTML that Streamlit's pages begin with, at the pages' own addresses: ``/data`` and so on.

Streamlit answers each of them with the same HTML, in which the browser finds out by trial where
the server is: below ``/data`` first, with requests that are not found, then beside it. Here the
HTML says so. It holds the style of all pages, which nothing is drawn without and moved by later, a
link past the sidebar for those who use a keyboard, and for Explore the names of the modules that
the browser would else ask for one after the other. And Explore, being the default page, is known to
Streamlit as ``/`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, file_util

from pages.frame.navigation import DEFAULT, names

# Relative to the address as the browser sees it: a proxy may have put more in front.
_BACKEND = (
    "<script>window.__streamlit = "
    "{BACKEND_BASE_URL: new URL('.', location.href).href, ...window.__streamlit}</script>"
)
# Parts of Streamlit's own page that Explore needs, and that come when they are first drawn.
_LAZY = ("Html.*.js", "BidiComponent.*.js")
# Behind everything else: a browser has six connections, and Streamlit's own first words would wait.
_AHEAD = '<link rel="modulepreload" fetchpriority="low" href="./{}">'
# The first that Tab comes to: a sidebar has more of such places than one wants to go through.
_SKIP = (
    '<a class="skip-link" href="#">To the page</a>'
    f"<script>{Path(__file__).with_name('skip_link.js').read_text(encoding='utf-8')}</script>"
)


def base_path() -> str:
    """Return ``server.baseUrlPath`` with a leading and without a trailing slash, or ``""``."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


class PageAddresses:
    """Middleware that answers the addresses of the pages, and passes on everything else.

    Routes can't: ``server.baseUrlPath`` is not known when they are made, and what a route refuses
    no later one is asked for.

    Parameters
    ----------
    app : ASGIApp
        What answers everything else.
    style, first_style : str
        CSS for pages opened by an address of their own, and for Explore.
    modules : callable
        Gives the paths, below the base path, of the modules that Explore needs.
    script : callable
        Gives JavaScript that all pages come with, or nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        style: str,
        first_style: str,
        modules: Callable[[], Sequence[str]],
        script: Callable[[], str],
    ) -> None:
        self._app = app
        self._style = style
        self._first_style = first_style
        self._modules = modules
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        asked = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        answer = self._answer(Request(scope)) if asked else None
        if asked and answer is None and _may_be_page(scope["path"]):
            await self._pass_on(scope, receive, send)
        else:
            await (answer or self._app)(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; its HTML for an address that is no page gets our style."""
        replaced = False

        async def send_ours(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 200:
                kind = MutableHeaders(raw=message["headers"]).get("content-type", "")
                replaced = kind.startswith("text/html")
                if replaced:
                    await self._page(self._style)(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_ours)

    def _answer(self, request: Request) -> Response | None:
        base, path = base_path(), request.scope["path"]
        if not path.startswith(f"{base}/"):
            return None
        name = path.removeprefix(f"{base}/")
        if name == DEFAULT:
            return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")
        if name and name not in names():
            return None
        if name:
            return self._page(self._style)
        return self._page(self._first_style, tuple(self._modules()))

    def _page(self, style: str, modules: Sequence[str] = ()) -> Response:
        html = page_html(style, modules, self._script())
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})


def _may_be_page(path: str) -> bool:
    """Tell whether Streamlit might take a path for a page's: ``/NAME``, and no file."""
    name = path.removeprefix(f"{base_path()}/")
    return bool(name) and "/" not in name and "." not in name


@lru_cache(maxsize=3)
def page_html(style: str, modules: Sequence[str] = (), script: str = "") -> str:
    """Return Streamlit's own HTML with ours in it; with `modules`, that of Explore."""
    static = Path(file_util.get_static_dir())
    html = (static / "index.html").read_text(encoding="utf-8")
    parts = [path for name in _LAZY for path in sorted((static / "static" / "js").glob(name))]
    ahead = [*(path.relative_to(static).as_posix() for path in parts), *modules] if modules else []
    links = "".join(_AHEAD.format(path) for path in ahead)
    html = html.replace("<head>", f"<head>{_BACKEND}", 1).replace("</head>", f"{links}</head>", 1)
    # After the head, where Streamlit puts its own style: of two equal rules the later one holds.
    scripts = f"<script>{script}</script>" if script else ""
    return html.replace("<body>", f"<body><style>{style}</style>{_SKIP}{scripts}", 1)
