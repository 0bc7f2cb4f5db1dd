"""The page about the whole server: what operators see, and what they don't."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from latentcore.settings import settings
from pages.access import claims, identity, presence
from pages.jobs.server import server_runner
from pages.operation import people
from tests.jobs.child import toy_verbs
from tests.jobs.child.toy_verbs import ToyRequest
from tests.pages.conftest import APP, OpenPage

PATIENCE = 60
# Whom Streamlit's tests are run by.
TESTER = "test@example.com"
PAGE = APP.parent / "pages" / "tasks" / "operator" / "operator.py"

Submit = Callable[..., str]


@pytest.fixture
def submit(workspace) -> Iterator[Submit]:
    del workspace
    toy_verbs.register()

    def submit_(name: str, user: str, **how: object) -> str:
        record = server_runner().submit(
            "toy-thread", ToyRequest(name, **how), user=user, title="patients.csv"
        )
        claims.give("run", record.folder.name, user)
        return record.id

    yield submit_
    toy_verbs.unregister()


@pytest.fixture
def signing_in() -> Iterator[None]:
    config.set_option("server.trustedUserHeaders", {"X-User": "email"})
    identity.way_in.cache_clear()
    yield
    config.set_option("server.trustedUserHeaders", {})
    identity.way_in.cache_clear()


def text(app: AppTest) -> str:
    assert not app.exception
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.title]
    tables = [frame.value.to_string() for frame in app.dataframe]
    bars = [bar.proto.text for bar in app.get("progress")]
    return "\n".join([*(one.value for one in parts), *tables, *bars]).replace("\\", "")


def wait_until_running(job: str) -> None:
    end = time.monotonic() + PATIENCE
    while not server_runner().get(job).total:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_operator_sees_whose_jobs_wait_cancels_one_and_reads_no_title(
    open_page: OpenPage, submit: Submit, signing_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_OPERATORS", TESTER)
    settings.cache_clear()
    first = submit("a", "ada@lab.org", steps=100_000, pause=0.01)
    wait_until_running(first)
    second, third = submit("b", "ada@lab.org"), submit("c", "eve@lab.org")
    app = open_page("operator")
    shown = text(app)
    keys = [one.key for one in app.button if str(one.key).startswith("operator_cancel_")]
    assert keys == [f"operator_cancel_{job}" for job in (first, third, second)]
    assert "1 before it" in shown
    assert "2 before it" in shown
    assert "patients" not in shown
    app.button(key=f"operator_cancel_{first}").click().run()
    assert server_runner().wait(first, PATIENCE).state == "cancelled"
    ended = {server_runner().wait(job, PATIENCE).state for job in (second, third)}
    assert ended == {"finished"}
    app.run()
    assert "No job is running or waiting." in text(app)
    assert "3 jobs have ended" in [one.label for one in app.expander]
    [users] = [one.value for one in app.dataframe if "Sessions" in one.value]
    assert set(users["User"]) >= {"ada@lab.org", "eve@lab.org"}


def test_nobody_else_gets_there(open_page: OpenPage, signing_in: None) -> None:
    assert "Server" not in [one.value for one in open_page("operator").title]
    alone = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert "for those who look after the server" in text(alone)
    assert not alone.metric


def test_alone_at_the_machine_one_is_the_operator_but_not_before_all_the_world(
    open_page: OpenPage,
) -> None:
    assert [one.label for one in open_page("operator").metric][:2] == ["Sessions", "Jobs running"]
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    try:
        assert not open_page("operator").metric
    finally:
        config.set_option("server.address", before)


def test_problems_of_the_settings_and_bounds_are_told(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_USR_GB", "3")
    monkeypatch.setenv("LATENT_USER_GB", "3")
    settings.cache_clear()
    shown = text(open_page("operator"))
    assert "LATENT_USR_GB is no setting" in shown
    assert "Each user may take 3 GB." in shown
    assert "latentcore" in shown


def test_users_are_counted_by_what_they_have_done_and_who_is_there(
    submit: Submit, signing_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit("a", "ada@lab.org", pause=0.05)
    server_runner().wait(job, PATIENCE)
    claims.give("run", server_runner().get(job).folder.name, "eve@lab.org")
    monkeypatch.setattr(presence, "_names", {"1": "eve@lab.org", "2": "eve@lab.org", "3": "gone"})
    monkeypatch.setattr(presence, "_is_connected", lambda session: session != "3")
    found = people.usage()
    assert found["ada@lab.org"].worked >= 0.1
    assert found["ada@lab.org"].runs == found["eve@lab.org"].runs > 0
    assert (found["eve@lab.org"].sessions, found["eve@lab.org"].worked) == (2, 0.0)
    assert "gone" not in found
