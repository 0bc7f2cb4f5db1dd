"""How ``batch VERB LOCATION… [verb's options]`` becomes the batch's request and back."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from latentcore.artifacts import to_json
from latentcore.workflows import VERBS
from latentcore.workflows.batch.inputs import input_field

BATCH = "batch"
INNER = "batched_verb"
# What the parser finds out in another way than by an option of the batch's own.
_WRAPPED = ("verb", "options")


def own_fields(kind: type) -> list[dataclasses.Field[Any]]:
    """Return the fields of the batch's request that are given as options of its own."""
    return [field for field in dataclasses.fields(kind) if field.name not in _WRAPPED]


def inner_fields(verb: str) -> list[dataclasses.Field[Any]]:
    """Return the fields of a verb's request that the batch hands on."""
    taken = {input_field(verb).name} | {
        field.name for field in own_fields(VERBS.get(BATCH).request)
    }
    fields = dataclasses.fields(VERBS.get(verb).request)
    return [field for field in fields if field.name not in taken]


def wrapped(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the verb and its options, those that were given, as the batch's request holds them."""
    verb = getattr(parsed, INNER)
    given = {
        field.name: getattr(parsed, field.name)
        for field in inner_fields(verb)
        if getattr(parsed, field.name) != _default(field)
    }
    return {"verb": verb, "options": to_json(given).strip()}


def _default(field: dataclasses.Field[Any]) -> Any:
    return list(field.default) if isinstance(field.default, tuple) else field.default
