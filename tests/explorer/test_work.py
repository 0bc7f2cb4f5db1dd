"""What is computed beside a page: shared, cancelled, bounded."""

from __future__ import annotations

import threading
import weakref
from functools import partial

import pytest

from latentcore.errors import Cancelled
from latentcore.progress import Progress
from pages.jobs.work import Work, Works

PATIENCE = 30


def endless(progress: Progress) -> int:
    while True:
        progress.step(1, 4, "fitting")


def test_sessions_share_what_was_begun_and_somebody_can_cancel_it() -> None:
    works = Works()
    stepped = threading.Event()

    def slow(progress: Progress) -> int:
        while True:
            progress.step(1, 4, "fitting")
            stepped.set()

    work = works.begin("a", slow)
    assert works.begin("a", lambda progress: 2) is work
    assert stepped.wait(PATIENCE)
    assert "fitting 25 %" in work.text()
    with pytest.raises(TimeoutError):
        work.result(0)
    work.progress.cancel()
    with pytest.raises(Cancelled):
        work.result(PATIENCE)
    assert work.cancelled
    works.forget("a")
    assert works.begin("a", lambda progress: 2).result(PATIENCE) == 2


def test_what_nobody_awaits_any_more_is_cancelled() -> None:
    works = Works()
    other_kind = works.begin("separation|1", endless, by="one")
    alone = works.begin("clusters|1", endless, by="one")
    shared = works.begin("clusters|2", endless, by="two")
    assert works.begin("clusters|2", endless, by="one") is shared
    with pytest.raises(Cancelled):
        alone.result(PATIENCE)
    works.begin("clusters|3", endless, by="one").progress.cancel()
    assert shared.active
    assert not shared.progress.cancelled
    assert works.begin("clusters|1", lambda progress: 3, by="one").result(PATIENCE) == 3
    for work in (other_kind, shared):
        assert work.active
        work.progress.cancel()


def test_what_has_ended_is_bounded_and_what_goes_on_is_kept() -> None:
    works = Works()
    wait = threading.Event()
    going: Work[int] = works.begin("on", lambda progress: int(wait.wait(PATIENCE)))
    for number in range(60):
        works.begin(str(number), lambda progress, number=number: number).result(PATIENCE)  # type: ignore[misc]
    assert works.get("on") is going
    assert works.get("0") is None
    assert works.begin("59", lambda progress: -1).result(PATIENCE) == 59
    works.begin("large", lambda progress: 1, points=20_000_000).result(PATIENCE)
    works.begin("larger", lambda progress: 2, points=20_000_000).result(PATIENCE)
    works.begin("next", lambda progress: 3).result(PATIENCE)
    assert works.get("large") is None
    assert works.begin("larger", lambda progress: -1).result(PATIENCE) == 2
    wait.set()
    assert going.result(PATIENCE) == 1


def test_an_answer_does_not_keep_what_was_asked_about() -> None:
    class Scan:
        """Stands for latents of a gigabyte."""

    def measure(scan: Scan, progress: Progress) -> int:
        del scan, progress
        return 7

    scan = Scan()
    freed = threading.Event()
    weakref.finalize(scan, freed.set)
    work = Works().begin("a", partial(measure, scan))
    del scan
    assert work.result(PATIENCE) == 7
    assert freed.wait(PATIENCE)
