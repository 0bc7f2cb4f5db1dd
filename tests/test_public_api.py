"""What users import is what is promised, and importing it is cheap."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

import latentcore as lc
from latentcore.requests.verbs import option_of
from latentcore.workflows import VERBS


@pytest.mark.parametrize("name", lc.__all__)
def test_public_name_exists_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(lc, name))


def test_public_names_are_all_listed() -> None:
    assert sorted(lc._HOMES) == sorted(lc.__all__)
    assert set(lc.__all__) <= set(dir(lc))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lc.nonsense


@pytest.mark.parametrize(("name", "verb"), list(VERBS.items()))
def test_every_field_of_a_request_is_explained(name: str, verb: object) -> None:
    request = verb.request  # type: ignore[attr-defined]
    assert dataclasses.is_dataclass(request)
    assert request.__dataclass_params__.frozen
    for field in dataclasses.fields(request):
        assert len(option_of(field).help) > 10, f"{name}.{field.name} needs a sentence of help"
