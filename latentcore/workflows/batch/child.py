"""Carry out one task: ``python -m latentcore.workflows.batch.child``.

The task comes as one line on standard input and its row goes as one line to standard output. When
standard input ends, whoever asked is gone, and so is this process, even in the middle of its work.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

from latentcore.workflows.batch.tasks import carry_out

__all__ = ["main"]


def main() -> int:
    """Carry out the task on standard input."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what verbs and their libraries print is no row
    task = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    row = carry_out(task)
    print(row.replace("\n", " "), file=answers, flush=True)
    return 0


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
