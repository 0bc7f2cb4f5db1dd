"""Which panels a page shows, as people choose them: kept in links, sent by browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# A kind of panel, and what it shows: latent dimensions by number, all else by name; an empty name
# follows the controls of the page.
Choice = tuple[str | int, ...]

MOST_PANELS = 6
_LONGEST_NAME = 300
_MOST_FIELDS = 4


@dataclass(frozen=True)
class Kind:
    """A kind of panel that can be chosen.

    Parameters
    ----------
    name, title : str
        As choices and as people call it.
    fields : tuple of (str, str)
        What can be chosen of it: a label, and the name of the list in `Menu.lists`.
    """

    name: str
    title: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Menu:
    """What the menus of the panels offer.

    Parameters
    ----------
    shown : tuple of Choice
        What is shown now, in order.
    kinds : tuple of Kind
    lists : mapping of str to tuple
        What fields can hold: titles of groups, each with pairs of value and text.
    """

    shown: tuple[Choice, ...]
    kinds: tuple[Kind, ...]
    lists: Mapping[str, tuple[tuple[str, tuple[tuple[str | int, str], ...]], ...]] = field(
        default_factory=dict
    )

    def as_json(self) -> dict[str, Any]:
        """Return the menu as the browser reads it."""
        return {**asdict(self), "most": MOST_PANELS}


def read_choices(value: Any) -> tuple[Choice, ...]:
    """Read choices from a link or a browser, which may hold anything.

    Raises `ValueError` or `TypeError` if they are none, or not one to six.
    """
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_PANELS:
        message = f"there are 1 to {MOST_PANELS} panels"
        raise ValueError(message)
    return tuple(map(_choice, value))


def _choice(value: Any) -> Choice:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST_FIELDS:
        message = "a panel is a list of its kind and what it shows"
        raise ValueError(message)
    kind, *what = value
    if not isinstance(kind, str) or not all(map(_is_name, (kind, *what))):
        message = "a panel shows numbers of latent dimensions, and names"
        raise ValueError(message)
    return (kind, *what)


def _is_name(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_NAME
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
