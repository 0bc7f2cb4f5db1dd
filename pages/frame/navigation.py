"""The pages of the app, and the ways from one to another.

Every folder ``NAME`` below ``pages/tasks`` that holds a ``NAME.py`` is a page. Its ``__init__.py``
may define ``TITLE``, ``ICON`` and ``POSITION``; without them the page is called after its folder
and comes last. One that says ``FOR_OPERATORS`` is there for those who look after the server only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

DEFAULT = "explore"

_TASKS = Path(__file__).parents[1] / "tasks"
_TARGET = "go_to_page"
_HERE = "page_in_view"


@cache  # every request asks
def names() -> tuple[str, ...]:
    """Return the names of all pages, which are also their addresses, in the menu's order."""
    found = sorted(path.stem for path in _TASKS.glob("*/*.py") if path.stem == path.parent.name)
    return tuple(sorted(found, key=lambda name: float(_fact(name, "POSITION", "inf"))))


def all_pages(*, operator: bool) -> list[StreamlitPage]:
    """Return all pages that a user may go to, for `st.navigation`."""
    return [
        st.Page(_script(name), title=_title(name), icon=_icon(name), default=name == DEFAULT)
        for name in names()
        if operator or not _fact(name, "FOR_OPERATORS", "")
    ]


def link(page: str, label: str, query_params: Mapping[str, str] | None = None) -> None:
    """Show a link to a page, with its icon."""
    st.page_link(_script(page), label=label, icon=_icon(page), query_params=query_params)


def switch_to(page: str) -> None:
    """Go to a page now; in a callback use `go_to`."""
    st.switch_page(_script(page))


def go_to(page: str) -> None:
    """Ask for a page; for callbacks.

    A callback comes before the page is drawn again. In the midst of a page a click can be lost:
    where the run is broken off before it gets there, because a job has ended for example.
    """
    st.session_state[_TARGET] = _title(page)


def follow(pages: Sequence[StreamlitPage], page: StreamlitPage) -> None:
    """Go where a callback asked to go, before `page` is drawn; for the frame."""
    target = st.session_state.get(_TARGET, page.title)
    if page.title != st.session_state.get(_HERE) or page.title != target:
        st.session_state[_HERE] = page.title
        _end_fragments()
    if page.title != target:
        # The wish stays until the page is reached: this run, too, can be broken off.
        st.switch_page(next(one for one in pages if one.title == target))
    st.session_state.pop(_TARGET, None)


def here() -> str | None:
    """Return the title of the page in view, None where a page is run without the frame."""
    return st.session_state.get(_HERE)


def _end_fragments() -> None:
    """Let go of the fragments of the page that was left.

    Its browser asks for those that run every second until it hears of the new page. Streamlit
    would answer in the name of the page that was left, whereupon the browser clears the new one;
    what asks for a fragment that there is no more is passed over.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()


def ask_no_more() -> None:
    """Let the browser no longer ask, every second, for the fragment that is being run.

    Streamlit itself stops asking only when the whole page is run. Does nothing then.
    """
    context, fragment = get_script_run_ctx(), ThreadState.get().fragment_id
    if context is not None and fragment is not None and context.fragment_ids_this_run:
        message = ForwardMsg()
        message.stop_auto_rerun.fragment_ids.append(fragment)
        context.enqueue(message)


def _script(name: str) -> str:
    return f"pages/tasks/{name}/{name}.py"  # beside app.py, as Streamlit wants it


def _title(name: str) -> str:
    return _fact(name, "TITLE", name.capitalize())


def _icon(name: str) -> str:
    return _fact(name, "ICON", ":material/article:")


def _fact(name: str, fact: str, default: str) -> str:
    return str(getattr(importlib.import_module(f"pages.tasks.{name}"), fact, default))
