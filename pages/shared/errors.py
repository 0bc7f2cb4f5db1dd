"""The one error boundary: what was given wrongly is explained, what we did wrong is logged."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from latentcore.errors import Cancelled, LatentError

__all__ = ["boundary", "markdown_safe", "on_script_error", "show"]

_LOGGER = logging.getLogger("latent_explorer")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-!|<>$~:])")


@contextmanager
def boundary() -> Iterator[None]:
    """Show what goes wrong inside instead of letting it out."""
    try:
        yield
    except FragmentHandledException:
        return  # the fragment has shown it already
    except Exception as error:  # noqa: BLE001 - the boundary is where every error ends
        on_script_error(error)


def on_script_error(error: Exception) -> bool:
    """Show an error in the house form, or as an incident whose traceback is in the log only.

    Returns
    -------
    bool
        True: Streamlit need not show it again.
    """
    if isinstance(error, Cancelled):
        st.info(markdown_safe(str(error)), icon=":material/cancel:")
    elif isinstance(error, LatentError):
        show(error)
    else:
        incident = secrets.token_hex(4)
        _LOGGER.error("incident %s", incident, exc_info=error)
        st.error(
            f"**This page stopped at a fault of the program, not of your data.**  \n"
            f"Reload the page; your files and jobs are kept. If it comes back, give the operator "
            f"this number, under which the log tells what happened: incident `{incident}`",
            icon=":material/bug_report:",
        )
    return True


def show(error: LatentError, title: str = "") -> None:
    """Show an error's message, its first line set off from the facts and the advice.

    Parameters
    ----------
    error : LatentError
    title : str
        Stands before the message, for example the name of the file that it is about.
    """
    first, *rest = str(error).split("\n")
    lines = [f"**{markdown_safe(title)}**"] if title else []
    lines.append(markdown_safe(first) if title or not rest else f"**{markdown_safe(first)}**")
    st.error("  \n".join([*lines, *map(markdown_safe, rest)]), icon=":material/error:")


def markdown_safe(text: str) -> str:
    """Return text that Markdown shows as it is: file names hold ``_`` and ``*``."""
    return _MARKDOWN.sub(r"\\\1", text)
