"""What a browser that lags behind still says of widgets is nobody's wish.

With each request a browser sends the values of all widgets that it knows of. While it hears late
of what the server has drawn since, some of these are old, and Streamlit takes one that differs from
what it knows for a choice that was made just now, and calls back. On *Rank*, what was chosen last
as the one map took the place of the three that had been chosen since.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from streamlit.runtime.scriptrunner_utils.script_requests import (
    _TRIGGER_PROTO_FIELDS,
    RerunData,
    ScriptRequests,
)
from streamlit.runtime.state.session_state import WStates


@functools.cache
def pay_no_heed() -> None:
    """Let Streamlit take choices from people only, and only of widgets that are on the page."""
    _ask_timers_for_no_values()
    _forget_widgets_that_are_gone()


def _ask_timers_for_no_values() -> None:
    request_rerun = ScriptRequests.request_rerun

    def without_values_of_a_timer(self: ScriptRequests, new_data: RerunData) -> bool:
        # A fragment that is drawn anew from time to time: whatever anybody chose was sent before.
        if new_data.is_auto_rerun:
            new_data = replace(new_data, widget_states=None)
        return request_rerun(self, new_data)

    ScriptRequests.request_rerun = without_values_of_a_timer  # type: ignore[method-assign]


def _forget_widgets_that_are_gone() -> None:
    remove_stale_widgets = WStates.remove_stale_widgets

    def and_their_callbacks(
        self: WStates, active_widget_ids: frozenset[str], fragment_ids_this_run: list[str] | None
    ) -> None:
        remove_stale_widgets(self, active_widget_ids, fragment_ids_this_run)
        for widget, known in list(self.widget_metadata.items()):
            elsewhere = fragment_ids_this_run and known.fragment_id not in fragment_ids_this_run
            # Who presses a button wants it pressed, also where a job that ends takes it away.
            pressed = known.value_type in _TRIGGER_PROTO_FIELDS
            if not (widget in active_widget_ids or elsewhere or pressed):
                del self.widget_metadata[widget]

    WStates.remove_stale_widgets = and_their_callbacks  # type: ignore[method-assign]
