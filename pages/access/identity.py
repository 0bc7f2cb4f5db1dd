"""Who is asking: the user of a session or of a request; the same one for all where no login is set.

People are known by Streamlit's login (``[auth]`` in ``secrets.toml``) or by headers that a proxy
adds (``server.trustedUserHeaders``); where both are set, by the headers. Of what these say, two
claims count: the user's name (``LATENT_USER_CLAIM``) and groups (``LATENT_GROUPS_CLAIM``).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit import config
from streamlit.auth_util import (
    get_cookie_with_chunks,
    get_origin_from_redirect_uri,
    get_secrets_auth_section,
)
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import gather_user_info

from latentcore.errors import LatentError
from latentcore.settings import settings

_LONGEST_NAME = 200
_MOST_GROUPS = 1000
# With a shorter secret somebody could sign a cookie of their own.
SHORTEST_SECRET = 16
# What Streamlit adds to the claims.
_NO_CLAIMS = ("is_logged_in", "origin", "tokens")


@dataclass(frozen=True)
class User:
    """Somebody who may use the server.

    Attributes
    ----------
    name : str
        Empty where no login is set: everybody is the same user then.
    groups : frozenset of str
    operator : bool
        Whether they look after the server: they see what is there, not what is in it.
    """

    name: str
    groups: frozenset[str] = frozenset()
    operator: bool = False


# The only user where no login is set, and the server itself in what nobody has asked for.
NOBODY_IN_PARTICULAR = User("", operator=True)

_acting: ContextVar[User | None] = ContextVar("acting", default=None)


class NotSignedInError(LatentError):
    """Nobody is signed in, or not any more."""


@cache
def way_in() -> Literal["", "login", "header"]:
    """Return how people are known on this server; empty where nobody is asked."""
    if config.get_option("server.trustedUserHeaders"):
        return "header"
    return "login" if get_secrets_auth_section() else ""


def current_user() -> User:
    """Return who is asking; raise `NotSignedInError` where nobody is signed in (any more)."""
    user = asking()
    if user is None:
        message = "You are not signed in any more.\nReload the page and sign in again."
        raise NotSignedInError(message)
    return user


def asking() -> User | None:
    """Return the user of this session, None where nobody is signed in."""
    if not way_in():
        return NOBODY_IN_PARTICULAR
    acting = _acting.get()
    if acting is not None:
        return acting
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    claims = st.user.to_dict()
    if way_in() == "header":  # and not what a cookie says besides
        named = config.get_option("server.trustedUserHeaders").values()
        claims = {name: claims.get(name) for name in named}
    return _user(claims)


def is_open(restricted: Mapping[str, tuple[str, ...]], name: str) -> bool:
    """Tell whether a thing, restricted to groups by the operator, is open to the present user."""
    return name not in restricted or not current_user().groups.isdisjoint(restricted[name])


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Do something in the name of a user where there is no session, as in a thread."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)


def user_of(request: HTTPConnection) -> User | None:
    """Return the user of a request, None where it comes from nobody.

    Headers must have passed `pages.access.gate`, which takes away those of strangers.
    """
    match way_in():
        case "":
            return NOBODY_IN_PARTICULAR
        case "header":
            return _user(gather_user_info(request.headers))
        case "login":
            return _user(_claims_in_cookie(request.cookies))


def sign_out(request: HTTPConnection) -> None:
    """End the login of a request for good: its cookie counts no more, whoever has a copy."""
    claims = _claims_in_cookie(request.cookies) if way_in() == "login" else {}
    if not claims:
        return
    folder = _ended_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _digest(claims)).touch()
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _longest_login():
                path.unlink()


def _claims_in_cookie(cookies: Mapping[str, str]) -> dict[str, Any]:
    """Return what Streamlit's own cookie says, where this server has signed it."""

    def signed(name: str) -> bytes | None:
        value = cookies.get(name, "").encode("latin-1", "ignore")
        return decode_signed_value(get_cookie_secret(), name, value)

    found = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    try:
        claims = json.loads(found or b"{}")
    except ValueError:
        return {}
    if not isinstance(claims, dict) or claims.get("origin") != get_origin_from_redirect_uri():
        return {}
    return claims


def _user(claims: Mapping[str, Any]) -> User | None:
    if way_in() == "login" and not _is_logged_in(claims):
        return None
    name = claims.get(settings().user_claim)
    # Anybody may claim an address at some providers, until it is verified.
    unverified = settings().user_claim == "email" and claims.get("email_verified") is False
    if not isinstance(name, str) or not is_name(name) or unverified:
        return None
    name = written(name)
    said = claims.get(settings().groups_claim) or ()
    named = said.split(",") if isinstance(said, str) else said
    groups = (str(group).strip() for group in list(named)[:_MOST_GROUPS])
    operators = map(written, settings().operators)
    return User(name, frozenset(filter(is_name, groups)), name in operators)


def written(name: str) -> str:
    """Return a user's name as it is kept: addresses are the same in capitals."""
    return name.strip().lower() if settings().user_claim == "email" else name.strip()


def _is_logged_in(claims: Mapping[str, Any]) -> bool:
    since = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(since, int | float):
        return False
    fresh = time.time() - since < _longest_login() and len(get_cookie_secret()) >= SHORTEST_SECRET
    return fresh and not (_ended_folder() / _digest(claims)).exists()


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a user or a group."""
    return text == text.strip() and text.isprintable() and 0 < len(text) <= _LONGEST_NAME


def _digest(claims: Mapping[str, Any]) -> str:
    """Return text that no other login has: the claims hold when it was, and a nonce."""
    said = {name: value for name, value in claims.items() if name not in _NO_CLAIMS}
    text = json.dumps(said, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _longest_login() -> float:
    return settings().signed_in_hours * 3600.0


def _ended_folder() -> Path:
    return settings().workspace / "access" / "ended"
