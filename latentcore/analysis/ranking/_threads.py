"""Work on all dimensions, in blocks, on all processor cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from latentcore.analysis.ranking._metric import Tick

# Fewer values in all aren't worth starting threads for.
_VALUES_PER_BLOCK = 1 << 16


def over_dimensions(work: Callable[[int, int], None], shape: tuple[int, ...], tick: Tick) -> None:
    """Call ``work(start, stop)`` for blocks of dimensions, until all are done.

    Parameters
    ----------
    work : callable
        Must release the interpreter's lock to gain from more than one core, and write its
        results to a place of its own.
    shape : tuple of int
        (d, m), the number of dimensions, and of points in each.
    tick : callable
        Called, in the calling thread, after each block; if it raises, no further block starts.
    """
    d, m = shape
    if d * m <= _VALUES_PER_BLOCK:
        work(0, d)
        tick(d)
        return
    block = max(1, min(-(-d // 8), _VALUES_PER_BLOCK // m))
    starts = range(0, d, block)
    with ThreadPoolExecutor(_cores()) as pool:
        running = [pool.submit(work, start, min(start + block, d)) for start in starts]
        try:
            for start, block_done in zip(starts, running, strict=True):
                block_done.result()
                tick(min(start + block, d) - start)
        except BaseException:
            for waiting in running:
                waiting.cancel()
            raise


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
