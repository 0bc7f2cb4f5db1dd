"""References made of one map or several, and their join with the latents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.analysis.references import Reference, join_maps, reference_of, refuse_useless
from latentcore.containers import Roi, ScanGrid, ScanMaps
from latentcore.errors import JoinError, RequestError


def channels(n=50, k=3, seed=0):
    return np.random.default_rng(seed).uniform(-5, 90, (k, n)).astype(np.float32)


def test_a_single_map_stays_as_it_is():
    (values,) = channels(k=1)
    values[3] = np.nan
    found = reference_of(values[None], ["Fe"])
    np.testing.assert_array_equal(found.values, values)
    assert (found.name, found.columns, found.synthesis, found.tag) == ("Fe", ("Fe",), "", "Fe")


@given(st.lists(st.floats(0, 10), min_size=2, max_size=6).filter(lambda w: sum(w) > 0.1))
def test_a_sum_is_the_weighted_mean_of_scaled_channels(weights):
    values = channels(k=len(weights))
    values[0, 5] = np.nan
    found = reference_of(values, [f"E{n}" for n in range(len(weights))], synthesis="sum",
                         weights=weights)  # fmt: skip
    low, high = np.nanmin(values, axis=1)[:, None], np.nanmax(values, axis=1)[:, None]
    wanted = np.array(weights) @ ((values.astype(float) - low) / (high - low)) / sum(weights)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-6, atol=1e-7)
    assert np.isnan(found.values[5])
    assert sum(found.weights) == pytest.approx(1)


def test_without_weights_all_channels_weigh_the_same():
    values = channels()
    free = reference_of(values, "abc", synthesis="sum")
    message = reference_of(values, "abc", synthesis="sum", weights=(2, 2, 2))
    np.testing.assert_array_equal(free.values, message.values)
    assert (free.tag, message.tag) == ("sum-auto", "sum-2_2_2")


def test_rgb_is_compared_by_its_luminance_and_keeps_its_picture():
    values = channels()
    found = reference_of(values, ["Fe", "Al", "O"], synthesis="rgb")
    assert found.rgb is not None
    assert found.rgb.shape == (50, 3)
    assert found.rgb.min() == 0
    assert found.rgb.max() == 1
    np.testing.assert_allclose(found.values, found.rgb @ [0.2126, 0.7152, 0.0722], rtol=1e-6)
    assert found.tag == "rgb-Fe_Al_O"
    assert found.take(np.arange(7)).rgb.shape == (7, 3)


def test_a_constant_channel_adds_nothing():
    values = channels(k=2)
    values[1] = 4
    found = reference_of(values, ["Fe", "Ti"], synthesis="sum")
    low, high = values[0].min(), values[0].max()
    np.testing.assert_allclose(found.values, (values[0] - low) / (high - low) / 2, rtol=1e-5)
    assert found.ranges[1] == (4, 4)


@pytest.mark.parametrize(
    ("k", "synthesis", "weights", "message"),
    [
        (2, None, None, "One map is needed, but there are 2: a, b"),
        (2, "rgb", None, "needs three maps, for red, green and blue, but got 2"),
        (4, "rgb", None, "but got 4: a, b, c, d"),
        (2, "sum", (1.0,), "1 weights were given for 2 maps"),
        (2, "sum", (1.0, -1.0), "must be 0 or more"),
        (2, "sum", (0.0, 0.0), "not all 0"),
        (2, "sum", (1.0, float("nan")), "must be 0 or more"),
        (3, "rgb", (1.0, 1.0, 1.0), "Weights belong to a sum"),
        (1, None, (1.0,), "Weights belong to a sum"),
        (2, "mean", None, "not by 'mean'"),
    ],
)
def test_what_makes_no_sense_is_reported(k, synthesis, weights, message):
    with pytest.raises(RequestError, match=message):
        reference_of(channels(k=k), "abcd"[:k], synthesis=synthesis, weights=weights)


def test_a_channel_without_a_value_is_named():
    values = channels(k=2)
    values[1] = np.nan
    with pytest.raises(RequestError, match="The map Ti has no value at any of the 50 points"):
        reference_of(values, ["Fe", "Ti"], synthesis="sum")


def scan(rows, columns, x0=0):
    y, x = np.divmod(np.arange(rows * columns), columns)
    return ScanGrid.from_coordinates(x + x0, y)


def test_points_without_a_partner_are_counted_on_both_sides():
    grid, other = scan(4, 10), scan(4, 10, x0=3)
    maps = ScanMaps(other.x[None].astype(np.float32), ("x",), ("",), other)
    values, unmatched, lacking = join_maps(maps, grid)
    np.testing.assert_array_equal(values[0], np.where(grid.x >= 3, grid.x, np.nan))
    assert (unmatched, lacking) == (12, 12)
    # Points of the map outside of the ROI are not missed.
    roi = Roi((2, 6), (0, 2))
    _, unmatched, lacking = join_maps(maps, grid.take(roi.mask(grid)), roi)
    assert (unmatched, lacking) == (2, 0)


def test_nothing_in_common_is_an_error():
    maps = ScanMaps(np.ones((1, 40), np.float32), ("a",), ("",), scan(4, 10, x0=100))
    with pytest.raises(JoinError, match="None of 40 points has a partner"):
        join_maps(maps, scan(4, 10))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(30, 7.0), "Fe is 7 at each of the 30 points"),
        (np.where(np.arange(30) < 19, np.arange(30), np.nan), "Only 19 of 30 points"),
    ],
)
def test_a_useless_reference_is_refused(values, message):
    reference = Reference(values.astype(np.float32), "Fe", ("Fe",))
    with pytest.raises(RequestError, match=message):
        refuse_useless(reference, np.ones(30, np.bool_))


def test_points_without_a_latent_do_not_count():
    reference = Reference(np.arange(30, dtype=np.float32), "Fe", ("Fe",))
    encoded = np.ones(30, np.bool_)
    refuse_useless(reference, encoded)
    encoded[:11] = False
    with pytest.raises(RequestError, match="Only 19 of 30"):
        refuse_useless(reference, encoded)
