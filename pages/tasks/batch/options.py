"""The options of the verb that a batch runs, asked for as its request declares them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from latentcore.errors import InputError, RequestError
from latentcore.inputs.latent_samples import NONE
from latentcore.requests.verbs import option_of, words_of
from latentcore.workflows import VERBS
from latentcore.workflows.batch.inputs import input_field
from pages.access import locations
from pages.forms.request_form import form_for
from pages.frame import errors
from pages.tasks.batch.checkpoint import ask_model
from pages.tasks.batch.file_option import ask_file

# The batch itself decides what is done again.
_EXECUTION = ("clobber", "resume")
_LABELS = {
    "dim": "Latent dimension",
    "checkpoint": "Trained model",
    "cmap": "Color map",
    "roi": "ROI (x0 x1 y0 y1)",
    "xy": "Sample at (x y)",
    "k": "k",
    "k_min": "Smallest k",
    "k_max": "Largest k",
    "c": "C",
    "coords": "Coordinates",
    "colors": "Colors",
    "from_": "Orientations from",
    "with_": "Maps beside the labels",
}
_LIMITS = {
    "keep_above": ("Above",),
    "keep_below": ("Below",),
    "keep_between": ("From", "To"),
    "keep_label": ("Name",),
}
# To begin with; a number that must be given is better seen than missed.
_FIRST = {"int": 0, "tuple[int, ...]": (0,)}

Field = dataclasses.Field[Any]


def ask_options(verb: str, key: str, inputs: Sequence[str]) -> dict[str, Any] | None:
    """Ask for a verb's options.

    Parameters
    ----------
    inputs : sequence of str
        What the batch works on; files that options name are looked for beside them.

    Returns
    -------
    dict or None
        Those that differ from their defaults. None as long as one is missing or makes no sense,
        which is said.
    """
    fields = _fields(verb)
    needed = [field for field in fields if _is_needed(field) or option_of(field).unless]
    found: dict[str, Any] = {}
    try:
        complete = _ask(verb, needed, f"{key}.{verb}", inputs, found)
        with st.expander("More options", icon=":material/tune:"):
            rest = [one for one in fields if one not in needed and one.name not in found]
            complete = _ask(verb, rest, f"{key}.{verb}.more", inputs, found) and complete
        _check(fields, found, inputs)
    except InputError as error:
        errors.show(error)
        return None
    missing = [_label(one) for one in needed if _is_missing(one, found)]
    if missing:
        st.caption(f"Still needed: {', '.join(missing)}.")
    default = {one.name: one.default for one in fields}
    chosen = {name: value for name, value in found.items() if value != default[name]}
    return chosen if complete and not missing else None


def _fields(verb: str) -> list[Field]:
    """Return the fields that are asked for: not the input, and nothing meant for one scan only."""
    return [
        field
        for field in dataclasses.fields(VERBS.get(verb).request)
        if field.name not in (input_field(verb).name, *_EXECUTION)
        and option_of(field).kind != "state"
        and not (option_of(field).names_file and option_of(field).nargs == "+")
    ]


def _ask(
    verb: str, fields: Sequence[Field], key: str, inputs: Sequence[str], found: dict[str, Any]
) -> bool:
    """Ask for some fields and add what was chosen; False where a form has shown a problem."""
    if any(_is_model(field) for field in fields):
        found |= ask_model(key, fitted=verb == "extract") or {}
    files = [one for one in fields if option_of(one).names_file and not _is_model(one)]
    parameters = [one for one in fields if option_of(one).methods]
    plain = [one for one in fields if not (option_of(one).names_file or one in parameters)]
    complete = not plain or _ask_plain(verb, plain, key, found)
    found |= {field.name: _ask_file(field, key, inputs) for field in files}
    for field in parameters:
        if set(option_of(field).methods) & _chosen_methods(verb, found):
            found[field.name] = _ask_parameter(field, key)
    return complete


def _ask_plain(verb: str, fields: Sequence[Field], key: str, found: dict[str, Any]) -> bool:
    request = VERBS.get(verb).request
    names = {field.name for field in fields}
    others = [one.name for one in dataclasses.fields(request) if one.name not in names]
    made = form_for(
        request,
        key=key,
        skip=others,
        defaults=dict.fromkeys(others)
        | {one.name: _FIRST[str(one.type)] for one in fields if _begins_at_zero(one)},
        details={field.name: {"label": _label(field)} for field in fields},
        columns=2,
    )
    if made is not None:
        found |= {name: getattr(made, name) for name in names}
    return made is not None


def _ask_file(field: Field, key: str, inputs: Sequence[str]) -> Any:
    chosen = ask_file(
        field,
        f"{key}.{field.name}",
        label=_label(field),
        needed=_is_needed(field),
        inputs=inputs,
    )
    if chosen is None and option_of(field).kind == "samples":
        return NONE
    if chosen is None or option_of(field).kind != "threshold":
        return chosen
    numbers = option_of(field).convert
    assert isinstance(numbers, Sequence)
    asked = [
        st.number_input(label, value=0.0, format="%g", key=f"{key}.{field.name}.{label}")
        if kind is float
        else st.text_input(label, key=f"{key}.{field.name}.{label}").strip()
        for label, kind in zip(_LIMITS[field.name], numbers[1:], strict=True)
    ]
    return None if "" in asked else (chosen, *asked)


def _ask_parameter(field: Field, key: str) -> Any:
    """Ask for a parameter of whichever method was chosen; left empty, the method decides."""
    option = option_of(field)
    label, help_text = _label(field), errors.markdown_safe(option.help)
    if option.offered:
        return st.selectbox(
            label, [None, *option.offered], key=f"{key}.{field.name}", help=help_text,
            format_func=lambda choice: choice or "automatic",
        )  # fmt: skip
    text = st.text_input(
        label, key=f"{key}.{field.name}", help=help_text, placeholder="automatic"
    ).strip()
    if not text:
        return None
    try:
        assert callable(option.convert)
        return option.convert(text)
    except ValueError as error:
        message = f"{label} can't be read from {text!r}. Write a number, or leave it empty."
        raise RequestError(message) from error


def _is_model(field: Field) -> bool:
    return option_of(field).kind == "checkpoint"


def _chosen_methods(verb: str, found: Mapping[str, Any]) -> set[Any]:
    fields = dataclasses.fields(VERBS.get(verb).request)
    return {found.get(field.name) for field in fields if option_of(field).family is not None}


def _check(fields: Sequence[Field], found: Mapping[str, Any], inputs: Sequence[str]) -> None:
    for field in fields:
        value = found.get(field.name)
        if value is None:
            continue
        if option_of(field).names_file:
            locations.check_file(str(value[0] if isinstance(value, tuple) else value), inputs)
        else:
            locations.check_text(field.name, value)


def _is_needed(field: Field) -> bool:
    # A model that options may find, by paths that they name, is chosen here all the same: on a
    # server nobody names paths.
    if option_of(field).kind == "checkpoint" and field.default == "":
        return True
    return field.default is dataclasses.MISSING and (field.default_factory is dataclasses.MISSING)


def _is_missing(field: Field, found: Mapping[str, Any]) -> bool:
    nothing = (None, "", ())
    elsewhere = found.get(option_of(field).unless) not in nothing
    return found.get(field.name) in nothing and not elsewhere


def _begins_at_zero(field: Field) -> bool:
    return _is_needed(field) and str(field.type) in _FIRST


def _label(field: Field) -> str:
    return _LABELS.get(field.name, words_of(field.name).capitalize())
