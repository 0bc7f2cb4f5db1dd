"""The addresses for those who look after the server: ``/healthz`` and ``/metrics``.

They know no login, so the first tells nothing but yes or no, and the second is for this machine
and those whom the settings name. The same holds for the metrics that Streamlit keeps by itself.
"""

from __future__ import annotations

import json
import secrets
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from latentcore.settings import settings
from pages.frame.addresses import base_path
from pages.operation import metrics
from pages.operation.health import HEALTH

ALIVE, READY, METRICS = "/healthz/live", "/healthz", "/metrics"
_OF_STREAMLIT = "/_stcore/metrics"
_FRESH = {"Cache-Control": "no-store"}
# A proxy on this machine speaks for anybody, and says so by one of these.
_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
               "x-real-ip")  # fmt: skip


class OperatorAddresses:
    """Middleware that answers what operators' tools ask."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        answer = await _answer(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)


async def _answer(request: Request) -> Response | None:
    path = request.scope["path"].removeprefix(base_path())
    if path not in (ALIVE, READY, METRICS, _OF_STREAMLIT):
        return None
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("Only GET.", status_code=405, headers={"Allow": "GET, HEAD"})
    if path == ALIVE:
        return _json({"alive": True})
    if path == READY:
        found = await run_in_threadpool(HEALTH.look)
        return _json({"ready": all(found.values()), **found})
    if not _may_read_metrics(request):
        said = "Only this machine, those in LATENT_METRICS_FROM, and who has the token may."
        return PlainTextResponse(said, status_code=403, headers=_FRESH)
    if path == _OF_STREAMLIT:
        return None
    text = await run_in_threadpool(metrics.text)
    return Response(text, media_type=metrics.CONTENT_TYPE, headers=_FRESH)


def _json(found: dict[str, bool]) -> Response:
    status = 200 if all(found.values()) else 503
    return Response(
        json.dumps(found), media_type="application/json", status_code=status, headers=_FRESH
    )


def _may_read_metrics(request: Request) -> bool:
    token = settings().metrics_token
    sent = request.headers.get("authorization", "")
    if token and secrets.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        return True
    if request.client is None or any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return _is_for_this_machine(request.headers)
    return any(address in ip_network(entry) for entry in settings().metrics_from)


def _is_for_this_machine(headers: Headers) -> bool:
    """Tell whether a request names this machine; a page that lets its own host mean it doesn't."""
    host = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
