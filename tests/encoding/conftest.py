from __future__ import annotations

from tests.encoders.threads import one_thread

__all__ = ["one_thread"]
