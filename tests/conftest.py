"""What every room's tests may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import latentcore  # noqa: F401  # how OpenMP waits is set before any library reads it

# How long an example takes depends on what else the machine does; whether it passes must not.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real artifacts that lies beside the project."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"the fixture data are not on this machine ({_SHARED_DATA} is missing)")
    return _SHARED_DATA
