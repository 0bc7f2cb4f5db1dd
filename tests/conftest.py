"""What every room's tests may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real artifacts that lies beside the project."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"the fixture data are not on this machine ({_SHARED_DATA} is missing)")
    return _SHARED_DATA
