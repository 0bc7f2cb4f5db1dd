"""An option that names a file: one beside each input, or one of this server for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import streamlit as st

from latentcore.requests.verbs import option_of
from pages.access import locations, places
from pages.frame import errors
from pages.scan import state

_NONE, _BESIDE = "", "{beside}"


def ask_file(
    field: dataclasses.Field[Any], key: str, *, label: str, needed: bool, inputs: Sequence[str]
) -> str | None:
    """Ask for a file.

    Parameters
    ----------
    needed : bool
        Whether the verb can't do without.
    inputs : sequence of str
        The batch's inputs, to see what lies beside them.

    Returns
    -------
    str or None
        A path that comes from a place, or ``{folder}/…``; perhaps with ``:COLUMN``. None if none
        was chosen.
    """
    option = option_of(field)
    ways = [_BESIDE, *_known()]
    if not needed:
        ways.insert(len(ways) if option.unless else 0, _NONE)
    way = st.selectbox(
        label,
        ways,
        format_func=_title,
        key=f"{key}.from",
        help=errors.markdown_safe(f"{option.help[0].upper()}{option.help[1:]}."),
    )
    if way == _NONE:
        return None
    if way == _BESIDE:
        return _ask_beside(key, label, inputs)
    return places.location(way) + (_ask_column(key) if option.may_name_column else "")


def _ask_beside(key: str, label: str, inputs: Sequence[str]) -> str | None:
    typed = st.text_input(
        f"{label}: name beside each input",
        key=f"{key}.beside",
        placeholder="{stem}_bandcontrast.csv:bc",
        help="`{stem}` is the input's name up to its first dot, `{name}` all of it; a column "
        "follows after a colon.",
        persist_state="session",
    ).strip()
    if not typed:
        return None
    text = locations.BESIDE + typed.removeprefix(locations.BESIDE)
    missing = locations.missing_beside(text, inputs)
    if missing:
        st.warning(
            f"{len(missing):,} of {len(inputs):,} inputs have no such file beside them and will "
            f"fail: {errors.markdown_safe(', '.join(missing[:3]))}{' …' * (len(missing) > 3)}",
            icon=":material/warning:",
        )
    return text


def _ask_column(key: str) -> str:
    column = st.text_input(
        "Column",
        key=f"{key}.column",
        placeholder="the only one, or band contrast",
        persist_state="session",
    ).strip()
    return f":{column}" if column else ""


def _known() -> list[str]:
    """Return the maps in view, and what else this session has had in view."""
    scan = state.current()
    return list(dict.fromkeys([*scan.maps, *reversed(state.known_places())]))


def _title(way: str) -> str:
    match way:
        case "":
            return "none"
        case "{beside}":
            return "a file beside each input …"
    return f"{places.label(way)}, for all inputs"
