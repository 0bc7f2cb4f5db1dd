"""What the worker process does beside jobs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from latentcore.jobs import worker


@pytest.mark.parametrize("writable", [True, False])
def test_large_embeddings_are_compiled_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    folder = tmp_path / "__pycache__"
    if writable:
        folder.mkdir()
    both_asked = threading.Event()
    compiled = []

    def compile_slowly(*, large: bool) -> None:
        assert both_asked.wait(20)
        compiled.append(large)
        if writable:
            (folder / "process_candidates.py310.nbi").touch()

    def compile_second() -> None:
        both_asked.set()
        worker.compile_large()

    monkeypatch.setattr(worker, "_code_folder", lambda: folder)
    monkeypatch.setattr(worker, "_warm_up", compile_slowly)
    with ThreadPoolExecutor(2) as pool:
        for done in pool.submit(worker.compile_large), pool.submit(compile_second):
            done.result(20)
    assert compiled == [True] * (1 if writable else 2)


def test_machine_code_is_looked_for_where_numba_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*, large: bool) -> None:
        pytest.fail("It was compiled again.")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(worker, "_warm_up", refuse)
    kept = tmp_path / "pynndescent_0123"
    kept.mkdir()
    (kept / "pynndescent_.process_candidates-1.py311.nbi").touch()
    worker.compile_large()
