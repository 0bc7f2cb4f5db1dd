"""Two users in two browsers, who sign in by a provider that runs here: whose is what."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from latentcore.jobs import JobRunner
from latentcore.settings import settings
from latentcore.workflows import VERBS
from pages.access import claims
from tests.browser_support import REPOSITORY, streamlit_server
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.oidc_provider import CLIENT, CLIENT_SECRET, oidc_provider

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PEOPLE = {
    "Anna": {"email": "anna@lab.org", "email_verified": True, "groups": ["metals"]},
    "Bert": {"email": "bert@lab.org", "email_verified": True},
}
PATIENCE_MS = 60_000


@dataclass
class Visitor:
    """One person's browser."""

    page: Page
    arrays: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", self._note)

    def _note(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if "/latent/arrays/" in url:
            self.arrays.append(url)

    def sign_in(self, url: str, name: str) -> None:
        self.page.goto(url)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("link", name=name).click()
        # In the sidebar, which opens on Explore under the pointer only.
        expect(self.page.get_by_text(PEOPLE[name]["email"])).to_be_attached(timeout=PATIENCE_MS)

    def status(self, url: str) -> int:
        return self.page.request.get(url).status


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a run of Anna's, in a workspace with a scan in its data root."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LATENT_DATA_ROOTS", str(tmp_path / "data"))
    settings.cache_clear()
    scan = write_kikuchi(tmp_path / "data" / "scan.h5", full_grid(12, 10))
    with JobRunner(tmp_path / "workspace" / "jobs") as runner:
        request = VERBS.get("extract").request(location=(str(scan),), checkpoint="pca:3")
        record = runner.wait(runner.submit("extract", request, title="What Anna found").id, 60)
    claims.give("run", record.folder.name, "anna@lab.org")
    yield record.folder.name
    settings.cache_clear()


@pytest.fixture
def url(tmp_path: Path, run: str) -> Iterator[str]:
    file = tmp_path / "secrets.toml"
    with oidc_provider(PEOPLE) as issuer:
        file.write_text(
            '[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            'cookie_secret = "nobody has guessed this secret"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        file.chmod(0o600)
        options = {"secrets.files": str(file)}
        with streamlit_server(REPOSITORY / "app.py", env=os.environ, options=options) as found:
            yield found


def answer(url: str, cookie: str = "") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"cookie": cookie})) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_each_sees_their_own_and_signing_out_ends_it(browser: Browser, url: str, run: str) -> None:
    link = f"{url}/?samples=folder:data/scan.h5&latents=run:{run}/scan_latents.h5"
    anna, bert = (Visitor(browser.new_context().new_page()) for _ in range(2))
    anna.sign_in(url, "Anna")
    anna.page.goto(link)
    anna.page.wait_for_function("() => document.querySelector('canvas')")
    anna.page.wait_for_timeout(1000)
    array = anna.arrays[0]
    assert anna.status(array) == 200
    anna.page.goto(f"{url}/runs")
    expect(anna.page.get_by_text("Choose a line to see")).to_be_visible()

    assert bert.status(array) == 401
    bert.sign_in(link, "Bert")
    expect(bert.page.get_by_text("You may not open")).to_be_visible()
    assert bert.status(array) == 404
    bert.page.goto(f"{url}/runs?run={run.removeprefix('extract-')}")
    expect(bert.page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    assert bert.page.get_by_text("What Anna found").count() == 0

    kept = "; ".join(f"{one['name']}={one['value']}" for one in anna.page.context.cookies())
    assert answer(array, kept) == 200
    elsewhere = anna.page.context.new_page()
    elsewhere.goto(f"{url}/data")
    expect(elsewhere.get_by_text(PEOPLE["Anna"]["email"])).to_be_visible(timeout=PATIENCE_MS)
    anna.page.get_by_role("button", name="Sign out").click()
    expect(anna.page.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)
    assert anna.status(array) == anna.status(f"{url}/latent/user") == 401
    assert answer(array, kept) == 401, "a copy of the cookie"
    elsewhere.get_by_role("link", name="Batch").click()
    expect(elsewhere.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)
    assert bert.status(f"{url}/latent/user") == 200
