"""Who is there: the sessions that have drawn a page and are still connected."""

from __future__ import annotations

import threading
from collections import Counter

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.access import identity

_lock = threading.Lock()
_names: dict[str, str] = {}


def note() -> None:
    """Note that the present session is there; for each run of a page."""
    context = get_script_run_ctx()
    if context is not None:
        with _lock:
            if context.session_id not in _names:
                _forget_those_that_ended()
            _names[context.session_id] = identity.acting_name()


def sessions() -> Counter[str]:
    """Return how many sessions each user has, and forget those that have ended."""
    with _lock:
        _forget_those_that_ended()
        return Counter(_names.values())


def _forget_those_that_ended() -> None:
    for session in [one for one in _names if not _is_connected(one)]:
        del _names[session]


def _is_connected(session: str) -> bool:
    return Runtime.exists() and Runtime.instance().is_active_session(session)
