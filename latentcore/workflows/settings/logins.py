"""How people sign in on this server, as Streamlit's own files say it, and what is wrong with it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from latentcore.settings import Settings

_CONFIG, _SECRETS = Path(".streamlit/config.toml"), Path(".streamlit/secrets.toml")
_HEADERS = "STREAMLIT_SERVER_TRUSTED_USER_HEADERS"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# With a shorter one nobody is let in; see pages/access/identity.py.
_SHORTEST_SECRET = 16
# More addresses than any row of proxies has.
_WIDE = 1 << 16


def logins(found: Settings) -> Iterator[str]:
    """Yield what is wrong with the way in, a sentence each."""
    auth, headers = _login(), _headers()
    if auth:
        yield from _of_login(auth)
    if auth and headers:
        yield (
            "People are told apart by server.trustedUserHeaders alone, as both these and [auth] in "
            "secrets.toml are set. Remove one of them."
        )
    if headers:
        yield from _of_headers(headers, found)
    if headers and not found.trusted_proxies:
        yield (
            "server.trustedUserHeaders is set, but no proxy is trusted, so that nobody gets in. "
            "Name the proxy's address in LATENT_TRUSTED_PROXIES, such as 127.0.0.1."
        )
    for entry in found.trusted_proxies if headers else ():
        if ip_network(entry).num_addresses > _WIDE:
            yield (
                f"LATENT_TRUSTED_PROXIES: whoever reaches the server from {entry} may say that "
                "they are anybody. Name the proxy's own address."
            )
    if _unreadable(_said_of_headers()):
        yield (
            f"{_HEADERS} is no JSON object, so that the server doesn't start. "
            """Say: {"X-Remote-User": "email"}"""
        )
    elif not (auth or headers):
        yield from _without_login(found)


def asks_for_login() -> bool:
    """Tell whether people sign in, by Streamlit's login or a proxy's headers."""
    return bool(_login() or _headers())


def _of_headers(headers: Mapping[str, Any], found: Settings) -> Iterator[str]:
    said = ", ".join(sorted(map(str, headers.values())))
    if found.user_claim not in headers.values():
        yield (
            f"server.trustedUserHeaders say {said}, and no {found.user_claim}, by which people are "
            f"known, so that nobody gets in. Call the header with the name {found.user_claim!r}, "
            "or set LATENT_USER_CLAIM."
        )
    closed = found.root_groups or found.bucket_groups
    if closed and found.groups_claim not in headers.values():
        yield (
            "LATENT_ROOT_GROUPS or LATENT_BUCKET_GROUPS is set, but server.trustedUserHeaders say "
            f"{said}, and no {found.groups_claim}, so that what they name is open to nobody. Let "
            "a header say the groups."
        )


def _of_login(auth: Mapping[str, Any]) -> Iterator[str]:
    uri = urlsplit(str(auth.get("redirect_uri", "")))
    if uri.scheme != "https" and uri.hostname not in _LOOPBACK:
        yield (
            f"[auth] in secrets.toml: redirect_uri is {uri.geturl()!r}, so that logins travel "
            "unencrypted. Put a proxy with a certificate in front and begin it with https://."
        )
    if len(str(auth.get("cookie_secret", ""))) < _SHORTEST_SECRET:
        yield (
            f"[auth] in secrets.toml: cookie_secret has fewer than {_SHORTEST_SECRET} characters, "
            "so that nobody is let in. Say: python -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'"
        )


def _without_login(found: Settings) -> Iterator[str]:
    set_in_vain = {
        "LATENT_ROOT_GROUPS": found.root_groups,
        "LATENT_BUCKET_GROUPS": found.bucket_groups,
        "LATENT_OPERATORS": found.operators,
        "LATENT_TRUSTED_PROXIES": found.trusted_proxies,
    }
    for name, value in set_in_vain.items():
        if value:
            closed = " What it names is open to nobody." if name.endswith("_GROUPS") else ""
            yield (
                f"{name} is set, but nobody signs in.{closed} Set [auth] in secrets.toml, or "
                "server.trustedUserHeaders where a proxy asks for the login."
            )


def _login() -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        found |= _read(folder / _SECRETS)
    auth = found.get("auth", {})
    return auth if isinstance(auth, dict) else {}


def _headers() -> Mapping[str, Any]:
    said = _said_of_headers()
    if _unreadable(said):
        return {}
    found = json.loads(said) if isinstance(said, str) else said
    return found if isinstance(found, dict) else {}


def _said_of_headers() -> object:
    """Return what the environment says, else the configuration here, else that of the user."""
    named = os.environ.get(_HEADERS)
    server: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        section = _read(folder / _CONFIG).get("server", {})
        server |= section if isinstance(section, dict) else {}
    return named if named is not None else server.get("trustedUserHeaders", {})


def _unreadable(said: object) -> bool:
    try:
        return isinstance(said, str) and not isinstance(json.loads(said), dict)
    except ValueError:
        return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
