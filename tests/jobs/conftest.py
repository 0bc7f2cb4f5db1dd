"""Toy verbs, known to this process and to the workers that it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentcore.jobs import JobRunner
from tests.jobs.child import toy_verbs


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    paths = [str(toy_verbs.HERE), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    toy_verbs.register()
    yield
    toy_verbs.unregister()


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[JobRunner]:
    with JobRunner(tmp_path / "jobs") as made:
        yield made
