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
from pages.frame import workspace

# Of a message, in letters, before the rest goes under *Details*.
_MOST_SHOWN = 400
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_LOGGER = logging.getLogger("latent_explorer")
# What Streamlit reads in text besides the signs of Markdown, escaped or not: addresses, mail
# addresses, icons and emoji by name, and arrows; at the start of a line a list or a heading.
_READ_IN_TEXT = re.compile(
    r"""
    (?P<split> (?:(?<=http)|(?<=https)):(?=//)
             | :(?=material/ | [\w+-][\w+/-]*:)
             | (?<=[\w.+-])@(?=[\w-])
             | (?<=www)\.
             | (?<=\s<)-(?=>\s) | (?<=^<)-(?=>\s) | (?<=\s<)-(?=>$) | (?<=^<)-(?=>$)
             | (?<=\s[-<>~])[-=>](?=\s|$) | (?<=^[-<>~])[-=>](?=\s|$) )
    | (?P<sign> [\\`*{}\[\]()#+\-!|<>$~:&] | (?<![^\W_])_ | _(?![^\W_]) | ^\d{1,9}\.(?=\s|$) | ^=+ )
    | (?P<indent> ^[\ \t]+ | \s*[\r\n]\s* )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


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

    Returns True: Streamlit need not show it again.
    """
    if isinstance(error, Cancelled):
        st.info(markdown_safe(error.naming(_label)), icon=":material/cancel:")
    elif isinstance(error, LatentError):
        show(error)
    elif (told := workspace.trouble(error)) is not None:
        _LOGGER.error("the workspace can't be used", exc_info=error)
        show(told)
    else:
        incident = secrets.token_hex(4)
        _LOGGER.error("incident %s", incident, exc_info=error, extra={"incident": incident})
        st.error(
            f"**This page stopped at a fault of the program, not of your data.**  \n"
            f"Reload the page; your files and jobs are kept. If it comes back, give the operator "
            f"this number, under which the log says what happened: incident `{incident}`",
            icon=":material/bug_report:",
        )
    return True


def show(error: LatentError, title: str = "") -> None:
    """Show what is wrong and what to do about it; of a long message the rest under *Details*.

    `title` stands before the message, for example the name of the file that it is about.
    """
    message = page_words(error.naming(_label))
    first, *rest = page_words(error.brief).split("\n") if error.brief else message.split("\n")
    details = message if error.brief else ""
    if len("\n".join(rest)) > _MOST_SHOWN:
        advice = [line for line in rest[-1:] if len(line) <= _MOST_SHOWN]
        rest, details = advice, "\n".join(rest[: len(rest) - len(advice)])
    lines = [f"**{markdown_safe(title)}**"] if title else []
    lines.append(markdown_safe(first) if title or not rest else f"**{markdown_safe(first)}**")
    st.error("  \n".join([*lines, *map(markdown_safe, rest)]), icon=":material/error:")
    if details:
        with st.expander("Details"):
            st.caption("  \n".join(map(markdown_safe, details.split("\n"))))


def page_words(text: str) -> str:
    """Name options of the command line, ``--batch-size``, as forms do."""
    return _OPTION.sub(lambda found: _label(found[1].replace("-", "_")), text)


def _label(parameter: str) -> str:
    """Return what forms call a parameter, in quotes: it stands in the middle of a sentence."""
    return f"“{parameter.replace('_', ' ').capitalize()}”"


def markdown_safe(text: str) -> str:
    """Return text that Streamlit's Markdown shows letter by letter.

    Names of columns, files and classes hold ``_`` and ``*``, and may hold pictures that browsers
    would ask another host for. Needed wherever text that isn't the program's own reaches a label,
    a help text, a caption, a message, a metric, or the options of pills, radios and segmented
    controls. The options of select boxes, tables, placeholders and code are shown as they are.
    """
    return _READ_IN_TEXT.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    if found["split"]:
        # An escape is gone when these are looked for, but a span of its own parts the text.
        return f":color[\\{sign}]"
    if found["indent"]:
        return "\n" if "\n" in sign else " "
    return re.sub(r"([^\d\s])", r"\\\1", sign)
