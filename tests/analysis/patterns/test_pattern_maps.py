"""Maps from patterns: against published numbers, formulas written out, and all neighbors."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.patterns import blocks, pixel_store
from latentcore.analysis.patterns.computing import pattern_maps
from latentcore.analysis.patterns.detectors import (
    Disk,
    Rectangle,
    pixel_mask,
    read_combinations,
    read_detector,
    read_detectors,
)
from latentcore.analysis.patterns.maps import PATTERN_MAPS
from latentcore.analysis.patterns.pixel_store import build_pixels, open_pixels
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.readers import open_samples
from latentcore.settings import settings
from tests.encoding.memory_source import MemorySource
from tests.factories.hexagonal import hexagonal_points

rng = np.random.default_rng(4)


def scan(patterns, x, y, **options):
    source = MemorySource(patterns[:, None], **options)
    source.grid = ScanGrid.from_coordinates(x, y)
    return source


def square_points():
    y, x = (axis.ravel() for axis in np.mgrid[0:7, 0:9])
    return np.column_stack([x, y])


def correlations(patterns, points, reach):
    flat = patterns.reshape(len(patterns), -1).astype(float)
    near = np.linalg.norm(points[:, None] - points[None], axis=-1)
    table = np.corrcoef(flat)
    table[(near > reach) | (near == 0)] = np.nan
    return np.nanmean(table, axis=1)


def test_average_dot_product_is_the_published_one(shared_data):
    with open_samples(str(shared_data / "ebsd_vendor/kikuchipy_ni_3x3.h5")) as samples:
        found = samples.grid.to_map(pattern_maps(samples, ["adp"])["adp"])
    # kikuchipy's own tests state these of the same nine patterns.
    published = [
        [0.995679, 0.996117, 0.997220],
        [0.996363, 0.996561, 0.997252],
        [0.995731, 0.996134, 0.997048],
    ]
    np.testing.assert_allclose(found, published, atol=1e-6)


@pytest.mark.parametrize("points", [square_points(), hexagonal_points(7, 9)])
@pytest.mark.parametrize("capacity", [1, 30, 1_000])
def test_average_dot_product_whatever_the_blocks_and_the_rows_order(points, capacity, monkeypatch):
    points = rng.permutation(points)[:-6]  # with gaps
    patterns = rng.integers(0, 255, (len(points), 4, 5), np.uint8)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", capacity * 4 * 20)
    source = scan(patterns, *points.T)
    found = pattern_maps(source, ["adp", "pattern_mean", "pattern_sd"])
    np.testing.assert_allclose(found["adp"], correlations(patterns, points, 1.1), atol=1e-6)
    np.testing.assert_allclose(found["pattern_mean"], patterns.mean((1, 2)))
    np.testing.assert_allclose(found["pattern_sd"], patterns.std((1, 2)))
    most = max(map(len, source.reads))
    assert most <= max(capacity, 7)  # a point and its six neighbors


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_the_pixels_does_not_matter(scale):
    patterns = rng.random((3, 4, 4))
    x = np.arange(3)
    names = ["adp", "image_quality"]
    plain, scaled = (pattern_maps(scan(k * patterns, x, 0 * x), names) for k in (1, scale))
    for name in names:
        np.testing.assert_allclose(scaled[name], plain[name], atol=1e-5)


def test_patterns_without_contrast_have_no_similarity_and_spoil_no_neighbor():
    x = np.arange(4)
    patterns = rng.random((4, 3, 3)).astype(np.float32)
    patterns[1], patterns[3, 0, 0] = 7, np.nan
    found = pattern_maps(scan(patterns, x, 0 * x), PATTERN_MAPS.names())
    assert np.isnan(found["adp"]).all()  # each has only such neighbors, or none
    np.testing.assert_array_equal(np.isnan(found["image_quality"]), [False, True, False, True])
    np.testing.assert_array_equal(np.isnan(found["pattern_mean"]), [False, False, False, True])


@pytest.mark.parametrize("shape", [(6, 6), (5, 8), (1, 7)])
def test_image_quality_is_the_formula(shape):
    patterns = rng.integers(0, 255, (3, *shape), np.uint8)

    def squares(n):
        return np.array([k + 1 if k < n // 2 else k - n for k in range(n)]) ** 2

    weight = squares(shape[0])[:, None] + squares(shape[1]) - 1
    amplitude = np.abs(np.fft.fft2(patterns - patterns.mean((1, 2), keepdims=True)))
    inertia = (amplitude * weight).sum((1, 2)) / amplitude.sum((1, 2))
    found = pattern_maps(scan(patterns, np.arange(3), np.zeros(3)), ["image_quality"])
    np.testing.assert_allclose(found["image_quality"], 1 - inertia / weight.mean(), atol=1e-6)


def test_image_quality_is_the_published_one_and_0_for_noise():
    # The first pattern of kikuchipy's dummy signal, whose quality its tests state.
    pattern = np.array([[[5, 6, 5], [7, 6, 5], [6, 1, 0]]], np.uint8)
    found = pattern_maps(scan(pattern, np.zeros(1), np.zeros(1)), ["image_quality"])
    np.testing.assert_allclose(found["image_quality"], -0.0241, atol=1e-4)
    noise = rng.normal(size=(2, 400, 400))
    found = pattern_maps(scan(noise, np.arange(2), np.zeros(2)), ["image_quality"])
    np.testing.assert_allclose(found["image_quality"], 0, atol=0.01)


DETECTORS = {
    "box": Rectangle(2, 7, 0, 3),
    "disk": Disk(4.5, 3.0, 2.5),
    "rim": Disk(-1, 8, 3.0),
    "all": Rectangle(0, 9, 0, 8),
}


def masks():
    y, x = np.mgrid[0:8, 0:9] + 0.5
    inside = {
        name: (x - one.x) ** 2 + (y - one.y) ** 2 <= one.radius**2
        for name, one in DETECTORS.items()
        if isinstance(one, Disk)
    }
    return {"box": (x > 2) & (x < 7) & (y < 3), "all": x > 0, **inside}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float32"])
def test_detectors_add_up_their_pixels_from_the_file_and_from_the_store(
    dtype, workspace, monkeypatch
):
    monkeypatch.setattr(pixel_store, "_MOST_BLOCK_ROWS", 7)
    patterns = rng.integers(0, 60_000, (20, 8, 9)).astype(dtype)
    if dtype == "float32":
        patterns[3, 7, 1] = np.nan
    source = scan(patterns, np.arange(20), np.zeros(20), block_rows=3)
    assert open_pixels(source) is None
    build_pixels(source, Progress())
    store = open_pixels(source)
    found = pattern_maps(source, [], detectors=DETECTORS)
    for name, mask in masks().items():
        spans = DETECTORS[name].spans((8, 9))
        np.testing.assert_array_equal(pixel_mask(spans, (8, 9)), mask)
        summed = patterns[:, mask].sum(1, dtype=np.float64)
        np.testing.assert_array_equal(found[name], summed)
        np.testing.assert_array_equal(store.sums(spans), summed)
    np.testing.assert_allclose(store.mean, np.nanmean(patterns.astype(float), 0), rtol=1e-6)


def test_bins_of_one_pixel_are_the_pixels_and_larger_ones_their_means(workspace, monkeypatch):
    patterns = rng.integers(0, 255, (30, 8, 9), np.uint8)
    source = scan(patterns, np.arange(30), np.zeros(30))
    bins = build_pixels(source, Progress()).bins
    again = bins.low[:, None] + bins.step[:, None] * bins.levels
    np.testing.assert_array_equal(again, patterns.reshape(30, -1).T)
    monkeypatch.setattr(pixel_store, "_MOST_BIN_BYTES", 30 * 16)
    bins = build_pixels(source, Progress()).bins
    assert bins.rows.tolist() == [0, 2, 4, 6, 8] and bins.levels.shape == (16, 30)
    again = bins.low[:, None] + bins.step[:, None] * bins.levels
    corner = patterns[:, 6:8, bins.columns[3] : 9].mean((1, 2))
    np.testing.assert_allclose(again[-1], corner, atol=bins.step[-1] * 0.51)


def test_the_store_is_bounded_and_what_is_broken_is_not_opened(workspace, monkeypatch):
    sources = [
        scan(rng.integers(0, 255, (50, 8, 9), np.uint8), np.arange(50), np.zeros(50))
        for _ in range(3)
    ]
    monkeypatch.setattr(pixel_store.built, "largest_built", lambda: 70_000)
    monkeypatch.setattr(pixel_store, "_MOST_BIN_BYTES", 50 * 16)
    stores = [build_pixels(source, Progress()) for source in sources]
    held = [one for one in workspace.rglob("*") if one.is_file()]
    assert 0 < sum(one.stat().st_size for one in held) <= 80_000
    assert open_pixels(sources[2]) is not None
    stores[2].pixels.write_bytes(b"")
    assert open_pixels(sources[2]) is None
    # Where even one scan is too large there are bins alone.
    monkeypatch.setattr(pixel_store.built, "largest_built", lambda: 3_000)
    store = build_pixels(sources[0], Progress())
    assert store.pixels is None and open_pixels(sources[0]).pixels is None
    with pytest.raises(RequestError, match="disk space"):
        store.sums(Rectangle(0, 1, 0, 1).spans((8, 9)))


@pytest.mark.parametrize(
    "text",
    ["", "1:2", "1:2:3:4:5", "a:b:c:d", "disk:1:2", "disk:1:2:0", "disk:nan:2:3", "1.5:2:0:1",
     "disk:1:2:inf", "9" * 40 + ":1:2:3", "1:" * 9_000],
)  # fmt: skip
def test_text_that_is_no_detector_is_refused_in_one_short_message(text):
    with pytest.raises(RequestError, match="is no detector") as raised:
        read_detector(text)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    "detector",
    [Rectangle(3, 3, 0, 1), Rectangle(0, 10, 0, 1), Rectangle(-1, 2, 0, 1), Disk(-5, 0, 1)],
)
def test_detectors_beside_the_pattern_are_refused(detector):
    with pytest.raises(RequestError, match="9 × 8 pixels"):
        detector.spans((8, 9))


def test_written_detectors_are_read_again_and_names_must_be_usable():
    for detector in DETECTORS.values():
        assert read_detector(detector.spec) == detector
    for bad in ("A", "=1:2:1:2", "x=1:2:1:2", "a:b=1:2:1:2", "\x1b=1:2:1:2", "n" * 61 + "=0:1:0:1"):
        with pytest.raises(RequestError):
            read_detectors((bad,))
    with pytest.raises(RequestError, match="Two maps"):
        read_detectors(("A=0:1:0:1", "A=0:1:0:1"))
    known = read_detectors(("a-b=0:1:0:1", "c=0:1:0:1"))
    made = read_combinations(("d=a-b/c",), known)["d"]
    assert (made.first, made.operation, made.second) == ("a-b", "/", "c")
    ratio = made.of({"a-b": np.array([1.0, 2.0]), "c": np.array([2.0, 0.0])})
    np.testing.assert_array_equal(ratio, [0.5, np.nan])
    for bad in ("d=a-b", "c=a-b/c", "d"):
        with pytest.raises(RequestError):
            read_combinations((bad,), known)


def test_samples_without_a_grid_or_in_color_are_refused():
    with pytest.raises(RequestError, match="no coordinates"):
        pattern_maps(MemorySource(np.zeros((3, 1, 4, 4))), ["adp"])
    colored = MemorySource(np.zeros((3, 3, 4, 4)))
    colored.grid = ScanGrid.from_coordinates(np.arange(3), np.zeros(3))
    with pytest.raises(RequestError, match="one channel"):
        pattern_maps(colored, ["adp"])
