from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from latentcore.errors import Cancelled, RequestError, ShapeError
from latentcore.preparation import Preparation, Preparer, fit_static_background
from latentcore.progress import Progress
from tests.encoding.memory_source import MemorySource


def patterns(n: int = 9, shape: tuple[int, ...] = (1, 30, 40), dtype: str = "uint8"):
    rng = np.random.default_rng(3)
    return rng.integers(0, 200, (n, *shape)).astype(dtype)


def prepared(x: NDArray[np.generic], **recipe: object) -> NDArray[np.float32]:
    return Preparer(Preparation(**recipe), x.shape[1:])(x)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 8.0, 25.0])
def test_blur_equals_scipy(sigma: float):
    x = patterns(dtype="float64")
    wanted = scipy.ndimage.gaussian_filter(x, sigma, axes=(2, 3))
    np.testing.assert_allclose(prepared(x, smooth=sigma), wanted, rtol=0, atol=2e-4)
    np.testing.assert_allclose(prepared(x / 200, smooth=sigma), wanted / 200, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        prepared(x / 200, background="dynamic", background_sigma=sigma),
        (x - wanted) / 200,
        rtol=0,
        atol=2e-6,
    )


@pytest.mark.parametrize("size", [(15, 20), (13, 17), (30, 7), (64, 90), (1, 1)])
def test_resize_equals_torch_with_antialiasing(size: tuple[int, int]):
    x = patterns(dtype="float32") / 200
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(x).double(),
        size=size,
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )
    np.testing.assert_allclose(prepared(x, size=size), wanted.numpy(), rtol=0, atol=1e-6)


def test_scales_equal_plain_numpy():
    x = patterns(dtype="float64")
    low, high = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    mean, std = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    wanted = {
        "none": x,
        "zero_one": (x - low) / (high - low),
        "minus_one_one": 2 * (x - low) / (high - low) - 1,
        "z_score": (x - mean) / std,
        "demean": x - mean,
    }
    for scale, values in wanted.items():
        np.testing.assert_allclose(prepared(x, scale=scale), values, rtol=1e-5, atol=2e-5)


def test_steps_come_in_the_documented_order():
    x = patterns(dtype="float64")
    y = x[:, :, 2:28, 3:39]
    y = y - scipy.ndimage.gaussian_filter(y, 4, axes=(2, 3))
    y = scipy.ndimage.gaussian_filter(y, 1, axes=(2, 3))
    y = torch.nn.functional.interpolate(
        torch.from_numpy(y), size=(16, 20), mode="bilinear", antialias=True
    ).numpy()
    y = (y - y.mean(axis=(1, 2, 3), keepdims=True)) / y.std(axis=(1, 2, 3), keepdims=True)
    got = prepared(
        x,
        crop=(2, 28, 3, 39),
        background="dynamic",
        background_sigma=4.0,
        smooth=1.0,
        size=(16, 20),
        scale="z_score",
        channels=3,
    )
    np.testing.assert_allclose(got, np.repeat(y, 3, axis=1), atol=2e-5)


def test_channels_are_averaged_or_repeated():
    x = patterns(shape=(3, 8, 8), dtype="float32")
    np.testing.assert_allclose(prepared(x, channels=1), x.mean(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(prepared(x, channels=3), x)
    np.testing.assert_array_equal(prepared(x[:, :1], channels=3), np.repeat(x[:, :1], 3, 1))


@pytest.mark.parametrize("scale", ["zero_one", "minus_one_one", "z_score", "demean"])
@pytest.mark.parametrize("background", ["none", "dynamic"])
@pytest.mark.parametrize("level", [0, 7, 255])
def test_constant_patterns_become_zeros(scale: str, background: str, level: int):
    x = patterns()
    x[4] = level
    recipe = Preparation(scale=scale, background=background, smooth=1.0, size=(17, 13))
    got = Preparer(recipe, x.shape[1:]).prepare(x)
    assert not got.values[4].any()
    assert got.constant.tolist() == [row == 4 for row in range(9)]
    assert got.finite.all()


def test_constant_pattern_keeps_its_level_without_scaling():
    assert (prepared(np.full((1, 1, 4, 4), 7, np.uint8)) == 7).all()


def test_pattern_that_equals_the_static_background_is_constant():
    x = patterns(3, dtype="float32") * np.pi
    preparer = Preparer(
        Preparation(background="static", scale="z_score"), x.shape[1:], x[1] + np.float32(1e-5)
    )
    assert preparer.prepare(x).constant.tolist() == [False, True, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_patterns_that_are_not_finite_are_nan_and_reported(bad: float):
    x = patterns(dtype="float64")
    x[2, 0, 5, 5] = bad
    recipe = Preparation(background="dynamic", scale="z_score")
    got = Preparer(recipe, x.shape[1:]).prepare(x)
    assert got.finite.tolist() == [row != 2 for row in range(9)]
    assert np.isnan(got.values[2]).all()
    others = np.delete(np.arange(9), 2)
    np.testing.assert_array_equal(got.values[others], prepared(x[others], **vars(recipe)))


def test_bad_pixels_outside_the_crop_do_not_count():
    x = patterns(dtype="float32")
    x[0, 0, 0, 0] = np.nan
    assert np.isfinite(prepared(x, crop=(1, 30, 0, 40))).all()


@settings(deadline=None, max_examples=30)
@given(
    batch=st.integers(1, 130),
    size=st.sampled_from([(30, 40), (60, 60), (96, 100)]),
    dtype=st.sampled_from(["uint8", "uint16", "float32", ">f8"]),
    background=st.sampled_from(["none", "dynamic"]),
    scale=st.sampled_from(["zero_one", "z_score"]),
)
def test_a_pattern_is_prepared_to_the_same_bits_in_any_batch(batch, size, dtype, background, scale):
    x = patterns(130, (1, *size), dtype)
    preparer = Preparer(
        Preparation(background=background, smooth=1.0, scale=scale, size=(31, 33)), x.shape[1:]
    )
    whole = preparer(x)
    parts = [preparer(x[start : start + batch]) for start in range(0, 130, batch)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_input_is_left_alone():
    x = patterns(dtype="float32")
    before = x.copy()
    prepared(x, background="dynamic", scale="z_score")
    np.testing.assert_array_equal(x, before)


def test_empty_batch_stays_empty():
    assert prepared(patterns(0)).shape == (0, 1, 30, 40)


def test_preparer_refuses_other_shapes_and_things_that_are_no_numbers():
    preparer = Preparer(Preparation(), (1, 8, 8))
    with pytest.raises(ShapeError, match=r"\(1, 8, 9\)"):
        preparer(np.zeros((2, 1, 8, 9)))
    with pytest.raises(ShapeError, match="complex64"):
        preparer(np.zeros((2, 1, 8, 8), np.complex64))


def test_static_background_is_the_mean_of_the_finite_kept_patterns():
    x = patterns(700, (1, 9, 8), "float32")
    x[5, 0, 1, 1] = np.nan
    rows = np.flatnonzero(np.arange(700) % 3 < 2)
    recipe = Preparation(background="static", crop=(1, 9, 0, 7))
    background = fit_static_background([(MemorySource(x), rows)], recipe)
    kept = x[rows][np.isfinite(x[rows]).all(axis=(1, 2, 3)), :, 1:9, 0:7].astype(np.float64)
    np.testing.assert_array_equal(background, kept.mean(axis=0).astype(np.float32))
    got = Preparer(recipe, (1, 9, 8), background)(x[:3])
    np.testing.assert_array_equal(got, x[:3, :, 1:9, 0:7] - background)


def test_static_background_of_two_scans_weighs_every_pattern_alike():
    x = patterns(60, dtype="uint16")
    parts = [(MemorySource(x[:50]), np.arange(50)), (MemorySource(x[50:]), np.arange(10))]
    np.testing.assert_allclose(
        fit_static_background(parts, Preparation(background="static")), x.mean(axis=0), rtol=1e-6
    )


def test_static_background_must_be_given_and_fit():
    recipe = Preparation(background="static")
    with pytest.raises(RequestError, match="fit it first"):
        Preparer(recipe, (1, 8, 8))
    with pytest.raises(ShapeError, match="another detector setting"):
        Preparer(recipe, (1, 8, 8), np.zeros((1, 8, 9), np.float32))
    with pytest.raises(ShapeError, match="None of the 2 samples"):
        fit_static_background(
            [(MemorySource(np.full((2, 1, 4, 4), np.nan)), np.arange(2))], Preparation()
        )
    with pytest.raises(ShapeError, match="can't serve"):
        parts = [(MemorySource(patterns(2, s)), np.arange(2)) for s in ((1, 4, 4), (1, 5, 4))]
        fit_static_background(parts, Preparation())


def test_static_background_can_be_cancelled():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        fit_static_background([(MemorySource(patterns()), np.arange(9))], Preparation(), progress)


def test_type_range_is_the_same_for_all_samples():
    x = patterns(dtype="uint8")
    x[0] = 40  # a constant sample keeps its brightness
    np.testing.assert_array_equal(
        prepared(x, scale="type_range"),
        (torch.from_numpy(x).float() / 127.5 - 1).numpy(),
    )
    wide = x.astype("uint16") * 257
    np.testing.assert_allclose(
        prepared(wide, scale="type_range"), prepared(x, scale="type_range"), rtol=0, atol=1e-6
    )


def test_type_range_needs_a_type_with_a_range():
    with pytest.raises(ShapeError, match=r"these samples are float32.*scale=minus_one_one"):
        prepared(patterns(dtype="float32"), scale="type_range")


@pytest.mark.parametrize(
    "recipe",
    [
        {"crop": (2, 22, 5, 35), "size": (10, 15), "scale": "type_range", "channels": 3},
        {"smooth": 1.0, "background": "dynamic", "channels": 1},
    ],
)
def test_frames_of_a_clip_are_prepared_like_images(recipe: dict[str, object]):
    clips = patterns(4, (3, 5, 30, 40))
    whole = prepared(clips, **recipe)
    for frame in range(5):
        np.testing.assert_array_equal(whole[:, :, frame], prepared(clips[:, :, frame], **recipe))


def test_a_clip_is_scaled_as_a_whole():
    clips = patterns(4, (1, 5, 30, 40))
    low, high = clips.min(axis=(1, 2, 3, 4)), clips.max(axis=(1, 2, 3, 4))
    found = prepared(clips, scale="zero_one")
    assert found.shape == clips.shape
    wanted = (clips - low[:, None, None, None, None]) / (high - low)[:, None, None, None, None]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
