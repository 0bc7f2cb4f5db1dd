from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.analysis.geography import place_columns, placed, wrapped_longitudes


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("DT", "lat", "lon"), ("lat", "lon")),
        (("Longitude", "Latitude"), ("Latitude", "Longitude")),
        (("lat", "latent"), None),
        ((), None),
    ],
)
def test_columns_of_places_are_found_by_their_names(names, found) -> None:
    assert place_columns(names) == found


def test_samples_about_the_date_line_stay_together() -> None:
    assert wrapped_longitudes(np.array([170.0, -170, np.nan]))[:2].tolist() == [170, 190]
    assert wrapped_longitudes(np.array([350.0, 5, 10])).tolist() == [-10, 5, 10]
    assert wrapped_longitudes(np.array([0.0, 90, 180, 270])).tolist() == [0, 90, -180, -90]


@given(st.lists(st.floats(-180, 360), min_size=1, max_size=20).map(np.array))
def test_wrapping_moves_by_whole_turns_and_never_spreads(longitudes) -> None:
    wrapped = wrapped_longitudes(longitudes)
    turns = (wrapped - longitudes) / 360
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-9)
    plain = ((longitudes + 180) % 360 - 180, longitudes % 360)
    assert np.ptp(wrapped) == min(np.ptp(one) for one in plain)


def test_what_is_no_place_on_the_earth_has_none() -> None:
    found = placed(np.array([10.0, 91, 5, np.nan]), np.array([20.0, 0, 999, 3]))
    assert found[0].tolist() == [20, 10]
    assert np.isnan(found[1:]).all()
    assert found.dtype == np.float32
