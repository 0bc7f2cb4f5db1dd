"""Progress and results, as a terminal shows them."""

from __future__ import annotations

import sys
import time
from typing import Any

from latentcore.artifacts import to_json

_REPORT_EVERY_S = 0.2


def readable(summary: dict[str, Any]) -> str:
    """Return a verb's summary as lines of text."""
    lines = []
    for key, value in summary.items():
        lines.append(
            f"{key}: {value}"
            if not isinstance(value, dict | list)
            else f"{key}: {to_json(value).strip()}"
        )
    return "\n".join(lines) + "\n"


class Reporter:
    """One line of progress on standard error, rewritten in place on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last = 0.0
        self._open = False
        self._said = ""
        self._stage = ""
        self._stage_start = 0.0
        self._stage_done = 0

    def step(self, done: int, total: int, message: str) -> None:
        """Show how far a verb is; what comes too often is left out."""
        now = time.monotonic()
        if message != self._stage:
            # Another stage, another pace; what was done before it began says nothing of it.
            self._stage, self._stage_start, self._stage_done = message, now, done
        if self._quiet or (now - self._last < _REPORT_EVERY_S and done < total):
            return
        self._last = now
        share = f"{100 * done / total:3.0f} %" if total else ""
        text = f"{message} {done}/{total} {share}{self._left(now, done, total)}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._open = True
        elif text != self._said:
            self._said = text
            print(text, file=sys.stderr, flush=True)

    def _left(self, now: float, done: int, total: int) -> str:
        own = done - self._stage_done
        if own <= 0 or done >= total:
            return ""
        return f", {(now - self._stage_start) / own * (total - done):.0f} s left"

    def end(self) -> None:
        """Leave the line, so that what follows stands below it."""
        if self._open:
            print(file=sys.stderr)
