"""Child processes that are ended together with whatever they have started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import Any

__all__ = ["kill_with_children"]


def kill_with_children(process: subprocess.Popen[Any]) -> None:
    """Kill a process that was started with ``start_new_session``, and its process group.

    Windows has no such groups: only the process itself is killed there.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
