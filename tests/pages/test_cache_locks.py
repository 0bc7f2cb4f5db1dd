"""Locks of values that Streamlit's caches have dropped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from pages.frame import cache_locks, start


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def locks() -> dict[str, int]:
    return {
        one.display_name.rpartition(".")[2]: len(one._value_locks) for one in cache_locks._caches()
    }


@pytest.mark.parametrize("cached", [st.cache_data, st.cache_resource])
def test_locks_of_many_values_are_forgotten_but_for_those_that_are_held(cached) -> None:
    @cached(max_entries=2, show_spinner=False)
    def double(number: int) -> int:
        if number == 1200:
            cache_locks.forget_unused()  # while this value's lock is held
        return 2 * number

    @cached(show_spinner=False)
    def once() -> int:
        return 1

    once()
    for number in (*range(1201), 3):
        assert double(number) == 2 * number
    assert locks() == {"double": 2, "once": 1}


def test_another_version_of_streamlit_ends_nothing(monkeypatch) -> None:
    """The thread that calls it collects the server's garbage, too."""
    monkeypatch.delattr(cache_locks.cache_data_api._data_caches, "_caches_lock")
    assert cache_locks.forget_unused() == 0


def test_the_server_forgets_them_from_time_to_time(monkeypatch) -> None:
    forgotten: list[int] = []
    pauses = iter([None])

    def pause(_seconds: float) -> None:
        next(pauses)

    monkeypatch.setattr(start.time, "sleep", pause)
    monkeypatch.setattr(start, "forget_unused", lambda: forgotten.append(1))
    with pytest.raises(StopIteration):
        start.collect_garbage()
    assert forgotten == [1]
