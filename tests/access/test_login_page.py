"""The page for those who aren't signed in, and why somebody isn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from pages.access import identity
from tests.access.conftest import claims_of

APP = Path(__file__).parents[2] / "app.py"


def open_app(monkeypatch: pytest.MonkeyPatch, claims: dict[str, object]) -> AppTest:
    """Open the app as Streamlit would for somebody with these claims."""
    monkeypatch.setattr("streamlit.user_info._get_user_info", lambda: dict(claims))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception and not app.sidebar.selectbox
    return app


def said(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.error, *app.info, *app.markdown))


def test_whoever_is_not_signed_in_may_sign_in_and_no_more(
    with_login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(monkeypatch, {"is_logged_in": False})
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.info and not (with_login / "runs").exists()


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iat": 0}, "too old"),
        ({"email": None}, "lacks “email”"),
        ({"email_verified": False}, "has not verified"),
    ],
)
def test_it_says_why_a_login_is_not_enough(
    claims: dict[str, object],
    expected: str,
    with_login: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_app(monkeypatch, {**claims_of("anna@lab.org"), **claims})
    assert expected in said(app)


def test_providers_have_a_button_each_and_short_secrets_let_nobody_in(
    with_login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = with_login.parent / "secrets.toml"
    text = file.read_text().replace("client_id", "note").replace("client_secret", "also")
    file.write_text(f'{text}\n[auth.keycloak]\nclient_id = "a"\n[auth.orcid]\nclient_id = "b"')
    secrets_singleton._reset()
    app = open_app(monkeypatch, {"is_logged_in": False})
    assert [button.label for button in app.button] == [
        "Sign in with Keycloak",
        "Sign in with Orcid",
    ]
    file.write_text(file.read_text().replace("a secret that nobody has guessed", "short"))
    secrets_singleton._reset()
    app = open_app(monkeypatch, claims_of("anna@lab.org"))
    assert "fewer than 16 characters" in said(app) and not app.button
    assert identity.way_in() == "login"
