from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from latentcore.analysis.value_filters import kept_by, within_ranges

ENDS = st.floats(-5, 5)
RANGES = st.lists(st.tuples(ENDS, ENDS), max_size=4).map(tuple)
VALUES = st.lists(st.floats(-6, 6) | st.just(np.nan), max_size=30).map(np.array)


@given(VALUES, RANGES)
def test_a_value_is_kept_that_lies_in_some_half_open_range(values, ranges) -> None:
    literally = [any(low <= value < high for low, high in ranges) for value in values]
    assert within_ranges(values, ranges).tolist() == literally


def test_ends_may_be_open_and_unknown_values_are_never_kept() -> None:
    values = np.array([-np.inf, -1, 0, 7, np.nan])
    assert within_ranges(values, ((-np.inf, 0),)).tolist() == [True, True, False, False, False]
    everything = within_ranges(values, ((-np.inf, np.inf),))
    assert everything.tolist() == [True, True, True, True, False]


def test_every_filter_must_keep_a_sample() -> None:
    columns = {"a": np.arange(6.0), "b": np.arange(6.0)[::-1]}
    filters = {"a": ((0.0, 1.0), (3.0, 9.0)), "b": ((1.0, 9.0),)}
    assert np.flatnonzero(kept_by(filters, columns.__getitem__, 6)).tolist() == [0, 3, 4]
    assert kept_by({}, columns.__getitem__, 6).all()
