"""Text of files in interactive charts.

Plotly reads tags and entities in titles, labels and hover texts (a link is a link there), and in
its templates ``%{...}`` as a value.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["chart_text", "chart_texts"]

_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "\n": " "})


def chart_text(text: str) -> str:
    """Return text that a chart shows letter by letter.

    >>> chart_text("a<b>{x}")
    'a&lt;b&gt;&#123;x}'
    """
    return text.translate(_SIGNS)


def chart_texts(texts: Iterable[str]) -> list[str]:
    """Return several, in their order."""
    return [chart_text(text) for text in texts]
