"""The Explore page's state survives a URL and a report, and hostile links are refused."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.analysis.selection import Shape
from latentcore.errors import RequestError
from pages.view.question import Question
from pages.view.question_link import from_query, to_query

numbers = st.floats(-1e6, 1e6)
points = st.tuples(numbers, numbers)
shapes = st.one_of(
    st.builds(
        Shape,
        panel=st.text(max_size=8),
        kind=st.just("box"),
        points=st.tuples(points, points),
        mode=st.sampled_from(["replace", "add", "subtract", "intersect"]),
    ),
    st.builds(
        Shape,
        panel=st.text(max_size=8),
        kind=st.just("lasso"),
        points=st.lists(points, min_size=3, max_size=6).map(tuple),
        mode=st.just("add"),
    ),
)
axes = st.integers(0, 600) | st.text(max_size=9)
choices = st.builds(
    lambda kind, what: (kind, *what), st.text(max_size=9), st.lists(axes, max_size=3)
)
questions = st.builds(
    Question,
    dim=st.none() | st.integers(0, 600),
    reference=st.text(max_size=9),
    color=st.text(max_size=9),
    limits=st.none() | st.tuples(st.floats(-9, 0), st.floats(1, 9)),
    method=st.sampled_from(["gmm", "kmeans"]),
    parameters=st.dictionaries(st.text(max_size=4), st.integers() | st.none(), max_size=3),
    roi=st.none() | st.tuples(numbers, numbers, numbers, numbers),
    selections=st.fixed_dictionaries(
        {"A": st.lists(shapes, max_size=3).map(tuple), "B": st.lists(shapes, max_size=2).map(tuple)}
    ),
    only=st.lists(st.lists(shapes, max_size=2).map(tuple), max_size=2).map(tuple),
    features=st.lists(st.integers(0, 600) | st.text(max_size=9), max_size=3).map(tuple),
    weights=st.dictionaries(st.text(max_size=9), st.floats(0.001, 9), max_size=2),
    scatter=st.none() | st.tuples(st.integers(0, 600), st.text(max_size=9)),
    active=st.sampled_from(["A", "B"]),
    pinned=st.none() | st.integers(0, 10**6),
    panels=st.lists(choices, max_size=6).map(tuple),
)


@given(questions)
def test_url_round_trip(question: Question) -> None:
    assert from_query(to_query(question)) == question
    assert Question.from_plain(json.loads(json.dumps(question.as_plain()))) == question


def test_default_question_needs_no_parameters() -> None:
    assert to_query(Question()) == {}
    assert from_query({"samples": "demo:demo.h5", "job": "1"}) == Question()


def test_selection_too_long_for_a_url_is_left_out() -> None:
    ring = tuple((float(i) / 7, float(i * i % 97) / 3) for i in range(50))
    many = tuple(Shape("map", "lasso", ring, "add") for _ in range(150))
    varied = tuple(
        Shape("map", "lasso", tuple((x + i * 0.1234567, y) for x, y in shape.points), "add")
        for i, shape in enumerate(many)
    )
    assert "sel" not in to_query(Question(selections={"A": varied, "B": ()}))


@pytest.mark.parametrize(
    "query",
    [
        {"dim": "three"},
        {"limits": "[2,1]"},
        {"roi": "[1,2,3]"},
        {"active": "C"},
        {"sel": "!!!"},
        {"only": "!!!"},
        {"features": "3"},
        {"weights": '{"latent_d1": -1}'},
        {"scatter": "[1]"},
        {"panels": "[]"},
        {"panels": '"map"'},
        {"panels": '[["map"],["map"],["map"],["map"],["map"],["map"],["map"]]'},
        {"panels": '[["map",{"a":1}]]'},
        {"panels": "[[3]]"},
        {"panels": '[["map",-1]]'},
        {"panels": f'[["map","{"a" * 400}"]]'},
        {"sel": base64.urlsafe_b64encode(zlib.compress(b"0" * 9_000_000)).decode()},
        {"sel": base64.urlsafe_b64encode(zlib.compress(b'{"A":[["p","blob","add",[]]]}')).decode()},
    ],
)
def test_damaged_link_is_refused_clearly(query: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        from_query(query)
