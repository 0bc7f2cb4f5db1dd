from __future__ import annotations

from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from pages.scan import demo as demo_scan
from pages.scan import joining, loading
from pages.scan.derived_maps import without_labels
from pages.scan.state import ScanState


def script() -> None:
    import numpy as np
    import streamlit as st

    from pages.scan import loading, state
    from pages.scan.derived_maps import keep_as_maps, without_labels

    grid = loading.scan_grid(state.current())
    assert grid is not None
    labels = (np.arange(30) // 10 - 1 + st.session_state.get("more", 0)).astype(np.int32)
    names = np.array([None, "α <b>", "β"], object)[np.arange(30) % 3]
    keep_as_maps(
        "demo__domains",
        grid,
        {"domain": without_labels(labels), "deviation": np.arange(30) / 7, "class": names},
    )
    st.write(state.current().maps)


def joined(scan: ScanState) -> joining.JoinedMaps:
    return joining.joined_maps(scan.maps, loading.grid_key(scan), loading.scan_grid(scan))


def test_kept_maps_join_the_scan_in_view_and_its_url(demo: Path) -> None:
    app = AppTest.from_function(script).run()
    assert not app.exception
    scan = app.session_state["scan"]
    assert scan.maps[:-1] == demo_scan.MAPS
    assert app.query_params["maps"] == list(scan.maps)
    maps = joined(scan)
    assert maps.names[-3:] == ("domain", "deviation", "class")
    expected = np.repeat([np.nan, 0, 1], 10)
    np.testing.assert_array_equal(maps.get("domain"), expected)
    np.testing.assert_array_equal(maps.get("deviation"), (np.arange(30) / 7).astype(np.float32))
    assert maps.categories["domain"] == {0: "0", 1: "1"}
    assert maps.categories["class"] == {0: "α <b>", 1: "β"}
    assert np.isnan(maps.get("class")).sum() == 10
    assert joining.label_maps(maps)[:1] == ["phase_id"] and "domain" in joining.label_maps(maps)


def test_kept_again_the_maps_replace_those_before(demo: Path) -> None:
    app = AppTest.from_function(script).run()
    first = app.session_state["scan"].maps
    app.session_state["more"] = 3
    app.run()
    second = app.session_state["scan"].maps
    assert len(second) == len(first) and second[:-1] == first[:-1] and second[-1] != first[-1]
    maps = joined(app.session_state["scan"])
    np.testing.assert_array_equal(maps.get("domain"), np.repeat([2, 3, 4], 10))


def test_no_label_is_no_value() -> None:
    np.testing.assert_array_equal(without_labels(np.array([-1, 0, 7])), [np.nan, 0, 7])
