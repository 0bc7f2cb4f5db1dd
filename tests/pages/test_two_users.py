"""Two users of one server, and its operator: whose runs are whose, on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from latentcore.jobs import JobRecord
from latentcore.settings import settings
from latentcore.workflows import VERBS
from pages.access import identity
from pages.access.identity import User
from pages.jobs.panel import runner
from tests.factories.kikuchi import write_kikuchi

APP = Path(__file__).parents[2] / "app.py"
PATIENCE = 60
ANNA = User("anna@lab.org", frozenset({"metals"}))
BERT = User("bert@lab.org", frozenset({"metals"}))
OLGA = User("olga@lab.org", operator=True)


class Person:
    """Who sits in front of the browser."""

    user: User | None = ANNA


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """A server on which people sign in, with a scan in its data root."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LATENT_DATA_ROOTS", str(root))
    settings.cache_clear()
    write_kikuchi(root / "scan.h5")
    someone = Person()
    monkeypatch.setattr(identity, "way_in", lambda: "header")
    monkeypatch.setattr(identity, "asking", lambda: someone.user)
    yield someone
    st.cache_resource.clear()
    st.cache_data.clear()
    settings.cache_clear()


@pytest.fixture
def annas(person: Person) -> JobRecord:
    """A run of Anna's."""
    location = str(settings().data_roots[0] / "scan.h5")
    request = VERBS.get("extract").request(location=(location,), checkpoint="pca:3")
    record = runner().submit("extract", request, title="What Anna found")
    return runner().wait(record.id, PATIENCE)


def open_page(page: str = "runs", **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
    app.query_params.update({"samples": "folder:data/scan.h5", **query})
    return app.switch_page(f"pages/tasks/{page}/{page}.py").run()


def text_of(app: AppTest) -> str:
    assert not app.exception
    shown = [*app.error, *app.warning, *app.info, *app.caption, *app.markdown]
    return "\n".join(one.value for one in shown).replace("\\", "")


def titles(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Title"]) if app.dataframe else []


def latents_of(record: JobRecord) -> str:
    return f"run:{record.folder.name}/scan_latents.h5"


def test_nobody_gets_no_page(person: Person) -> None:
    person.user = None
    app = open_page()
    assert not app.title and not app.sidebar.selectbox
    assert "Nobody has told this server who you are" in text_of(app)


def test_another_users_run_is_neither_listed_nor_opened(person: Person, annas: JobRecord) -> None:
    assert titles(open_page()) == ["What Anna found"]
    assert "You may not open" not in text_of(open_page("explore", latents=latents_of(annas)))
    person.user = BERT
    app = open_page(run=annas.id)
    assert "What Anna found" not in text_of(app) and not titles(app)
    app = open_page("explore", latents=latents_of(annas))
    assert "You may not open" in text_of(app) and latents_of(annas) in text_of(app)
    app = open_page("extract", job=annas.id)
    assert "belongs to somebody who doesn't share it" in text_of(app)
