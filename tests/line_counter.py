"""How many lines of the library a call runs: what grows with the points is a loop over them.

Unlike a clock, the number is the same on every machine and under every load.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import latentcore

_LIBRARY = str(Path(latentcore.__file__).parent)


def lines_run(call: Callable[[], object]) -> int:
    """Return how many lines in ``latentcore`` the call runs in this thread."""
    count = 0

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename.startswith(_LIBRARY) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
