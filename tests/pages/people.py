"""Several people on one server, for tests of what is whose."""

from __future__ import annotations

import io
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
from pages.access.uploads import store_upload
from pages.jobs.panel import runner
from tests.factories.kikuchi import write_kikuchi
from tests.jobs.child import toy_verbs

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
def toys() -> Iterator[None]:
    toy_verbs.register()
    yield
    toy_verbs.unregister()


@pytest.fixture
def annas(person: Person) -> JobRecord:
    """A run of Anna's."""
    return extraction(str(settings().data_roots[0] / "scan.h5"))


def extraction(location: str) -> JobRecord:
    request = VERBS.get("extract").request(location=(location,), checkpoint="pca:3")
    record = runner().submit("extract", request, title="What Anna found")
    return runner().wait(record.id, PATIENCE)


def bring(name: str, content: bytes) -> str:
    """Upload a file; return its place."""
    file = io.BytesIO(content)
    file.name = name
    return store_upload(file)


def open_page(page: str = "runs", **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
    app.query_params.update({"samples": "folder:data/scan.h5", **query})
    return app.switch_page(f"pages/tasks/{page}/{page}.py").run()


def text_of(app: AppTest) -> str:
    assert not app.exception
    shown = [*app.error, *app.warning, *app.info, *app.caption, *app.markdown]
    return "\n".join(one.value for one in shown).replace("\\", "").replace(":color[@]", "@")


def titles(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Title"]) if app.dataframe else []


def latents_of(record: JobRecord) -> str:
    return f"run:{record.folder.name}/scan_latents.h5"
