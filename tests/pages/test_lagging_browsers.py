"""What the timers of a browser that lags behind say of widgets."""

from __future__ import annotations

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages.frame import lagging_browsers


def states(value: str) -> WidgetStates:
    return WidgetStates(widgets=[WidgetState(id="map", string_value=value)])


def test_a_timer_does_not_take_back_what_was_chosen() -> None:
    lagging_browsers.pay_no_heed()
    asked = ScriptRequests()
    asked.request_rerun(RerunData(widget_states=states("chosen")))
    asked.request_rerun(
        RerunData(widget_states=states("old"), fragment_id="job", is_auto_rerun=True)
    )
    assert asked.on_scriptrunner_ready().rerun_data.widget_states == states("chosen")


def test_a_timer_tells_of_no_values() -> None:
    lagging_browsers.pay_no_heed()
    asked = ScriptRequests()
    asked.request_rerun(
        RerunData(widget_states=states("old"), fragment_id="job", is_auto_rerun=True)
    )
    found = asked.on_scriptrunner_ready().rerun_data
    assert found.widget_states is None
    assert found.fragment_id_queue == ["job"]
