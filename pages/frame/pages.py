"""The pages of the app: every folder ``NAME`` below ``pages/tasks`` that holds a ``NAME.py``.

A folder's ``__init__.py`` may say ``TITLE``, ``ICON`` and ``POSITION``; without them the page is
called after its folder and comes last.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

__all__ = ["DEFAULT", "all_pages", "names"]

DEFAULT = "explore"

_TASKS = Path(__file__).parents[1] / "tasks"


def names() -> list[str]:
    """Return the names of all pages, which are also their addresses, in the menu's order."""
    found = sorted(path.stem for path in _TASKS.glob("*/*.py") if path.stem == path.parent.name)
    return sorted(found, key=lambda name: float(_fact(name, "POSITION", "inf")))


def all_pages() -> list[StreamlitPage]:
    """Return all pages for `st.navigation`."""
    return [
        st.Page(
            _TASKS / name / f"{name}.py",
            title=_fact(name, "TITLE", name.capitalize()),
            icon=_fact(name, "ICON", ":material/article:"),
            default=name == DEFAULT,
        )
        for name in names()
    ]


def _fact(name: str, fact: str, default: str) -> str:
    return str(getattr(importlib.import_module(f"pages.tasks.{name}"), fact, default))
