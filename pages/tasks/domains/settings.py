"""The Domains page's widgets: each shows a part of the question, and a change goes back there."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from latentcore.analysis.domains.hierarchies import HIERARCHIES
from latentcore.workflows import VERBS
from pages.forms.request_form import form_for
from pages.scan.joining import label_maps
from pages.tasks.domains import asked as question_of
from pages.tasks.domains.panels_view import MOST_PANELS, offered, title_of, usual
from pages.view import session
from pages.view.scene import Scene

# Fields of the verb's request; a method's own parameters are asked for by themselves.
_ASKED = ("method", "distance", "scaling", "min_size")
_LEARN_FROM = "learn_from"


def show(scene: Scene) -> None:
    """Show the settings; what is changed here is in the session's question afterwards."""
    labels = label_maps(scene.maps)
    columns = st.columns([1, 1, 1, 2.4, 0.8], vertical_alignment="bottom")
    with columns[0].popover("Method", icon=":material/tune:", width="stretch"):
        _method()
        _choose_scan([] if scene.partitions is None else list(scene.partitions.names))
    with columns[1]:
        _choose_map(
            "Phases", "phase", labels,
            help="Borders between phases are borders of domains, too.",
        )  # fmt: skip
    with columns[2]:
        _choose_map(
            "Hold against", "truth", labels,
            help="A label map: the vendor's grains, phases, clusters, a known truth. Its ARI "
            "stands in the plateau plot, and a map can show where the domains differ.",
        )  # fmt: skip
    with columns[3]:
        _choose_shown(scene)
    with columns[4]:
        st.session_state["domains.lines"] = question_of.asked().lines
        st.toggle(
            "Borders", key="domains.lines",
            on_change=lambda: question_of.update(lines=st.session_state["domains.lines"]),
        )  # fmt: skip


def _method() -> None:
    request = VERBS.get("domains").request
    before = question_of.asked().settings
    made = form_for(
        request,
        key="domains.settings",
        skip=[one.name for one in dataclasses.fields(request) if one.name not in _ASKED],
        defaults={"latents": "", **_usable(before, request, _ASKED)},
    )
    if made is None:
        return
    kind = HIERARCHIES.get(made.method)
    own = {one.name for one in dataclasses.fields(kind)}
    method = form_for(
        kind,
        key=f"domains.{made.method}",
        defaults=_usable(before, kind, own),
    )
    if method is None:
        return
    settings = {**_differing(made, _ASKED), **_differing(method, own)}
    _adopt({**settings, **{name: before[name] for name in (_LEARN_FROM,) if name in before}})


def _adopt(settings: Mapping[str, Any]) -> None:
    before = question_of.asked().settings
    if settings != before:
        changes: dict[str, Any] = {"settings": settings}
        # A threshold is a distance of the hierarchy that it was chosen in.
        if {**settings, "min_size": 0} != {**before, "min_size": 0}:
            changes["threshold"] = None
        question_of.update(**changes)


def _choose_scan(names: Sequence[str]) -> None:
    """Choose the scan of a collection from which the settings of all are learned."""
    key = "domains.learn_from"
    settings = dict(question_of.asked().settings)
    chosen = settings.pop(_LEARN_FROM, "")
    if chosen and chosen not in names:
        _adopt(settings)  # chosen for other latents
        chosen = ""
    if not names:
        return
    st.session_state[key] = chosen
    st.selectbox(
        "Learn from",
        ["", *names],
        key=key,
        format_func=lambda name: name or "all",
        on_change=lambda: _adopt(
            {**settings, **({_LEARN_FROM: name} if (name := st.session_state[key]) else {})}
        ),
        help="Scaling, the better distance and the automatic threshold are found on one scan or "
        "partition, for all.",
    )


def _usable(settings: Mapping[str, Any], cls: type, names: Collection[str]) -> dict[str, Any]:
    """Return the settings for fields of a dataclass, without what a link has made of them."""
    text = {
        one.name: isinstance(one.default, str)
        for one in dataclasses.fields(cls)
        if one.name in names
    }
    return {
        name: value
        for name, value in settings.items()
        if name in text and isinstance(value, str if text[name] else int | float)
    }


def _differing(made: Any, names: Collection[str]) -> dict[str, Any]:
    """Return those fields of a dataclass that differ from their defaults."""
    return {
        one.name: getattr(made, one.name)
        for one in dataclasses.fields(made)
        if one.name in names and getattr(made, one.name) != one.default
    }


def _choose_map(label: str, field: str, names: Sequence[str], *, help: str) -> None:  # noqa: A002
    chosen = getattr(question_of.asked(), field)
    if chosen not in names and chosen:
        question_of.update(**{field: ""})
        chosen = ""
    key = f"domains.{field}"
    st.session_state[key] = chosen
    st.selectbox(
        label,
        ["", *names],
        key=key,
        format_func=lambda name: name or "none",
        on_change=lambda: question_of.update(**{field: st.session_state[key]}),
        help=help,
    )


def _choose_shown(scene: Scene) -> None:
    asked, question = question_of.asked(), session.question()
    options = offered(scene, asked)
    wanted = usual(question) if asked.shown is None else asked.shown
    key = "domains.shown"
    st.session_state[key] = [name for name in wanted if name in options]
    st.multiselect(
        "Maps beside the domains",
        options,
        key=key,
        format_func=title_of,
        max_selections=MOST_PANELS,
        on_change=lambda: question_of.update(shown=tuple(st.session_state[key])),
    )
