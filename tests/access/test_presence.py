"""Who is there is known for as long as they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pages.access import presence


def test_sessions_that_have_ended_are_forgotten_as_others_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: set[str] = set()
    monkeypatch.setattr(presence, "_names", {})
    monkeypatch.setattr(presence, "_is_connected", connected.__contains__)

    def come(session: str) -> None:
        connected.add(session)
        context = SimpleNamespace(session_id=session)
        monkeypatch.setattr(presence, "get_script_run_ctx", lambda: context)
        presence.note()

    for number in range(5):
        connected.clear()
        come("stays")
        come(f"{number}")
    assert set(presence._names) == {"stays", "4"}
