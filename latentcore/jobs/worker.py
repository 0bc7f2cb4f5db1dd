"""The worker process: ``python -m latentcore.jobs.worker [--warm] [--idle]``.

One job folder per line on standard input; one line ``done`` on standard output when it has
ended. The first line it writes is ``ready``. It ends with its parent: the pipe's end is noticed
by a thread of its own, even in the middle of a job.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from latentcore.jobs.carry_out import carry_out, write_outcome
from latentcore.jobs.folder import JobFolder

__all__ = ["main"]

_LOW_PRIORITY = 5
# What nobody asked for leaves most of the processor to what somebody waits for.
_LOWEST_PRIORITY = 10
_WARMED = "latentcore.analysis.projection"


def main(arguments: list[str]) -> int:
    """Serve jobs until standard input ends."""
    os.nice(_LOWEST_PRIORITY if "--idle" in arguments else _LOW_PRIORITY)
    faulthandler.enable()
    # What verbs and their libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    if "--warm" in arguments:
        _warm_up()
    print("ready", file=answers)
    while True:
        _serve(JobFolder(Path(lines.get())))
        print("done", file=answers)


def _listen(lines: queue.SimpleQueue[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            lines.put(line.rstrip("\n"))
    # A verb in the midst of its work can't be told to stop by an exception from here.
    os._exit(0)


def _warm_up() -> None:
    try:
        if importlib.util.find_spec(_WARMED) is not None:
            warm_up = getattr(importlib.import_module(_WARMED), "warm_up", None)
            if warm_up is not None:
                warm_up()
    except Exception:  # noqa: BLE001 - a worker that could not warm up still works
        traceback.print_exc()


def _serve(folder: JobFolder) -> None:
    record = folder.stored()
    if record is None:
        return
    with _printing_to(folder.log):
        outcome = carry_out(folder, record)
    write_outcome(folder, outcome)


@contextlib.contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """Send what is printed, by compiled code too, to a job's log."""
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, target in zip(kept, (1, 2), strict=True):
            os.dup2(descriptor, target)
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
