"""A thread lets the others of its process go first."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from latentcore.workers import lower_thread_priority


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priorities")
def test_only_the_thread_that_asks_goes_behind() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1, initializer=lower_thread_priority, initargs=(3,)) as pool:
        lowered = pool.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        assert lowered.result() == min(19, own + 3)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
