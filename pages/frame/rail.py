"""The sidebar as a rail of icons that opens under the pointer, by style alone."""

from __future__ import annotations

from pathlib import Path

_RULES = Path(__file__).with_name("rail.css").read_text(encoding="utf-8")

# Streamlit lays the sidebar over the page of itself in windows narrower than this.
_BESIDE = "(min-width: 769px)"
# A sidebar that is open takes a third of such a window.
_NARROW = f"{_BESIDE} and (max-width: 1000px)"

# What Streamlit's app is until its page has something in it.
EMPTY = ":not(:has(.stMain [class*='st-key-']))"
# The room of the rail until the sidebar is there, so that the page doesn't move; none where one has
# to sign in.
ROOM = (
    f"@media {_BESIDE} {{ .stAppViewContainer:not(:has(.stSidebar, .st-key-sign_in)) "
    "{ padding-left: 52px; } }\n"
)


def style(*pages: str) -> str:
    """Return CSS that makes the sidebar a rail in narrow windows, and in all on some pages.

    Parameters
    ----------
    *pages : str
        CSS pseudo-classes; the rail is there while Streamlit's ``.stApp`` is one of them.
    """
    there = _RULES.replace(".stApp", f".stApp:is({', '.join(pages)})")
    return f"@media {_NARROW} {{\n{_RULES}}}\n@media {_BESIDE} {{\n{there}}}\n"
