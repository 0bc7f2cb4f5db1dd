"""The Explore page's places: one bar, the panels in all the room there is, a side panel.

The panels get the height that is left in the window, by style alone: no number of pixels is kept
here. Notices lie over the panels, so that nothing moves when one comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# In the HTML of all pages, which hold nothing that is called so.
STYLE = Path(__file__).with_name("layout.css").read_text(encoding="utf-8")
_OPEN = "explore.sidebar"
# While Streamlit's app is this, the sidebar is a rail. The ROI's keys begin so on other pages, too.
WITH_RAIL = (
    ":has(.stMain :is(.st-key-explore-title, .st-key-explore-waiting))"
    ":not(:has(.st-key-explore-sidebar input:checked))"
)
_DISMISSED = "explore_dismissed"
_CHOSEN_SIDE = "explore.side"
_SIDE = {
    "hidden": ":material/right_panel_close:",
    "normal": ":material/right_panel_open:",
    "wide": ":material/width_normal:",
}


@dataclass(frozen=True, eq=False)
class Room:
    """The containers of the page, which keep their places from run to run.

    Attributes
    ----------
    bar : DeltaGenerator
        The controls, in a line.
    state : DeltaGenerator
        What is in view where it isn't all of the file.
    plots : DeltaGenerator
    notices : DeltaGenerator
        Over the plots, at the lower left.
    side : DeltaGenerator
    """

    bar: DeltaGenerator
    state: DeltaGenerator
    plots: DeltaGenerator
    notices: DeltaGenerator
    side: DeltaGenerator


def room() -> Room:
    """Lay out the page and return its places, which have their room before anything is in them."""
    st.html(f"<style>{_side_style()}</style>")
    bar = st.container(key="explore-bar", horizontal=True, vertical_alignment="bottom")
    state = st.container(key="explore-state")
    body = st.container(key="explore-body", horizontal=True)
    plots = body.container(key="explore-plots")
    side = body.container(key="explore-beside")
    return Room(bar, state, plots, plots.container(key="explore-notices"), side)


def choose_side() -> None:
    """Show how wide the side panel is, and let it be hidden."""
    st.segmented_control(
        "Side panel", list(_SIDE), default="normal", required=True, key=_CHOSEN_SIDE,
        format_func=_SIDE.__getitem__, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip


def _side_style() -> str:
    """Return the style of a side panel that is not as ``layout.css`` has it."""
    if st.session_state.get(_CHOSEN_SIDE) == "wide":
        return (
            ".stApp .st-key-explore-body { --side-room: calc(46vw + 10px); } "
            ".stApp .st-key-explore-beside { width: 46vw; min-width: 46vw; }"
        )
    if st.session_state.get(_CHOSEN_SIDE) == "hidden":
        return (
            ".stApp .st-key-explore-body { --side-room: 0; } "
            ".stApp .st-key-explore-beside { display: none; }"
        )
    return ""


def choose_rail() -> None:
    """Let the sidebar be kept open; else it is a rail of icons that opens under the pointer."""
    with st.sidebar:
        st.toggle(
            "Keep this sidebar open", key=_OPEN, persist_state="session",
            help="On this page it is a rail of icons otherwise, to leave the room to the panels; "
            "in narrow windows it always is.",
        )  # fmt: skip


@contextmanager
def notice(name: str, about: str) -> Iterator[bool]:
    """Give a notice its place and a way to dismiss it; tells whether it is to be shown.

    Parameters
    ----------
    name : str
        One notice of a name is on the screen at a time.
    about : str
        What it says: once that changes, a notice that was dismissed comes back.
    """
    dismissed: dict[str, str] = st.session_state.setdefault(_DISMISSED, {})
    if dismissed.get(name) == about:
        yield False
        return
    with st.container(key=f"explore-notice-{name}", horizontal=True, wrap=False):
        with st.container():
            yield True
        st.button(
            "", key=f"explore.dismiss.{name}", icon=":material/close:", help="Dismiss",
            type="tertiary", on_click=dismissed.__setitem__, args=(name, about),
        )  # fmt: skip
