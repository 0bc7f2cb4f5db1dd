"""Servers on which people sign in: by Streamlit's login, or by a proxy's headers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from latentcore.settings import settings
from pages.access import identity

ORIGIN = "https://lab.example.org"
SECRET = "a secret that nobody has guessed"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LATENT_OPERATORS", "olga@lab.org")
    monkeypatch.setenv("LATENT_TRUSTED_PROXIES", "10.0.0.0/24, ::1")
    settings.cache_clear()
    yield settings().workspace
    settings.cache_clear()


@pytest.fixture
def with_login(workspace: Path, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "secrets.toml"
    file.write_text(
        f'[auth]\nredirect_uri = "{ORIGIN}/oauth2callback"\ncookie_secret = "{SECRET}"\n'
        'client_id = "latent"\nclient_secret = "s"\nserver_metadata_url = "https://id.example.org"'
    )
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(file)])
    secrets_singleton._reset()
    identity.way_in.cache_clear()
    yield workspace
    config.set_option("secrets.files", before)
    secrets_singleton._reset()
    identity.way_in.cache_clear()


@pytest.fixture
def with_headers(workspace: Path) -> Iterator[Path]:
    config.set_option("server.trustedUserHeaders", {"X-User": "email", "X-Groups": "groups"})
    identity.way_in.cache_clear()
    yield workspace
    config.set_option("server.trustedUserHeaders", {})
    identity.way_in.cache_clear()


def claims_of(name: str, **more: object) -> dict[str, object]:
    """Return what Streamlit keeps of a login in its cookie."""
    return {
        "email": name,
        "iat": time.time(),
        "nonce": "n",
        "origin": ORIGIN,
        "is_logged_in": True,
        **more,
    }
