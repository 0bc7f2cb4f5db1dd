"""The server's log as JSON, in which nothing stands that a user or a file could have put there.

A line holds text only where the program's own source says it word for word: what is filled into a
message, or made up when it is logged, may be a path or a value of a file. Of an error it holds the
types of the exceptions and the places in this program that they passed, and of a user a digest.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from streamlit.web.server.server_util import get_cookie_secret

from latentcore.settings import settings
from latentcore.version import IMPORT_FOLDER

LOGGER = logging.getLogger("latent_explorer")

_ROOTS = (Path(__file__).parents[2], IMPORT_FOLDER)
_OURS = ("app.py", "latentcore", "pages")
_MOST_CAUSES = 8
# What `extra` may add, and what its values look like.
_PLAIN = {
    name: re.compile(pattern)
    for name, pattern in {
        "incident": r"[0-9a-f]{8}",
        "verb": r"[a-z-]{1,40}",
        "job": r"[0-9a-f]{1,64}",
        "state": r"[a-z]{1,20}",
    }.items()
}
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,80}")


def configure(who: Callable[[], str]) -> None:
    """Write the log of this process as the settings say; for the server, before it starts.

    Parameters
    ----------
    who : callable
        Names the user in whose name something is done at the moment; empty where there is none.
    """
    if settings().log != "json":
        return
    lines = JsonLines(who)
    # Streamlit, uvicorn and others install handlers when they please: all of them write JSON.
    logging.Handler.format = lambda self, record: lines.format(record)  # type: ignore[method-assign]  # noqa: ARG005
    logging.basicConfig(level=logging.WARNING)
    LOGGER.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # what can't be logged would else be printed with its arguments
    sys.excepthook = lambda _kind, error, _traceback: _log_uncaught(error)
    threading.excepthook = lambda args: _log_uncaught(args.exc_value)
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_value)


class JsonLines(logging.Formatter):
    """Writes a record as a line of JSON.

    Parameters
    ----------
    who : callable
        See `configure`.
    """

    def __init__(self, who: Callable[[], str]) -> None:
        super().__init__()
        self._who = who

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.msg if _is_our_word(record) else "(not the program's own words)",
        }
        for name, pattern in _PLAIN.items():
            value = getattr(record, name, None)
            if isinstance(value, str) and pattern.fullmatch(value):
                line[name] = value
        seconds = getattr(record, "seconds", None)
        if isinstance(seconds, float):
            line["seconds"] = round(seconds, 3)
        user = getattr(record, "user", None)
        if record.name == LOGGER.name and user is None:
            with contextlib.suppress(Exception):  # a log that fails would hide what it is about
                user = self._who()
        if isinstance(user, str) and user:
            line["user"] = digest(user)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _told(record.exc_info[1])
        return json.dumps(line)


def digest(user: str) -> str:
    """Return what a user is called in the log: the same as long as the cookies' secret is."""
    secret = hashlib.blake2b(get_cookie_secret().encode()).digest()
    return hashlib.blake2b(user.encode(), key=secret, digest_size=6).hexdigest()


def _is_our_word(record: logging.LogRecord) -> bool:
    """Tell whether the source from which a record comes says its message word for word."""
    return isinstance(record.msg, str) and record.msg in _texts_in(record.pathname)


@lru_cache(maxsize=256)
def _texts_in(path: str) -> frozenset[str]:
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    # Pieces of f-strings are no messages: only together with what fills them.
    pieces = {
        id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
        for piece in node.values
    }  # fmt: skip
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(
        node.value for node in constants if isinstance(node.value, str) and id(node) not in pieces
    )


def _told(error: BaseException) -> list[dict[str, Any]]:
    """Return types and places of an exception and of those that led to it, it first."""
    told: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(told) < _MOST_CAUSES:
        name = type(current).__name__
        kind = name if _IDENTIFIER.fullmatch(name) else "Exception"
        told.append({"type": kind, "at": _places(current.__traceback__)})
        current = current.__cause__ or current.__context__
    return told


def _places(traceback: TracebackType | None) -> list[str]:
    """Return where a traceback passes through this program: ``latentcore/cells.py:12``."""
    found = []
    while traceback is not None:
        path = Path(traceback.tb_frame.f_code.co_filename)
        for root in _ROOTS:
            if path.is_relative_to(root) and path.relative_to(root).parts[0] in _OURS:
                found.append(f"{path.relative_to(root).as_posix()}:{traceback.tb_lineno}")
                break
        traceback = traceback.tb_next
    return found


def _log_uncaught(error: BaseException | None) -> None:
    if not isinstance(error, SystemExit):
        LOGGER.critical("nothing caught an error", exc_info=error)
