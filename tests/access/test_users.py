"""What a login or a header says of somebody, and who acts where there is no session."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from latentcore.settings import settings
from pages.access.identity import (
    NOBODY_IN_PARTICULAR,
    NotSignedInError,
    User,
    acting_as,
    current_user,
    user_of,
)
from pages.jobs.work import Work


def sent(**headers: str) -> User | None:
    pairs = [(f"x-{name}".encode(), value.encode()) for name, value in headers.items()]
    return user_of(HTTPConnection({"type": "http", "headers": pairs}))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"user": "Anna@Lab.org"}, User("anna@lab.org")),
        ({"user": "anna", "groups": "a b, c,,"}, User("anna", frozenset({"a b", "c"}))),
        ({"user": "olga@lab.org"}, User("olga@lab.org", operator=True)),
        ({"groups": "metals"}, None),
        ({"user": "a" * 201}, None),
        ({"user": " anna"}, None),
        ({"user": "an\tna"}, None),
    ],
)
def test_a_header_names_a_user(
    headers: dict[str, str], expected: User | None, with_headers: Path
) -> None:
    assert sent(**headers) == expected


def test_names_that_are_no_addresses_keep_their_capitals(
    with_headers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_USER_CLAIM", "groups")
    settings.cache_clear()
    assert sent(user="anna", groups="Anna") == User("Anna", frozenset({"Anna"}))


def test_a_computation_acts_for_who_asked_for_it(with_headers: Path) -> None:
    with pytest.raises(NotSignedInError):
        current_user()
    with acting_as(User("anna")):
        work = Work(lambda _progress: current_user().name, 0)
    assert work.result(10) == "anna"


def test_without_a_login_everybody_is_the_same(workspace: Path) -> None:
    assert sent(user="anna") == current_user() == NOBODY_IN_PARTICULAR
