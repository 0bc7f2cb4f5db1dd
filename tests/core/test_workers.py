"""Children that answer."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from latentcore.workers import Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("latentcore.hdf5.examination")
    yield worker
    worker.kill()


@pytest.fixture
def busy_handler() -> Iterator[None]:
    def keep_busy(_number: int, _frame: FrameType | None) -> None:
        time.sleep(0.4)

    before = signal.signal(signal.SIGUSR1, keep_busy)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals reach no thread here")
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("busy_handler")
def test_a_thread_that_is_held_up_beyond_its_deadline_stops_waiting(worker: Worker) -> None:
    """As happens on a busy machine: `queue.SimpleQueue` then waits for ever (Python 3.11)."""
    waiting = threading.main_thread().ident
    assert waiting is not None
    threading.Timer(0.1, signal.pthread_kill, (waiting, signal.SIGUSR1)).start()
    assert worker.answer(0.2) is None
