"""The C library's heap in a server that runs for weeks, where it is glibc's."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

# Numbers of glibc's <malloc.h>.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
# Half of a float32 map of 131,500 points. With 1 MiB ten times as much lay free between blocks.
_LARGE = 256 * 1024
_ARENAS = 4


def keep_in_few_pieces() -> None:
    """Let large arrays have pages of their own, which the system gets back when they go.

    glibc would let each array that goes raise the size from which it does so, up to 32 MiB: all
    maps and latents soon lie between small objects, in one heap for each of up to eight threads per
    processor, and leave holes that nothing fits into.
    """
    tune = _of_glibc("mallopt")
    if tune is not None:
        tune(_M_MMAP_THRESHOLD, _LARGE)
        tune(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give free memory back to the system.

    glibc keeps what was freed between blocks that are in use: after 200 scans a third of its heap.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library, None where it is another one."""
    if sys.platform != "linux":
        return None
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
