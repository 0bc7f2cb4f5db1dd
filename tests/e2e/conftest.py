"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from tests.browser_support import browser, page  # noqa: F401 - fixtures
