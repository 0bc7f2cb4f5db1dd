"""What comes back from the panels, and who is right when page and browser differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from latentcore.analysis.selection import Shape
from latentcore.errors import RequestError
from pages.panels.linked_panels.choices import Choice, read_choices
from pages.panels.linked_panels.view import SLOTS, PanelsView, Roi, Slot

MAX_SHAPES = 200
MAX_VERTICES = 50


@dataclass(frozen=True)
class Focus:
    """What part of a panel is seen, where it is zoomed.

    Parameters
    ----------
    panel : str
    x, y : (float, float)
        From where to where.
    """

    panel: str
    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def from_plain(cls, payload: Any) -> Focus:
        """Read what a browser sent; anything but two finite ranges is a `ValueError`."""
        x0, x1, y0, y1 = (float(payload["range"][name]) for name in ("x0", "x1", "y0", "y1"))
        if not all(map(math.isfinite, (x0, x1, y0, y1))):
            raise ValueError(payload)
        return cls(str(payload["panel"]), (x0, x1), (y0, y1))

    def as_plain(self) -> dict[str, Any]:
        """Return it as the browser sends it."""
        ranges = dict(zip(("x0", "x1", "y0", "y1"), (*self.x, *self.y), strict=True))
        return {"panel": self.panel, "range": ranges}

    def widened(self, share: float) -> Focus:
        """Return the same with so much more on each side."""

        def more(low: float, high: float) -> tuple[float, float]:
            margin = share * (high - low)
            return low - margin, high + margin

        return replace(self, x=more(*self.x), y=more(*self.y))

    @property
    def shape(self) -> Shape:
        """The same as a box."""
        corners = tuple(zip(self.x, self.y, strict=True))
        return Shape(self.panel, "box", corners)


@dataclass(frozen=True)
class PanelsState:
    """The user's doing in the panels.

    Parameters
    ----------
    selections : mapping of {"A", "B"} to tuple of Shape
    active : {"A", "B"}
    roi : (x0, x1, y0, y1) or None
    panels : tuple of Choice
        The panels that the user chose; none where they are the usual ones.
    threshold : float or None
        The cut that the slider of the plateau plot asks for; None is the automatic one.
    revision : int
        Counts what the browser sent, so that an older answer never undoes a newer brush.
    focus : Focus or None
        What is zoomed into, where the browser has but some of the points; the browser's alone.
    """

    selections: Mapping[str, tuple[Shape, ...]] = field(
        default_factory=lambda: dict.fromkeys(SLOTS, ())
    )
    active: Slot = "A"
    roi: Roi | None = None
    pinned: int | None = None
    revision: int = 0
    threshold: float | None = None
    panels: tuple[Choice, ...] = ()
    focus: Focus | None = None

    @classmethod
    def from_view(cls, view: PanelsView) -> PanelsState:
        """Take the state that a view was given by the page."""
        plateau = None if view.parts is None else view.parts.plateau
        return cls(
            selections={slot: tuple(view.selections.get(slot, ())) for slot in SLOTS},
            active=view.active,
            roi=None if view.roi is None else _roi(view.roi),
            pinned=view.pinned,
            threshold=plateau.asked if plateau is not None else None,
            panels=view.chosen,
        )

    @classmethod
    def from_json(cls, payload: Any) -> PanelsState:
        """Read a state that came from a browser, which may have sent anything.

        Raises `RequestError` if it is not a state.
        """
        try:
            selections: dict[str, tuple[Shape, ...]] = {
                slot: _shapes(payload["selections"].get(slot, ())) for slot in SLOTS
            }
            active = payload["active"]
            roi = None if payload["roi"] is None else _roi(payload["roi"])
            pinned = None if payload["pinned"] is None else int(payload["pinned"])
            revision = int(payload["revision"])
            threshold = _threshold(payload.get("threshold"))
            chosen = payload.get("panels")
            panels = () if chosen is None else read_choices(chosen)
            seen = payload.get("focus")
            focus = None if seen is None else Focus.from_plain(seen)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            msg = "The browser sent something that is no state of the panels."
            raise RequestError(msg) from error
        if active not in SLOTS:
            msg = f"A slot is one of {SLOTS}, got {active!r}."
            raise RequestError(msg)
        return cls(selections, active, roi, pinned, revision, threshold, panels, focus)

    def as_json(self) -> dict[str, Any]:
        """Return the state as the browser reads it and sends it."""
        return {
            "revision": self.revision,
            "selections": {
                slot: [shape.as_plain() for shape in self.selections.get(slot, ())]
                for slot in SLOTS
            },
            "active": self.active,
            "roi": None if self.roi is None else list(self.roi),
            "pinned": self.pinned,
            "threshold": self.threshold,
            "panels": [list(choice) for choice in self.panels] or None,
            "focus": None if self.focus is None else self.focus.as_plain(),
        }

    def same_content(self, other: PanelsState) -> bool:
        """Return whether two states differ in nothing but their revision."""
        return replace(self, revision=0) == replace(other, revision=0)


@dataclass(frozen=True)
class Ledger:
    """What was agreed in the run before; decides between the page's view and the browser's state.

    The page is the authority, but most pages hand in the same view again while the user brushes.
    So the page's view counts only in the fields where it says something new, and then until the
    browser answers with a later revision.

    Parameters
    ----------
    given : PanelsState
        What the page gave last.
    override : PanelsState or None
        What the page's view made of the browser's state, with the revision it had then.
    refills : int
        How often the browser missed an array; changes what it is sent, so that it looks again.
    """

    given: PanelsState
    override: PanelsState | None = None
    refills: int = 0

    @classmethod
    def settle(
        cls, before: Ledger | None, given: PanelsState, browser: PanelsState | None
    ) -> tuple[Ledger, PanelsState]:
        """Return the new ledger and the state that holds.

        Parameters
        ----------
        before : Ledger or None
            None in the first run of a session.
        given : PanelsState
            What the page gives now.
        browser : PanelsState or None
            What the browser sent last; None before it sent anything.
        """
        refills = before.refills if before else 0
        if browser is None:
            return cls(given, None, refills), given
        override = before.override if before else None
        if override is not None and override.revision < browser.revision:
            override = None
        state = override or browser
        last = before.given if before else browser
        news = {
            name: getattr(given, name)
            for name in ("selections", "active", "roi", "pinned", "threshold", "panels")
            if getattr(given, name) != getattr(last, name)
        }
        if news and not replace(state, **news).same_content(state):
            state = override = replace(state, **news)
        return cls(given, override, refills), state


def _shapes(payload: Any) -> tuple[Shape, ...]:
    if len(payload) > MAX_SHAPES:
        msg = f"A selection has at most {MAX_SHAPES} shapes, got {len(payload)}."
        raise RequestError(msg)
    shapes = tuple(Shape.from_plain(item) for item in payload)
    if any(len(shape.points) > MAX_VERTICES for shape in shapes):
        msg = f"A lasso has at most {MAX_VERTICES} vertices."
        raise RequestError(msg)
    return shapes


def _roi(payload: Any) -> Roi:
    x0, x1, y0, y1 = (float(value) for value in payload)
    return x0, x1, y0, y1


def _threshold(payload: Any) -> float | None:
    if payload is None:
        return None
    value = float(payload)
    if not 0 < value < math.inf:
        msg = f"A threshold is positive and finite, got {value}."
        raise RequestError(msg)
    return value
