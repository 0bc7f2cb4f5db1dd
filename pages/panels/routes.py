"""The HTTP routes the components fetch from; pass `ROUTES` to ``st.App(..., routes=ROUTES)``.

Streamlit gives such routes neither authentication nor a cross-site check. Here the key of an
array is an unguessable capability (see `pages.panels.array_store`) of one user, whose login the
request must bring where people sign in, and a request that a browser marks as coming from another
site is refused, so that a page elsewhere can neither read nor probe.

``server.baseUrlPath`` is not known when this module is imported, hence each route is registered
with and without a prefix, and the prefix is compared with the setting at each request.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from latentcore.errors import InputError
from pages.access.identity import acting_as, user_of
from pages.frame.addresses import base_path
from pages.panels import modules
from pages.panels.array_store import array_store, is_capability

_IMMUTABLE = "private, max-age=31536000, immutable"
_GUARD_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Some proxies add them to the host, browsers never do.
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

Handler = Callable[[Request], Awaitable[Response]]


def pattern_png(pattern: np.ndarray) -> bytes:
    """Encode a pattern as 8-bit gray PNG, its own minimum black and its own maximum white.

    The pattern is (H, W) or (1, H, W); (3, H, W) and (H, W, 3) are averaged to gray. NaN is black.
    """
    from PIL import Image

    gray = np.asarray(pattern, dtype=np.float64)
    if gray.ndim == 3:
        gray = gray.mean(axis=0 if gray.shape[0] in (1, 3) else -1)
    if gray.ndim != 2 or gray.size == 0:
        msg = f"A pattern is (H, W), got shape {np.shape(pattern)}."
        raise ValueError(msg)
    finite = np.isfinite(gray)
    low, high = (gray[finite].min(), gray[finite].max()) if finite.any() else (0.0, 0.0)
    span = high - low if high > low else 1.0
    scaled = np.where(finite, (gray - low) / span * 255.0, 0.0)
    buffer = io.BytesIO()
    Image.fromarray(np.floor(scaled + 0.5).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def _same_origin(request: Request) -> bool:
    """Return whether the browser says that the request comes from this site, or says nothing.

    Where it says so itself, a proxy may have changed the host that was asked for.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    host = request.headers.get("host", "")
    return parts.netloc == host.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))


def _guarded(handler: Handler) -> Handler:
    """Refuse requests from other sites and under another base path."""

    async def guarded(request: Request) -> Response:
        prefix = request.path_params.get("base", "").strip("/")
        if prefix and f"/{prefix}" != base_path():
            return PlainTextResponse("Not found.", status_code=404)
        if not _same_origin(request):
            return PlainTextResponse("Only pages of this server may read this.", status_code=403)
        response = await handler(request)
        response.headers.update(_GUARD_HEADERS)
        return response

    return guarded


def _for_users(serve: Callable[[Request, str], Awaitable[Response]]) -> Handler:
    """Refuse requests from nobody, and say whose the others are."""

    async def serve_user(request: Request) -> Response:
        user = user_of(request)
        if user is None:
            return PlainTextResponse(
                "Sign in first.", status_code=401, headers={"Cache-Control": "no-store"}
            )
        with acting_as(user):
            response = await serve(request, user.name)
        if user.name:
            # The browser's own copy ends with the login, too.
            response.headers["Vary"] = "Cookie, Authorization"
        return response

    return serve_user


async def _serve_array(request: Request, user: str) -> Response:
    key = request.path_params["key"]
    found = array_store().get(key, user) if is_capability(key) else None
    if found is None:
        return PlainTextResponse(
            "This array is not held any more.",
            status_code=404,
            headers={"Cache-Control": "no-store"},
        )
    payload, handle = found
    # An explicit encoding keeps Streamlit's gzip middleware from compressing floats for seconds.
    return Response(
        payload,
        media_type="application/octet-stream",
        headers={
            "Cache-Control": _IMMUTABLE,
            "Content-Encoding": "identity",
            "X-Array-Dtype": handle.dtype,
            "X-Array-Shape": ",".join(map(str, handle.shape)),
        },
    )


async def _serve_pattern(request: Request, user: str) -> Response:
    key = request.path_params["key"]
    provider = array_store().provider(key, user) if is_capability(key) else None
    missing = PlainTextResponse(
        "There is no such pattern.", status_code=404, headers={"Cache-Control": "no-store"}
    )
    if provider is None:
        return missing
    row = request.path_params["row"]
    try:
        png = await run_in_threadpool(lambda: pattern_png(provider(row)))
    except (IndexError, KeyError, InputError):
        return missing
    return Response(png, media_type="image/png", headers={"Cache-Control": _IMMUTABLE})


async def _serve_module(request: Request) -> Response:
    asked = request.path_params
    source = modules.sources().get(f"{asked['component']}/{asked['module']}")
    if source is None or asked["version"] != modules.version():
        return PlainTextResponse(
            "There is no such module; reload the page.",
            status_code=404,
            headers={"Cache-Control": "no-store"},
        )
    return Response(source, media_type="text/javascript", headers={"Cache-Control": _IMMUTABLE})


def _routes() -> list[BaseRoute]:
    paths: dict[str, Handler] = {
        "/latent/arrays/{key}": _for_users(_serve_array),
        "/latent/patterns/{key}/{row:int}.png": _for_users(_serve_pattern),
        modules.PREFIX + "/{version}/{component}/{module}.js": _serve_module,
    }
    return [
        Route(prefix + path, _guarded(handler), methods=["GET"])
        for path, handler in paths.items()
        for prefix in ("", "/{base:path}")
    ]


ROUTES: list[BaseRoute] = _routes()
