"""A provider of logins by OpenID Connect, on the loopback interface: one may be whoever one says.

It does what the protocol wants and no more: discovery, authorization code with PKCE, an ID token
that it signs, and the key to check it by.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "latent-explorer", "known to both"


class _Provider(ThreadingHTTPServer):
    """The provider's state: its key, its people, and codes that wait to be exchanged."""

    daemon_threads = True

    def __init__(self, people: Mapping[str, Mapping[str, object]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.people = people
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}


class _Handler(BaseHTTPRequestHandler):
    server: _Provider

    def log_message(self, *about: object) -> None:
        pass

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        issuer = self.server.issuer
        if path == "/.well-known/openid-configuration":
            self._json(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{issuer}/authorize",
                    "token_endpoint": f"{issuer}/token",
                    "jwks_uri": f"{issuer}/jwks",
                    "end_session_endpoint": f"{issuer}/end",
                    "code_challenge_methods_supported": ["S256"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif path == "/jwks":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        elif path == "/authorize" and "as" not in asked:
            links = "".join(
                f'<a href="?{html.escape(urlencode({**asked, "as": name}))}">{name}</a> '
                for name in self.server.people
            )
            self._send(200, f"<h1>Who are you?</h1>{links}".encode(), "text/html")
        elif path == "/authorize":
            assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
            code = secrets.token_urlsafe()
            self.server.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"]})
            self._redirect(f"{asked['redirect_uri']}?{back}")
        elif path == "/end":
            self._redirect(asked["post_logout_redirect_uri"])
        else:
            self._send(404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        sent, server = dict(parse_qsl(body)), self.server
        asked = server.codes.pop(sent.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or self.headers["authorization"] != f"Basic {basic}"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != sent["redirect_uri"]
        ):
            self._send(400, b'{"error": "invalid_grant"}', "application/json")
            return
        now = int(time.time())
        claims = {
            "iss": server.issuer,
            "aud": CLIENT,
            "sub": asked["as"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **server.people[asked["as"]],
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, server.key)
        self._json({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def _json(self, content: Mapping[str, Any]) -> None:
        self._send(200, json.dumps(content).encode(), "application/json")

    def _redirect(self, where: str) -> None:
        self.send_response(302)
        self.send_header("location", where)
        self.end_headers()

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def oidc_provider(people: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """Run a provider until the block ends; yield its issuer.

    Parameters
    ----------
    people : mapping
        What the provider says of each person, by the name on the link that signs them in.
    """
    with _Provider(people) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.issuer
        finally:
            server.shutdown()
