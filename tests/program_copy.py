"""A copy of the program, to which a test adds files."""

from __future__ import annotations

import shutil
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def copy_program(folder: Path) -> None:
    """Copy the packages, with all that was compiled of them: that would take seconds again."""
    being_written = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")
    for name in ("latentcore", "pages"):
        shutil.copytree(_ROOT / name, folder / name, ignore=being_written)
