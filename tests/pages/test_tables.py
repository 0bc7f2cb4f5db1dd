"""Tables show decimals with significant digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.frame.tables import significant


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([0.00019, 0.00004], 5),
        ([1234567.891, -0.5], 7),
        ([-999_999.0], 6),
        ([np.nan, np.inf], 5),
        ([1e300], 15),
        ([], 5),
    ],
)
def test_no_digit_before_the_point_is_rounded_away(values: list[float], digits: int) -> None:
    frame = pd.DataFrame({"value": np.array(values, float), "n": np.arange(len(values))})
    found = significant(frame)
    assert found.keys() == {"value"}
    assert found["value"]["type_config"]["format"] == f"%.{digits}g"
