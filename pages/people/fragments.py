"""Fragments that end with the login, though the page they are on stays open."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from pages.access.identity import current_user

P = ParamSpec("P")


def fragment(draw: Callable[P, None]) -> Callable[P, None]:
    """Make a fragment as `st.fragment` does; each run asks whether somebody is signed in."""

    @wraps(draw)
    def draw_for_user(*args: P.args, **kwargs: P.kwargs) -> None:
        current_user()
        draw(*args, **kwargs)

    return st.fragment(draw_for_user)
