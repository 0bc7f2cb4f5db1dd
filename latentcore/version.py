"""Which version of the package this is, and the folder from which it is imported."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.2.0"

# Other processes put it on their path, so that they import this very code.
IMPORT_FOLDER = Path(__file__).parents[1]
