from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentcore.analysis.cutout_statistics import (
    STATISTICS,
    cutout_statistics,
    default_crop,
    dt_bins,
    temperature_difference,
)
from latentcore.errors import Cancelled, RequestError, ShapeError
from latentcore.progress import Progress
from latentcore.readers import open_samples
from tests.factories.nenya import cutouts, write_cutouts


def plain_difference(image: np.ndarray, crop: int) -> float:
    """What nenya's forerunner computes, one image at a time."""
    y, x, d = image.shape[0] // 2, image.shape[1] // 2, crop // 2
    part = image[y - d : y + d, x - d : x + d]
    return float(np.percentile(part, 90.0) - np.percentile(part, 10.0))


@pytest.mark.parametrize("crop", [2, 7, 40, 64])
def test_difference_is_that_of_the_central_crop(crop: int) -> None:
    images = cutouts(5, 64)
    found = temperature_difference(images, crop)
    wanted = [plain_difference(image.astype(np.float64), crop) for image in images[:, 0]]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    np.testing.assert_array_equal(temperature_difference(images[:, 0], crop), found)
    assert temperature_difference(images[2, 0], crop) == found[2]


def test_crop_is_40_of_64_pixels_and_in_proportion() -> None:
    assert [default_crop(side, side) for side in (64, 128, 192)] == [40, 80, 120]
    assert default_crop(64, 100) == 40
    images = cutouts(3, 64)
    np.testing.assert_array_equal(
        temperature_difference(images), temperature_difference(images, 40)
    )


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(4, 12), st.integers(4, 12)),
        elements=st.floats(-2, 35, width=32),
    ),
    st.floats(-300, 300),
)
def test_difference_does_not_care_for_the_mean(image: np.ndarray, shift: float) -> None:
    before = temperature_difference(image)
    assert 0 <= before <= image.max() - image.min() + 1e-5
    np.testing.assert_allclose(temperature_difference(image + shift), before, atol=1e-3)


def test_of_several_channels_the_first_counts() -> None:
    images = np.concatenate([cutouts(3), 9 * cutouts(3, seed=1)], axis=1)
    np.testing.assert_array_equal(
        temperature_difference(images), temperature_difference(images[:, :1])
    )


def test_whole_file_is_measured_block_by_block(tmp_path, monkeypatch) -> None:
    from latentcore.analysis import cutout_statistics as module

    monkeypatch.setattr(module, "_BLOCK_VALUES", 3 * 16 * 16)
    images = np.concatenate([cutouts(7), cutouts(4, seed=1)])
    images[4, 0, 0, 0] = np.nan  # outside the crop
    path = write_cutouts(tmp_path / "pp.h5", train=images[:7], valid=images[7:])
    with open_samples(path) as source:
        found = cutout_statistics(source, crop=8)
        some = cutout_statistics(source, np.array([1, 8]), crop=8)
    assert tuple(found) == STATISTICS
    wide = images.astype(np.float64)
    for name, plain in (
        ("DT", [plain_difference(image, 8) for image in wide[:, 0]]),
        ("mean", wide.mean(axis=(1, 2, 3))),
        ("sd", wide.std(axis=(1, 2, 3))),
        ("min", wide.min(axis=(1, 2, 3))),
        ("max", wide.max(axis=(1, 2, 3))),
    ):
        np.testing.assert_allclose(found[name], plain, rtol=1e-12)
        np.testing.assert_array_equal(some[name], found[name][[1, 8]])
    assert np.isnan(found["mean"]).tolist() == [row == 4 for row in range(11)]
    assert np.isfinite(found["DT"]).all()


def test_measuring_can_be_cancelled(tmp_path) -> None:
    progress = Progress()
    progress.cancel()
    path = write_cutouts(tmp_path / "pp.h5", train=cutouts(3))
    with open_samples(path) as source, pytest.raises(Cancelled):
        cutout_statistics(source, progress=progress)


@pytest.mark.parametrize("crop", [0, 1, 18, -4])
def test_crops_that_do_not_fit_are_reported(crop: int) -> None:
    with pytest.raises(RequestError, match=r"doesn't fit in images of 16 × 16: give 2 to 16"):
        temperature_difference(cutouts(2), crop)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 0, 4), (1, 1, 1, 4, 4)])
def test_what_is_no_image_is_reported(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="have the shape"):
        temperature_difference(np.zeros(shape))


def test_bins_are_half_open_and_named() -> None:
    bins, names = dt_bins(np.array([0, 0.49, 0.5, 2.5, 4, 90, np.nan, -0.1]))
    assert bins.tolist() == [0, 0, 1, 4, 5, 5, -1, -1]
    assert names[1] == "0.5–1 K"
    assert names[5] == "≥ 4 K"
    bins, names = dt_bins(np.array([0.0, 1, 2]), edges=(0, 1, 2))
    assert bins.tolist() == [0, 1, -1]
    assert dict(names) == {0: "0–1 K", 1: "1–2 K"}
