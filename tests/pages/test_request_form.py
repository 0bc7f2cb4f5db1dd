"""Any dataclass becomes a form."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from latentcore.errors import RequestError
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class Everything:
    name: str = option("a", help="a name")
    note: str | None = option(None, help="a note")
    way: str = option("short", help="which way", choices=("short", "long"))
    count: int = option(3, help="how many", convert=int)
    limit: float | None = option(None, help="at most", convert=float)
    swift: bool = option(False, help="hurry")
    range: tuple[float, float] | None = option(None, help="from, to", nargs=2, convert=float)
    dims: tuple[int, ...] = option((), help="numbers", nargs="+", convert=int)

    def __post_init__(self) -> None:
        if self.count > 5:
            message = f"count is {self.count}, but at most 5 fit. Give fewer."
            raise RequestError(message)


def script() -> None:
    import streamlit as st

    from pages.forms.request_form import form_for
    from tests.pages.test_request_form import Everything

    made = form_for(
        Everything,
        key="form",
        skip=("name",),
        defaults={"name": "b", "count": 4},
        details={"range": {"example": "0 10", "label": "From, to"}},
        columns=2,
    )
    st.session_state["made"] = made and vars(made)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script).run()


def made(app: AppTest) -> dict | None:
    assert not app.exception
    return app.session_state["made"]


def test_form_begins_with_the_defaults(app: AppTest) -> None:
    assert made(app) == {
        "name": "b",
        "note": None,
        "way": "short",
        "count": 4,
        "limit": None,
        "swift": False,
        "range": None,
        "dims": (),
    }
    assert app.number_input(key="form.count").help == "How many"


def test_form_returns_what_was_chosen(app: AppTest) -> None:
    app.text_input(key="form.note").set_value("hello")
    app.selectbox(key="form.way").set_value("long")
    app.number_input(key="form.count").set_value(5)
    app.number_input(key="form.limit").set_value(0.25)
    app.toggle(key="form.swift").set_value(True)
    app.text_input(key="form.range").set_value("1, 2.5")
    app.text_input(key="form.dims").set_value("4 7")
    chosen = made(app.run())
    assert chosen == {
        "name": "b",
        "note": "hello",
        "way": "long",
        "count": 5,
        "limit": 0.25,
        "swift": True,
        "range": (1.0, 2.5),
        "dims": (4, 7),
    }
    assert type(chosen["count"]) is int


@pytest.mark.parametrize(
    ("text", "message"), [("1 2 3", "takes 2 values"), ("1 x", "can't be read from '1 x'")]
)
def test_form_shows_what_cannot_be_read(app: AppTest, text: str, message: str) -> None:
    app.text_input(key="form.range").set_value(text).run()
    assert made(app) is None
    shown = app.error[0].value.replace("\\", "")
    assert message in shown
    assert "Write it as 0 10." in shown


def test_form_shows_what_the_dataclass_refuses(app: AppTest) -> None:
    app.number_input(key="form.count").set_value(9).run()
    assert made(app) is None
    assert "at most 5 fit" in app.error[0].value
    app.number_input(key="form.count").set_value(2).run()
    assert made(app)["count"] == 2
    assert not app.error


def test_every_clusterer_has_a_form() -> None:
    def forms() -> None:
        import streamlit as st

        from latentcore.analysis.clusterers import CLUSTERERS
        from pages.forms.request_form import form_for

        st.session_state["made"] = {name: form_for(c, key=name) for name, c in CLUSTERERS.items()}

    app = AppTest.from_function(forms).run()
    assert not app.exception
    assert len(app.session_state["made"]) >= 4
    for name, clusterer in app.session_state["made"].items():
        assert clusterer == type(clusterer)(), name
