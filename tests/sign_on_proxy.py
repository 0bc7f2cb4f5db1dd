"""A login in front of a proxy, at the addresses of oauth2-proxy: one may be whoever one says."""

from __future__ import annotations

import html
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

_COOKIE = "_oauth2_proxy"


class _SignOn(ThreadingHTTPServer):
    """Who is signed in, by the value of their cookie."""

    daemon_threads = True

    def __init__(self, people: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.people = people
        self.signed_in: dict[str, str] = {}


class _Handler(BaseHTTPRequestHandler):
    server: _SignOn

    def log_message(self, *about: object) -> None:
        pass

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        sent = SimpleCookie(self.headers.get("cookie", "")).get(_COOKIE)
        cookie = sent.value if sent else ""
        name = self.server.signed_in.get(cookie)
        match path:
            case "/oauth2/auth" if name is None:
                self._send(401)
            case "/oauth2/auth":
                groups = self.server.people[name]
                self._send(202, {"X-Auth-Request-Email": name, "X-Auth-Request-Groups": groups})
            case "/oauth2/sign_in":
                back = quote(self.headers.get("X-Auth-Request-Redirect", "/"), safe="")
                links = (
                    f'<a href="/oauth2/start?rd={back}&as={quote(one)}">{html.escape(one)}</a> '
                    for one in self.server.people
                )
                page = f"<h1>Who are you?</h1>{''.join(links)}"
                self._send(403, {"Content-Type": "text/html"}, page.encode())
            case "/oauth2/start":
                cookie = secrets.token_urlsafe()
                self.server.signed_in[cookie] = asked["as"]
                kept = f"{_COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax"
                self._send(302, {"Location": asked["rd"], "Set-Cookie": kept})
            case "/oauth2/sign_out":
                self.server.signed_in.pop(cookie, None)
                gone = f"{_COOKIE}=; Path=/; Max-Age=0"
                self._send(302, {"Location": asked["rd"], "Set-Cookie": gone})
            case _:
                self._send(404)

    def _send(self, status: int, headers: Mapping[str, str] = {}, content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if content:
            self.wfile.write(content)


@contextmanager
def sign_on(people: Mapping[str, str]) -> Iterator[str]:
    """Run the login until the block ends; yield its host and port.

    Parameters
    ----------
    people : mapping
        The groups of each person, by their name.
    """
    with _SignOn(people) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
