"""The seed's Kikuchi scans: both layouts, any order, blocks, and what is wrong with a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from latentcore import readers
from latentcore.containers import SampleSource
from latentcore.errors import MalformedFileError, RequestError
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

N = 200


@pytest.fixture(scope="module", params=["contiguous", "chunked", "gzip", "tiled"])
def scan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    chunks = {"contiguous": None, "chunked": (1, 1, 8, 8), "gzip": (64, 1, 8, 8)}
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "images",
            data=patterns(N),
            chunks=chunks.get(request.param, (48, 1, 5, 3)),
            compression="gzip" if request.param == "gzip" else None,
        )
    return path


@given(rows=st.lists(st.integers(0, N - 1), max_size=60))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_come_in_the_order_asked(scan: Path, rows: list[int]) -> None:
    with readers.open_samples(scan) as samples:
        wanted = np.array(rows, np.int64)
        np.testing.assert_array_equal(samples.read(wanted), patterns(N)[wanted])


@given(start=st.integers(-N, N), stop=st.integers(-N, N + 9), step=st.sampled_from([1, 2, 7, -1]))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_slices_are_those_of_numpy(scan: Path, start: int, stop: int, step: int) -> None:
    with readers.open_samples(scan) as samples:
        rows = slice(start, stop, step)
        np.testing.assert_array_equal(samples.read(rows), patterns(N)[rows])


def test_source_keeps_the_protocol(scan: Path) -> None:
    with readers.open_samples(scan) as samples:
        assert isinstance(samples, SampleSource)
        assert (len(samples), samples.sample_shape, samples.dtype) == (N, (1, 8, 8), np.uint8)
        assert samples.grid is None
        assert samples.block_rows >= 1
        assert samples.sample_ids[5] == "5"


def test_threads_may_read_at_once(scan: Path) -> None:
    images = patterns(N)
    with readers.open_samples(scan) as samples, ThreadPoolExecutor(8) as pool:
        asked = [np.random.default_rng(seed).integers(0, N, 40) for seed in range(40)]
        for rows, got in zip(asked, pool.map(samples.read, asked), strict=True):
            np.testing.assert_array_equal(got, images[rows])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float16", "float32", ">u2", ">f8"])
@pytest.mark.parametrize("channel", [True, False])
def test_both_layouts_and_every_number_type(tmp_path: Path, dtype: str, channel: bool) -> None:
    images = patterns(30, dtype=dtype)
    path = write_kikuchi(tmp_path / "scan.h5", images=images if channel else images[:, 0])
    with readers.open_samples(path) as samples:
        got = samples.read(np.array([7, 3, 7]))
        assert samples.sample_shape == (1, 8, 8)
        assert got.dtype == samples.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_array_equal(got, images[[7, 3, 7]])


def test_any_row_order_offset_and_gaps(tmp_path: Path) -> None:
    coords = full_grid(7, 5, x0=350, y0=-20, step=2)
    rng = np.random.default_rng(1)
    order = rng.permutation(35)[:28]
    values = np.arange(35, dtype=np.uint8)
    images = np.repeat(values[order], 4).reshape(-1, 1, 2, 2)
    path = write_kikuchi(tmp_path / "scan.h5", coords[order], images)
    with readers.open_samples(path) as samples:
        grid = samples.grid
        assert grid is not None
        assert grid.shape == (5, 7)
        assert grid.step == (2.0, 2.0)
        field = grid.to_map(samples.read(slice(None))[:, 0, 0, 0])
    expected = np.full(35, np.nan)
    expected[order] = order
    np.testing.assert_array_equal(field, expected.reshape(5, 7))


@pytest.mark.parametrize(
    ("chunk", "rows"), [(None, 582), (1, 582), (64, 576), (700, 700), (5000, 1000)]
)
def test_blocks_are_whole_chunks_of_about_two_mebibytes(
    tmp_path: Path, chunk: int | None, rows: int
) -> None:
    images = np.zeros((1000, 1, 60, 60), np.uint8)
    write_kikuchi(tmp_path / "scan.h5", full_grid(50, 20), images, chunk_rows=chunk)
    with readers.open_samples(tmp_path / "scan.h5") as samples:
        assert samples.block_rows == rows


def test_chunk_cache_holds_two_chunks(tmp_path: Path) -> None:
    """A chunk larger than HDF5's default cache would be unpacked again for every row."""
    images = np.zeros((64, 1, 400, 500), np.uint8)
    write_kikuchi(tmp_path / "scan.h5", full_grid(8, 8), images, chunk_rows=32, compression="gzip")
    with readers.open_samples(tmp_path / "scan.h5") as samples:
        dataset = samples._rows._dataset
        assert dataset.id.get_access_plist().get_chunk_cache()[1] >= 2 * 32 * 400 * 500


def test_rows_outside_are_named(scan: Path) -> None:
    with readers.open_samples(scan) as samples:
        with pytest.raises(RequestError, match=r"Row 200 was asked for, but .* 0 to 199"):
            samples.read(np.array([3, N]))
        with pytest.raises(RequestError, match="Row -1"):
            samples.read(np.array([-1]))


def test_open_ref_opens_the_same(scan: Path) -> None:
    with readers.open_samples(scan) as first, readers.open_ref(first.ref) as second:
        assert first.fingerprint() == second.fingerprint()
        np.testing.assert_array_equal(first.read(slice(3)), second.read(slice(3)))


def _write(path: Path, **datasets: NDArray[np.generic]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


IMAGES = patterns(4)


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"coords": full_grid(2, 2)}, "'images' is missing in 'scan.h5'.*keys are: 'coords'"),
        ({"images": IMAGES, "coords": full_grid(3, 1)}, r"shape \(3, 2\), but its 4 images need"),
        ({"images": IMAGES, "coords": np.arange(4)}, r"shape \(4,\), but its 4 images"),
        ({"images": IMAGES, "coords": np.zeros((4, 2), int)}, "3 points share their coordinates"),
        ({"images": IMAGES[0, 0]}, r"shape \(8, 8\); images need"),
        ({"images": IMAGES[None]}, "images need"),
        ({"images": IMAGES[:0]}, "is empty"),
        ({"images": IMAGES.astype("S3")}, "plain numbers are needed"),
        ({"images": IMAGES.astype(complex)}, "plain numbers are needed"),
        ({"images": IMAGES, "coords": np.full((4, 2), np.nan)}, "no finite coordinates"),
        (
            {"images": patterns(40), "coords": np.random.default_rng(0).random((40, 2))},
            "'scan.h5' make no scan grid. .* no regular grid",
        ),
    ],
)
def test_faults_are_reported(tmp_path: Path, datasets: dict[str, object], message: str) -> None:
    path = _write(tmp_path / "scan.h5", **datasets)  # type: ignore[arg-type]
    with pytest.raises(MalformedFileError, match=message):
        readers.open_samples(path, "kikuchi-hdf5")


def test_unknown_filter_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((2, 1, 8, 8))
        properties.set_filter(32_001, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((4, 1, 8, 8))
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, properties)
    with pytest.raises(MalformedFileError, match=r"filter 32001 .* not installed .* h5repack"):
        readers.open_samples(tmp_path / "scan.h5")


@pytest.mark.parametrize(
    ("rows", "reported"),
    [
        (np.arange(30) % 2 == 0, "Turn a mask into numbers"),
        (np.array([1.5]), r"these are float64 of shape \(1,\)"),
        (np.array([[1, 2]]), r"of shape \(1, 2\)"),
        (3, r"of shape \(\)"),
        (np.array([2**63], np.uint64), "Row 9223372036854775808 was asked for"),
    ],
)
def test_rows_that_are_no_list_of_numbers_are_refused(
    tmp_path: Path, rows: object, reported: str
) -> None:
    path = write_kikuchi(tmp_path / "scan.h5", images=patterns(30))
    with readers.open_samples(path) as samples, pytest.raises(RequestError, match=reported):
        samples.read(rows)


def test_a_closed_file_is_reported(tmp_path: Path) -> None:
    path = write_kikuchi(tmp_path / "scan.h5", images=patterns(30))
    with readers.open_samples(path) as samples:
        assert samples.read([]).shape == (0, 1, 8, 8)
    with pytest.raises(RequestError, match=r"'scan\.h5' was closed"):
        samples.read(slice(0, 2))
