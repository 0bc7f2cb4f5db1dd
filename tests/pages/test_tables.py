"""Numbers are shown with significant digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.frame.tables import shortened, significant
from pages.frame.units import mean_sd_text, percentile_text


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


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (157.86, 38.6, "157.9 ± 38.6"),
        (5.3342e-8, 15.7, "0.0 ± 15.7"),
        (-5e-8, 15.7, "0.0 ± 15.7"),
        (-0.0123456, 0.00199, "−0.01235 ± 0.00199"),
        (9.2168e-5, 1.85e-4, "(0.92 ± 1.85)·10⁻⁴"),
        (-1.9e-4, 4e-5, "(−1.900 ± 0.400)·10⁻⁴"),
        (0.5, 4e-5, "0.5000000 ± 0.0000400"),
        (2.5e6, 1.25e6, "(2.50 ± 1.25)·10⁶"),
        (12345.6, 2345.0, "12,346 ± 2,345"),
        (3.25, float("nan"), "3.25"),
        (float("nan"), float("nan"), "–"),
        (7.0, 0.0, "7 ± 0"),
    ],
)
def test_mean_has_the_digits_of_its_standard_deviation(mean: float, sd: float, text: str) -> None:
    assert mean_sd_text(mean, sd) == text


def test_long_names_keep_both_ends_as_long_as_they_stay_apart() -> None:
    names = [f"specimen_A_2024_channel_{number:02d}_intensity" for number in range(3)]
    assert list(shortened(["Fe", *names]).values()) == [
        "Fe", "speci…0_intensi…", "speci…1_intensi…", "speci…2_intensi…",
    ]  # fmt: skip
    apart = ["specimen_A_2024_channel_intensity", "specimen_A_2023_channel_intensity"]
    assert len(set(shortened(apart).values())) == 2
    twice = ["a_1_long_long_long_long_b_1", "a_1_long_long_long_long_b_2", "a_2_long_long_long_b_1"]
    assert len(set(shortened(twice).values())) == 3


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (93.14, "93.1"), (99.94, "99.9"), (99.97, "99.97"), (99.999, "> 99.99"),
     (100.0, "100.0")],
)  # fmt: skip
def test_a_percentile_below_100_never_reads_as_100(value: float, text: str) -> None:
    assert percentile_text(value) == text
