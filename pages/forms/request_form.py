"""A dataclass becomes widgets: its fields are the only list of what can be chosen.

It serves the clusterers, the verbs' requests and the preparation alike. Whatever was declared
with a field (`latentcore.analysis.parameters.parameter`, `latentcore.requests.verbs.option`)
gives help, choices and limits; the type gives the widget.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from latentcore.errors import InputError, RequestError
from latentcore.requests.verbs import Option, words_of
from pages.frame import errors

T = TypeVar("T")

_ABBREVIATIONS = ("aic", "bic")
_MOST_COLUMNS = 3


@dataclass(frozen=True)
class _Ask:
    """One field, as it is asked for."""

    name: str
    kind: Any
    optional: bool
    default: Any
    label: str
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    automatic: str = ""
    example: str = ""
    titles: Mapping[Any, str] = field(default_factory=dict)
    count: int = 0

    def title(self, choice: Any) -> str:
        if choice is None:
            return self.automatic or "none"
        written = str(choice).replace("_", " ")
        return self.titles.get(choice, written.upper() if written in _ABBREVIATIONS else written)


def form_for(
    cls: type[T],
    *,
    key: str,
    skip: Sequence[str] = (),
    defaults: Mapping[str, object] | None = None,
    details: Mapping[str, Mapping[str, object]] | None = None,
    columns: int = 1,
) -> T | None:
    """Ask for the fields of a dataclass and make an instance.

    Parameters
    ----------
    cls : type
        A dataclass.
    key : str
        Tells this form's widgets from others'; what was chosen survives a page switch.
    skip : sequence of str
        Fields that are not asked for: they keep their default, or what `defaults` says.
    defaults : Mapping, optional
        Field → value to begin with, in place of the declared one.
    details : Mapping, optional
        Field → ``label``, ``help``, ``choices``, ``titles`` (choice → what it is called),
        ``minimum``, ``automatic`` (what None means), ``example``: where the field's own
        declaration says nothing, or something for the command line only.
    columns : int
        How many widgets stand side by side.

    Returns
    -------
    instance of cls, or None
        None where the values make no sense; the reason is shown below the widgets.
    """
    known = dict(defaults or {})
    asks = [ask for ask in _asks(cls, known, details or {}) if ask.name not in skip]
    values = {name: value for name, value in known.items() if name in skip}
    problems: list[InputError] = []
    slots = st.columns(min(columns, _MOST_COLUMNS)) if columns > 1 else [st.container()]
    for number, ask in enumerate(asks):
        with slots[number % len(slots)]:
            try:
                values[ask.name] = _widget(ask)(ask, f"{key}.{ask.name}")
            except InputError as error:
                problems.append(error)
    try:
        if not problems:
            return cls(**values)
    except InputError as error:
        problems.append(error)
    for problem in problems:
        errors.show(problem)
    return None


def _asks(
    cls: type, defaults: Mapping[str, object], details: Mapping[str, Mapping[str, object]]
) -> list[_Ask]:
    hints = typing.get_type_hints(cls)
    return [
        _ask(declared, hints[declared.name], defaults, details.get(declared.name, {}))
        for declared in dataclasses.fields(cls)
        if declared.init
    ]


def _ask(
    declared: dataclasses.Field[Any],
    hint: Any,
    defaults: Mapping[str, object],
    details: Mapping[str, object],
) -> _Ask:
    kind, optional = _without_none(hint)
    meant = {**_declared(declared), **details}
    choices = meant.get("choices") or ()
    if typing.get_origin(kind) is typing.Literal:
        choices = choices or typing.get_args(kind)
    return _Ask(
        name=declared.name,
        kind=kind,
        optional=optional,
        default=defaults.get(declared.name, _default(declared)),
        label=str(meant.get("label") or _label(declared.name)),
        help=_sentence(str(meant.get("help", ""))),
        choices=tuple(choices),
        minimum=meant.get("minimum"),
        automatic=str(meant.get("automatic", "")),
        example=str(meant.get("example", "")),
        titles=meant.get("titles", {}),
        count=nargs if isinstance(nargs := meant.get("nargs"), int) else 0,
    )


def _declared(declared: dataclasses.Field[Any]) -> dict[str, Any]:
    """Return what a field's `Parameter` or `Option` says, whichever it has."""
    found = declared.metadata.get("parameter") or declared.metadata.get("option")
    names = ("help", "choices", "minimum", "automatic", "nargs")
    said = {name: getattr(found, name) for name in names if getattr(found, name, None) is not None}
    return {**said, "choices": found.offered} if isinstance(found, Option) else said


def _default(declared: dataclasses.Field[Any]) -> Any:
    if declared.default_factory is not dataclasses.MISSING:
        return declared.default_factory()
    return None if declared.default is dataclasses.MISSING else declared.default


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [entry for entry in typing.get_args(hint) if entry is not type(None)]
        return rest[0], len(rest) < len(typing.get_args(hint))
    return hint, False


def _label(name: str) -> str:
    words = words_of(name)
    return words[0].upper() + words[1:]


def _sentence(text: str) -> str:
    text = text.strip()
    return errors.markdown_safe(text[0].upper() + text[1:]) if text else ""


Widget = Callable[[_Ask, str], Any]


def _widget(ask: _Ask) -> Widget:
    several = typing.get_origin(ask.kind) is tuple
    if ask.choices:
        return _some_of if several else _choice
    if several:
        return _several
    return {bool: _yes_no, int: _number, float: _number}.get(ask.kind, _text)


def _yes_no(ask: _Ask, key: str) -> bool:
    return st.toggle(
        ask.label, bool(ask.default), key=key, help=ask.help or None, persist_state="session"
    )


def _number(ask: _Ask, key: str) -> float | None:
    kind = ask.kind
    return st.number_input(
        ask.label,
        min_value=None if ask.minimum is None else kind(ask.minimum),
        value=None if ask.default is None else kind(ask.default),
        step=1 if kind is int else _step(ask.default),
        # All digits that matter, and none that don't.
        format="%d" if kind is int else "%g",
        key=key,
        help=_with_automatic(ask),
        placeholder=_shortened(ask.automatic) if ask.optional else None,
        persist_state="session",
    )


def _step(default: Any) -> float:
    return 0.1 if default is None or abs(default) < 5 else 1.0


def _choice(ask: _Ask, key: str) -> Any:
    options = (None, *ask.choices) if ask.optional else ask.choices
    return st.selectbox(
        ask.label,
        options,
        index=options.index(ask.default) if ask.default in options else 0,
        format_func=ask.title,
        key=key,
        help=ask.help or None,
        placeholder=(_shortened(ask.automatic) or "as usual") if ask.optional else None,
        persist_state="session",
    )


def _some_of(ask: _Ask, key: str) -> tuple[Any, ...] | None:
    chosen = st.multiselect(
        ask.label,
        ask.choices,
        default=list(ask.default or ()),
        format_func=ask.title,
        key=key,
        help=ask.help or None,
        placeholder=_shortened(ask.automatic) or "as usual",
        persist_state="session",
    )
    return None if ask.optional and not chosen else tuple(chosen)


def _text(ask: _Ask, key: str) -> str | None:
    typed = _typed(ask, key, "" if ask.default is None else str(ask.default))
    return None if ask.optional and not typed else typed


def _several(ask: _Ask, key: str) -> tuple[Any, ...] | None:
    shown = "" if ask.default is None else " ".join(map(str, ask.default))
    words = _typed(ask, key, shown).replace(",", " ").split()
    if not words and (ask.optional or ask.default == ()):
        return None if ask.optional else ()
    kinds = typing.get_args(ask.kind)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * (ask.count or len(words))
    if len(words) != len(kinds):
        message = (
            f"{ask.label} takes {len(kinds)} values, but {' '.join(words)!r} holds {len(words)}. "
            f"{_example(ask)}"
        ).strip()
        raise RequestError(message)
    try:
        return tuple(kind(word) for kind, word in zip(kinds, words, strict=True))
    except ValueError as error:
        message = f"{ask.label} can't be read from {' '.join(words)!r}. {_example(ask)}".strip()
        raise RequestError(message) from error


def _typed(ask: _Ask, key: str, value: str) -> str:
    placeholder = ask.example or _shortened(ask.automatic)
    return st.text_input(
        ask.label,
        value,
        key=key,
        help=_with_automatic(ask),
        placeholder=placeholder or None,
        persist_state="session",
    ).strip()


def _example(ask: _Ask) -> str:
    return f"Write it as {ask.example}." if ask.example else ""


def _with_automatic(ask: _Ask) -> str | None:
    if not ask.automatic:
        return ask.help or None
    return f"{ask.help.rstrip('.')}. Empty: {errors.markdown_safe(ask.automatic)}."


def _shortened(text: str) -> str:
    return text if len(text) <= 24 else "automatic"
