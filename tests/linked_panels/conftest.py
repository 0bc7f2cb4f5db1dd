from __future__ import annotations

from tests.browser_support import browser, page

__all__ = ["browser", "page"]
