"""Worker processes: children that answer what they get, and end with the process they serve."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Generic, TypeVar

from latentcore.version import IMPORT_FOLDER

READY = "ready"
_CLOSING_S = 5.0

T = TypeVar("T")


class Child(Generic[T]):
    """A child process that runs a module, and what it answers.

    Parameters
    ----------
    module : str
        Of this package. It says `READY` first.
    messages : callable
        Tells the child's messages apart, of its standard output.
    log : Path, optional
        Where the child's own messages go; to this process's standard error if not given.
    environment : Mapping, optional
        Variables to add.
    """

    def __init__(
        self,
        module: str,
        *options: str,
        messages: Callable[[IO[bytes]], Iterator[T]],
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.ready = False
        paths = [str(IMPORT_FOLDER), os.environ.get("PYTHONPATH", "")]
        with contextlib.ExitStack() as opened:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", module, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if log is None else opened.enter_context(log.open("wb")),
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                    **(environment or {}),
                },
                # Ctrl-C in the server's terminal is the server's, and a group can be killed
                # with whatever the work has started.
                start_new_session=True,
            )
        self._messages = messages
        # Not a SimpleQueue: who is held up beyond the deadline of its `get` waits for ever.
        self._answers: queue.Queue[T] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="latent-answers", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.exit_status is None

    def write(self, data: bytes | memoryview) -> None:
        """Give it bytes; that it is dead is noticed by who waits for the answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def answer(self, timeout: float) -> T | None:
        """Return the next answer, None where none comes within `timeout` seconds."""
        if not self.alive:
            self._reader.join(timeout)  # its last answer may still be in the pipe
        with contextlib.suppress(queue.Empty):
            return self._answers.get(timeout=timeout) if timeout else self._answers.get_nowait()
        return None

    def kill(self) -> None:
        """End it at once, with whatever it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:  # Windows
            self._process.kill()
        self._process.wait()
        self._reader.join(_CLOSING_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for message in self._messages(self._process.stdout):
            if self.ready:
                self._answers.put(message)
            else:
                self.ready = message == READY


class Worker(Child[str]):
    """A child whose module's ``main`` calls `serve`: it answers lines with lines.

    Parameters are those of `Child`.
    """

    def __init__(
        self,
        module: str,
        *options: str,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(module, *options, messages=_lines, log=log, environment=environment)

    def send(self, line: str) -> None:
        """Give it a line."""
        self.write((line.replace("\n", " ") + "\n").encode())


def _lines(stream: IO[bytes]) -> Iterator[str]:
    return (line.decode().strip() for line in stream)


def serve(handle: Callable[[str], str], *, prepare: Callable[[], None] | None = None) -> None:
    """Answer each line of standard input on standard output, until standard input ends.

    Parameters
    ----------
    handle : callable
        Makes the answer from a line.
    prepare : callable, optional
        Called before the worker says that it is ready.
    """
    answers = os.fdopen(kept_output(), "w", encoding="utf-8", buffering=1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    if prepare is not None:
        prepare()
    print(READY, file=answers)
    while True:
        print(handle(lines.get()).replace("\n", " "), file=answers)


def kept_output() -> int:
    """Return the standard output for answers; what libraries print goes to standard error now."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def lower_priority(steps: int) -> None:
    """Let other processes go first, where the system knows how."""
    if hasattr(os, "nice"):
        os.nice(steps)


def lower_thread_priority(steps: int) -> None:
    """Let other threads go before this one, where the system knows how."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + steps)


def _listen(lines: queue.SimpleQueue[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            lines.put(line.rstrip("\n"))
    # Work in the midst of compiled code can't be stopped by an exception from here.
    os._exit(0)
