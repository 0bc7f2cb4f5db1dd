"""The worker process of jobs: ``python -m latentcore.jobs.worker [--warm] [--idle]``.

Each line is a job's folder, and each answer how it ended, which the folder says as well. With
``--compile`` it serves nobody, but compiles what large embeddings need, and ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from latentcore.errors import InputError
from latentcore.jobs.folder import JobFolder
from latentcore.jobs.run_job import outcome_line, run_job, write_outcome
from latentcore.locks import file_lock
from latentcore.workers import lower_priority, serve

_LOW_PRIORITY = 5
# What nobody asked for takes only what others leave of the processor.
_LOWEST_PRIORITY = 19
_WARMED = "latentcore.analysis.umap_embedding"
_COMPILED = "pynndescent"


def main(arguments: list[str]) -> None:
    """Serve jobs until standard input ends."""
    lower_priority(_LOWEST_PRIORITY if "--idle" in arguments else _LOW_PRIORITY)
    faulthandler.enable()
    if "--compile" in arguments:
        compile_large()
        return
    serve(_serve, prepare=_prepare if "--warm" in arguments else None)


def compile_large() -> None:
    """Compile what large embeddings need; who waited for another process finds it on the disk."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, InputError):  # a disk that is only read, or without locks
            held.enter_context(file_lock(_code_folder() / "latentcore.lock"))
        if not _compiled_before():
            _warm_up(large=True)


def _prepare() -> None:
    """Make the first small embedding fast; what large ones need is compiled beside, for the disk.

    The process beside is of this one's group, and ends with it.
    """
    _warm_up()
    if importlib.util.find_spec(_COMPILED) is None or _compiled_before():
        return
    command = [sys.executable, "-m", "latentcore.jobs.worker", "--compile", "--idle"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own module, no shell


def _compiled_before() -> bool:
    """Tell whether the machine code of large embeddings is on the disk already."""
    return any(_code_folder().rglob("*process_candidates*.nbi"))


def _code_folder() -> Path:
    """Return where numba keeps machine code: where it is told to, else beside the library."""
    if told := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(told)
    library = importlib.util.find_spec(_COMPILED)
    assert library is not None
    assert library.origin is not None
    return Path(library.origin).parent / "__pycache__"


def _warm_up(**what: bool) -> None:
    try:
        if importlib.util.find_spec(_WARMED) is not None:
            warm_up = getattr(importlib.import_module(_WARMED), "warm_up", None)
            if warm_up is not None:
                warm_up(**what)
    except Exception:  # noqa: BLE001 - a worker that could not warm up still works
        traceback.print_exc()


def _serve(path: str) -> str:
    folder = JobFolder(Path(path))
    record = folder.stored()
    if record is None:
        return ""
    with _printing_to(folder.log):
        outcome = run_job(folder, record)
    write_outcome(folder, outcome)
    return outcome_line(outcome)


@contextlib.contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """Send what is printed, by compiled code too, to a job's log."""
    kept = os.dup(1), os.dup(2)
    with _opened(log) as file:
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


def _opened(log: Path) -> BinaryIO:
    try:
        return log.open("ab")
    except OSError:  # the disk is full: the job may still end well
        return Path(os.devnull).open("ab")


if __name__ == "__main__":
    main(sys.argv[1:])
