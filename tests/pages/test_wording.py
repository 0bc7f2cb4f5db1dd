"""Help, names of values, titles and notes are for people: nothing depends on how they read."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from latentcore.analysis.clusterers import CLUSTERERS
from latentcore.analysis.probes import PROBES
from latentcore.analysis.ranking import METRICS
from latentcore.cli import build_parser, request_in
from latentcore.workflows import VERBS
from latentcore.workflows.batch.inputs import batchable

COMMANDS = (
    "extract a.h5 b.h5 --checkpoint pca:8 --prepare smooth=1 size=9x9 --pool mean --out run",
    "extract a.h5 --checkpoint c.pth --keep-above m.csv:bc 3 --resolution 8 9 --out run",
    "cluster a.h5 --dim 3 --map m.csv --method gmm --k-min 2 --roi 0 5 0 5 --criterion aic --out r",
    "cluster a.h5 --dim 3 --map m.csv --method dbscan --eps 0.5 --min-samples 4 --out run",
    "probe a.h5 --labels m.csv:phase --classifier logistic --max-iter 9 --without 3 --out run",
    "project a.h5 --method pca --components 3 --out run",
    "rank a.h5 --map m.csv:Fe,Ni --metric mi --metric hsic --synthesis sum --weights 1 2 --out r",
    "search a.h5 --xy 1 -2e-4 -k 3 --out run",
    "session a.h5 --dim 1 --map m.csv --method kmeans --k 3 --selection {} --out run",
    "train a.h5 --preset small --latent-dim 4 --keep-above m.csv 1 --out run",
    "batch cluster a.h5 b.h5 --dim 1 --map {folder}/m.csv --method hdbscan --out run",
)


def declarations() -> Iterator[tuple[object, str]]:
    """Yield each thing that is declared, and the name of an attribute that people read."""
    for _, verb in VERBS.items():
        yield verb, "summary"
        for field in dataclasses.fields(verb.request):
            yield field.metadata["option"], "help"
            yield field.metadata["option"], "metavar"
    for family in (CLUSTERERS, PROBES):
        for _, kind in family.items():
            for field in dataclasses.fields(kind):
                yield field.metadata["parameter"], "help"
    for family in (METRICS, PROBES):
        for _, kind in family.items():
            yield kind, "title"


@pytest.fixture
def reword(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    before: list[tuple[object, str, Any]] = []
    letters = random.Random(0)

    def text() -> str:
        return "".join(letters.choices(string.ascii_letters + "|; :", k=20)) + "."

    def change() -> None:
        for owner, name in declarations():
            old = getattr(owner, name)
            new = tuple(text() for _ in old) if isinstance(old, tuple) else old and text()
            before.append((owner, name, old))
            write(owner, name, new)

    def write(owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, type):
            setattr(owner, name, value)
        else:
            object.__setattr__(owner, name, value)  # they are frozen

    yield change
    for owner, name, old in reversed(before):
        write(owner, name, old)


def parsed() -> list[Any]:
    parser = build_parser()
    return [request_in(parser.parse_args(line.split())) for line in COMMANDS]


def test_the_command_line_reads_the_same(reword: Any) -> None:
    before = parsed()
    reword()
    assert parsed() == before


def batch_form() -> None:
    import streamlit as st

    from pages.tasks.batch.options import ask_options

    ask_options(st.session_state["verb"], "form", ("a.h5",))


def probe_forms() -> None:
    from latentcore.analysis.clusterers import CLUSTERERS
    from latentcore.analysis.probes import PROBES
    from pages.forms.request_form import form_for

    for family in (CLUSTERERS, PROBES):
        for name, kind in family.items():
            form_for(kind, key=name)


def widgets(app: AppTest) -> list[tuple[Any, ...]]:
    """Return what each widget asks for and offers, and nothing of how it says so."""
    app.run()
    assert not app.exception
    kinds = ("selectbox", "multiselect", "number_input", "text_input", "toggle", "radio")
    return [
        (kind, widget.key, getattr(widget, "options", None), widget.value)
        for kind in kinds
        for widget in app.get(kind)
    ]


@pytest.mark.parametrize("verb", ["cluster", "extract", "probe", "project", "rank", "train"])
def test_a_batch_asks_for_the_same(verb: str, workspace: Any, reword: Any) -> None:
    assert verb in batchable()

    def app() -> AppTest:
        app = AppTest.from_function(batch_form, default_timeout=60)
        app.session_state["verb"] = verb
        return app

    before = widgets(app())
    reword()
    assert len(before) > 5
    assert widgets(app()) == before


def test_forms_of_methods_ask_for_the_same(reword: Any) -> None:
    before = widgets(AppTest.from_function(probe_forms))
    reword()
    assert len(before) > 10
    assert widgets(AppTest.from_function(probe_forms)) == before
