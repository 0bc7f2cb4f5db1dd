"""What `zipfile` raises for archives that are damaged, or packed in ways that it can't read."""

from __future__ import annotations

import zipfile
import zlib

__all__ = ["ZIP_DAMAGE"]

# A RuntimeError for a password, and NotImplementedError, which is one, for what is newer than it.
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
