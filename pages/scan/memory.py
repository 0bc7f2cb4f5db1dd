"""What is remembered of a browser from visit to visit: files it had in view, notices it closed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.access.browsers import COOKIE, is_name, keep_for, kept_for
from pages.access.identity import current_user

_SESSION = "browser_memory"
_MOST_FILES = 40
_MOST_DISMISSED = 40
_LONGEST_PLACE = 1024
# What the server makes itself needs no list: runs have a page of their own.
_OWN = ("demo:", "run:")


@dataclass(frozen=True)
class RecentFile:
    """A file that this browser had in view, and when last, in seconds since 1970."""

    place: str
    seen: float


def recent_files() -> list[RecentFile]:
    """Return the files that this browser had in view, the latest first."""
    return [RecentFile(entry["place"], entry["seen"]) for entry in _memory()["recent"]]


def remember_files(places: Iterable[str]) -> None:
    """Note down what is in view; nothing is written where it is what was in view before.

    But what a full disk had no room for, now or when a notice was closed, is written again.
    """
    mine = [place for place in places if not place.startswith(_OWN)]
    mine = [place for place in mine if len(place) <= _LONGEST_PLACE]
    memory = _memory()
    if not mine or memory["in_view"] == mine:
        if memory["owed"]:
            _keep()
        return
    memory["in_view"] = mine
    rest = [entry for entry in memory["recent"] if entry["place"] not in mine]
    fresh = [{"place": place, "seen": time.time()} for place in mine]
    memory["recent"] = [*fresh, *rest][:_MOST_FILES]
    _keep()


def forget_file(place: str) -> None:
    """Take a file off the list."""
    memory = _memory()
    memory["recent"] = [entry for entry in memory["recent"] if entry["place"] != place]
    memory["in_view"] = []
    _keep()


def is_dismissed(notice: str) -> bool:
    """Tell whether this browser has closed a notice, now or on an earlier visit."""
    return notice in _memory()["dismissed"]


def dismiss(notice: str) -> None:
    """Close a notice for good."""
    memory = _memory()
    memory["dismissed"] = [*memory["dismissed"], notice][-_MOST_DISMISSED:]
    _keep()


def _memory() -> dict[str, Any]:
    """Return the session's copy; without a cookie it lives as long as the session."""
    if _SESSION not in st.session_state:
        name = _browser()
        kept = kept_for(name) if name else {}
        st.session_state[_SESSION] = {
            "recent": kept.get("recent", [])[:_MOST_FILES],
            "dismissed": kept.get("dismissed", [])[:_MOST_DISMISSED],
            "in_view": [],
            "owed": False,
        }
    memory: dict[str, Any] = st.session_state[_SESSION]
    return memory


def _keep() -> None:
    name = _browser()
    if name:
        memory = _memory()
        memory["owed"] = not keep_for(name, {key: memory[key] for key in ("recent", "dismissed")})


def _browser() -> str:
    """Return the name that the server gave this browser, empty where it sent none.

    What a user has seen follows them to all their browsers, and stays behind in none.
    """
    user = current_user().name
    if user:
        return hashlib.blake2b(user.encode(), digest_size=16).hexdigest()
    name = st.context.cookies.get(COOKIE)
    return name if isinstance(name, str) and is_name(name) else ""
