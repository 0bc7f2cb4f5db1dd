"""Locks that Streamlit's caches make and never let go.

For each value that isn't in a cache Streamlit makes a lock, so that only one session computes it,
and keeps the lock for as long as the server runs, however long ago the value was dropped: some
hundred bytes for each position of a slider that anybody has ever tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from streamlit.runtime.caching import cache_data_api, cache_resource_api

# So few cost nothing. What is made but once, as the runner of jobs, is in a cache with one lock,
# and must not lose it between the moments in which a session finds it and takes it.
_SOME = 1000


def forget_unused() -> int:
    """Forget the locks that nobody holds, where a cache has many; return how many were.

    None where Streamlit is of a version that keeps them in another way.
    """
    forgotten = 0
    with suppress(AttributeError):
        for cache in _caches():
            forgotten += _forget_in(cache)
    return forgotten


def _forget_in(cache: Any) -> int:
    with cache._value_locks_lock:
        locks = cache._value_locks
        if len(locks) < _SOME:
            return 0
        unused = [key for key, lock in locks.items() if not lock.locked()]
        for key in unused:
            del locks[key]
    return len(unused)


def _caches() -> Iterator[Any]:
    for kind in (cache_data_api._data_caches, cache_resource_api._resource_caches):
        with kind._caches_lock:
            found = [one for caches in kind._function_caches.values() for one in caches.values()]
        yield from found
