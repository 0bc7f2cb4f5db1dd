"""Free memory that is the machine's own, as it is on one that is not virtual.

Some hosts take free memory back from a virtual machine within seconds, and a gigabyte of it then
costs seconds when it is used again. That says nothing about a program, but counts in its time.
"""

from __future__ import annotations

import numpy as np

__all__ = ["hold_free_memory"]

_BYTES = 3 << 30
_PAGE = 4096


def hold_free_memory() -> None:
    """Use memory and free it, so that what is measured next, within seconds, finds it there."""
    np.empty(_BYTES, np.uint8)[::_PAGE] = 1
