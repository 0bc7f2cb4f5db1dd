"""Mount the linked panels in a Streamlit page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from latentcore.errors import RequestError
from pages.frame.addresses import base_path
from pages.panels import modules
from pages.panels.array_store import ArrayHandle, array_store
from pages.panels.linked_panels.points import PointTable
from pages.panels.linked_panels.state import Ledger, PanelsState
from pages.panels.linked_panels.view import PanelsView

_FOLDER = "linked_panels"
_mount = modules.register(_FOLDER)


def linked_panels(
    view: PanelsView, *, key: str, on_change: Callable[[], None] | None = None
) -> PanelsState:
    """Show linked panels and return what the user did in them.

    What `view` says about the selections, the active slot, the ROI and the pinned point counts
    at first, and whenever it is not what the page said in the run before; otherwise the user's
    doing counts. A page that keeps these in its own session state adopts them in `on_change` by
    `read_state`.

    Parameters
    ----------
    key : str
        Identity of the component; zoom, undo history and selection live as long as it does.
    on_change : callable, optional
        Called before the run that follows a brush, a new ROI or a pinned point.
    """
    ledger_key = f"_linked_panels_{key}"
    before: Ledger | None = st.session_state.get(ledger_key)
    given = PanelsState.from_view(view)
    ledger, state = Ledger.settle(before, given, read_state(key))
    result = _mount(
        key=key,
        data=_data(view, state, ledger.refills),
        on_state_change=on_change or _nothing,
        on_missing_change=lambda: _refill(ledger_key),
        on_dark_change=_nothing,  # the run that follows draws for the other theme
    )
    del result  # the state was read before, so that what is sent to the browser agrees with it
    st.session_state[ledger_key] = ledger
    return state


def read_state(key: str) -> PanelsState | None:
    """Return what the browser sent last, or None before it sent anything."""
    values = st.session_state.get(key)
    payload = values.get("state") if values else None
    if payload is None:
        return None
    try:
        return PanelsState.from_json(payload)
    except RequestError:
        return None


def _nothing() -> None:
    """Stand in for a callback: Streamlit keeps only the state keys that have one."""


def _refill(ledger_key: str) -> None:
    """Note that the browser missed an array; the run that follows puts it again."""
    ledger: Ledger | None = st.session_state.get(ledger_key)
    if ledger is not None:
        st.session_state[ledger_key] = replace(ledger, refills=ledger.refills + 1)


def _handle(points: PointTable, name: str) -> ArrayHandle:
    array = points.arrays[name] if name in points.arrays else points.others[name]
    fingerprint = points.array_keys.get(name)
    return (
        array_store().put(array)
        if fingerprint is None
        else array_store().put_keyed(fingerprint, lambda: array)
    )


def _data(view: PanelsView, state: PanelsState, refills: int) -> dict[str, Any]:
    """Return what the browser is sent: no arrays, only where they are."""
    base = base_path()
    arrays = {}
    for name in (*view.points.arrays, *view.points.others):
        arrays[name] = _handle(view.points, name).as_json(base)
    used = {panel.color for panel in view.panels}
    return {
        "modules": modules.folder_url(_FOLDER),
        "n": view.points.n,
        "arrays": arrays,
        "grid": None if view.grid is None else view.grid.as_json(),
        "panels": [panel.as_json() for panel in view.panels],
        "frames": {name: list(axes) for name, axes in view.axes.items()},
        "colorings": {name: view.colorings[name].as_json() for name in sorted(used)},
        "state": state.as_json(),
        "patterns": None if view.patterns_url is None else base + view.patterns_url,
        "hover": [list(entry) for entry in view.hover],
        "messages": list(view.messages),
        "parts": None if view.parts is None else view.parts.as_json(),
        "regions": None if view.regions is None else view.regions.as_json(),
        "marks": list(view.marks),
        "menu": None if view.menu is None else view.menu.as_json(),
        "scan": view.scan,
        "sampled": None if view.sampled is None else view.sampled.as_json(),
        "refills": refills,
    }
