"""What every room's tests may ask for."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Workers that run side by side share the cores: with threads of their own they wait for each other.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _WORKERS > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _WORKERS)))

import latentcore  # noqa: E402, F401  # how OpenMP waits is set before any library reads it

# How long an example takes depends on what else the machine does; whether it passes must not.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist hand out the files in our order, where it is there."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, then those of many tests.

    xdist alone goes by the number of tests: of workers that go through the files side by side, one
    would still be at a browser test of a minute when the others have nothing left to do.
    """
    tests = Counter(item.path for item in items)
    long = {item.path for item in items if any(map(item.get_closest_marker, ("browser", "slow")))}
    items.sort(key=lambda item: (item.path not in long, -tests[item.path]))


_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real artifacts that lies beside the project."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"the fixture data are not on this machine ({_SHARED_DATA} is missing)")
    return _SHARED_DATA
