"""HyperSpy's files: axes, kinds of signals, stores of both zarr versions, and hostile ones."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from latentcore.containers import notes_of
from latentcore.errors import InputError, MalformedFileError, RequestError, UnsafeFileError
from latentcore.hdf5 import attribute_value
from latentcore.readers import choices_in, open_maps, open_samples, recognize_all
from latentcore.workflows import execute
from latentcore.workflows.inspect import InspectRequest
from tests.factories.hyperspy import HyperSignal, axis, write_hspy, write_zspy, zip_folder
from tests.factories.media import write_picture

SCAN: NDArray[np.uint16] = np.arange(5 * 7 * 3 * 4, dtype=np.uint16).reshape(5, 7, 3, 4)


def write(path: Path, signals: dict[str, HyperSignal]) -> Path:
    if path.suffix == ".hspy":
        write_hspy(path, signals)
    else:
        write_zspy(path, signals)
    return path


def read(path: Path, reader: str | None = None) -> NDArray[np.generic]:
    with open_samples(path, reader) as samples:
        return samples.read(slice(None))


@pytest.fixture(params=["scan.hspy", "scan.zspy"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_real_file(shared_data: Path) -> None:
    path = shared_data / "ebsd_patterns" / "example2_v2.2.hspy"
    with h5py.File(path) as file:
        written = file["Experiments/test_diffraction_pattern/data"][()]
    with open_samples(path) as samples:
        assert samples.grid is None
        assert samples.sample_shape == (1, 10, 10)
        np.testing.assert_array_equal(samples.read(slice(None)), written[None, None])
    assert recognize_all(path) == {"samples": "hspy"}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (3, 1, 2, 0)])
def test_axes_lie_in_any_order(order: tuple[int, ...], path: Path) -> None:
    axes = [
        axis(5, navigate=True, name="y", scale=0.5, offset=10.0, units="um"),
        axis(7, navigate=True, name="x", scale=0.25, units="um"),
        axis(3, navigate=False), axis(4, navigate=False),
    ]  # fmt: skip
    data = np.ascontiguousarray(SCAN.transpose(order))
    chunks = tuple(min(2, size) for size in data.shape)
    write(path, {"s": HyperSignal(data, axes=[axes[one] for one in order], chunks=chunks)})
    # The dimension that comes first in the file is the slowest, as in HyperSpy.
    slow, fast = sorted((0, 1), key=order.index)
    high, wide = sorted((2, 3), key=order.index)
    wanted = SCAN.transpose(slow, fast, high, wide).reshape(35, 1, *SCAN.shape[high : high + 1], -1)
    with open_samples(path) as samples:
        np.testing.assert_array_equal(samples.read(slice(None)), wanted)
        some = np.array([34, 0, 11, 12, 0])
        np.testing.assert_array_equal(samples.read(some), wanted[some])
        np.testing.assert_array_equal(samples.read(slice(3, 29)), wanted[3:29])
        grid = samples.grid
    assert grid is not None
    vertical, horizontal = axes[slow], axes[fast]
    assert grid.shape == (vertical["size"], horizontal["size"])
    assert grid.step == (horizontal["scale"], vertical["scale"])
    assert grid.unit == "µm"
    assert {axes[1]["name"]: grid.x, axes[0]["name"]: grid.y}.keys() == {"x", "y"}
    assert grid.y.min() == vertical["offset"]


@pytest.mark.parametrize(("navigation", "shape"), [(0, None), (1, (1, 6)), (2, (2, 3))])
def test_navigation_axes_make_the_grid(
    navigation: int, shape: tuple[int, int] | None, path: Path
) -> None:
    sizes = (6,) if navigation == 1 else (2, 3)[:navigation]
    data = np.arange(np.prod(sizes, dtype=int) * 12, dtype=np.float32).reshape(*sizes, 3, 4)
    write(path, {"s": HyperSignal(data, navigation)})
    with open_samples(path) as samples:
        assert (samples.grid and samples.grid.shape) == shape
        np.testing.assert_array_equal(samples.read(slice(None)), data.reshape(-1, 1, 3, 4))


def test_negative_scale_runs_backwards(path: Path) -> None:
    axes = [
        axis(5, navigate=True, scale=-0.5, offset=2.0), axis(7, navigate=True),
        axis(3, navigate=False), axis(4, navigate=False),
    ]  # fmt: skip
    write(path, {"s": HyperSignal(SCAN, axes=axes)})
    with open_samples(path) as samples:
        grid = samples.grid
    assert grid is not None
    np.testing.assert_allclose(grid.y.reshape(5, 7)[:, 0], [2.0, 1.5, 1.0, 0.5, 0.0])
    # The topmost row is that of the smallest y.
    assert grid.row.reshape(5, 7)[:, 0].tolist() == [4, 3, 2, 1, 0]
    assert grid.origin == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"scale": float("nan")}, "counted from 0"),
        ({"scale": 0.0}, "counted from 0"),
        ({"scale": 1e-30, "offset": 1e10}, "counted from 0"),
        ({"units": "nm"}, "different units"),
        ({"_type": "FunctionalDataAxis"}, "not uniform"),
        ({"size": 10**18}, "tells 1000000000000000000 points"),
        ({"size": "many"}, "tells 'many' points"),
    ],
)
def test_axis_that_tells_nonsense_is_reported(
    change: dict[str, object], note: str, path: Path
) -> None:
    axes = [
        axis(5, navigate=True, name="*y*"), axis(7, navigate=True, **change),
        axis(3, navigate=False), axis(4, navigate=False),
    ]  # fmt: skip
    write(path, {"s": HyperSignal(SCAN, axes=axes)})
    with open_samples(path) as samples:
        assert samples.grid is not None
        assert samples.grid.shape == (5, 7)
        assert note in " ".join(notes_of(samples))
        np.testing.assert_array_equal(samples.read(slice(None)), SCAN.reshape(35, 1, 3, 4))


def test_old_file_tells_by_record_by(tmp_path: Path) -> None:
    path = tmp_path / "old.hspy"
    axes = [{"name": "x", "scale": 1.0, "offset": 0.0, "size": size} for size in SCAN.shape]
    write_hspy(path, {"s": HyperSignal(SCAN, axes=axes, about={"record_by": "image"})}, "1.2")
    with open_samples(path) as samples:
        assert samples.grid is not None
        assert samples.grid.shape == (5, 7)


def test_signals_of_one_file_are_all_offered(path: Path) -> None:
    mean = SCAN.mean(axis=(2, 3)).astype(np.float32)
    about = {"quantity": "Intensity (counts)"}
    write(
        path,
        {
            "first": HyperSignal(SCAN),
            "image of it": HyperSignal(mean, about=about),
            "second": HyperSignal(SCAN[:, :, ::-1] + 1, navigation=2),
            "virtual": HyperSignal(
                np.stack([mean, 2 * mean]),
                axes=[axis(2, navigate=True), axis(5, navigate=False), axis(7, navigate=False)],
                about={"signal_type": "virtual_dark_field"},
            ),
            "spectra": HyperSignal(SCAN[:, :, 0]),
        },
    )
    name = path.suffix[1:]
    assert recognize_all(path) == {"samples": name, "maps": f"{name}-maps"}
    with open_samples(path) as samples:
        (note, *_) = notes_of(samples)
    assert "5 signals" in note
    assert "1. 'first' (7, 5|4, 3)" in note
    np.testing.assert_array_equal(
        read(path, f"{name}:signal=second")[:, 0], read(path, f"{name}:signal=3")[:, 0]
    )
    np.testing.assert_array_equal(read(path, f"{name}:signal=3"), read(path)[:, :, ::-1] + 1)
    maps = open_maps(path)
    assert (maps.names, maps.units) == (("image of it",), ("counts",))
    np.testing.assert_array_equal(maps.grid.to_map(maps.values[0]), mean)
    virtual = open_maps(path, f"{name}-maps:signal=virtual")
    assert virtual.names == ("virtual 1", "virtual 2")
    np.testing.assert_array_equal(virtual.grid.to_map(virtual.values[1]), 2 * mean)
    assert choices_in(path) == {"signal": ("first", "second")}
    beside = execute("inspect", InspectRequest(str(path), reader=f"{name}:signal=second"))
    assert beside["maps"] == ["image of it"]
    with pytest.raises(RequestError, match=r"There are: 1\. 'first'"):
        read(path, f"{name}:signal=third")
    with pytest.raises(MalformedFileError, match=r"'spectra'.* lacks two signal axes"):
        read(path, f"{name}:signal=spectra")


def test_signal_within_the_metadata_is_offered(tmp_path: Path) -> None:
    path = tmp_path / "scan.hspy"
    write_hspy(path, {"s": HyperSignal(SCAN)})
    inner = tmp_path / "inner.hspy"
    write_hspy(inner, {"n": HyperSignal(SCAN[..., 0, 0].astype(np.float32))})
    with h5py.File(path, "a") as file, h5py.File(inner) as other:
        other.copy("Experiments/n", file["Experiments/s/metadata"], name="_HyperSpy/_sig_navigator")
    maps = open_maps(path)
    assert maps.names == ("navigator",)
    np.testing.assert_array_equal(maps.values[0], SCAN[..., 0, 0].ravel())


def test_names_from_a_file_are_cut_and_made_visible(path: Path) -> None:
    hostile = "\x07**b** \u202e" + "A" * 200
    mean = np.zeros((5, 7), np.float32)
    axes = [axis(5, navigate=True, units="\x07" * 99), axis(7, navigate=True)]
    signals = {hostile: HyperSignal(mean, about={"quantity": f"x ({hostile})"}),
               "b": HyperSignal(mean, axes=axes)}  # fmt: skip
    maps = open_maps(write(path, signals))
    told = [*maps.names, *maps.units, maps.grid.unit, *maps.notes]
    assert all(one.isprintable() and len(one) < 600 for one in told)


def test_attribute_of_sequences_is_left_unread(tmp_path: Path) -> None:
    """HDF5 ended the process at such an attribute whose type had a flipped bit."""
    path = write(tmp_path / "s.hspy", {"s": HyperSignal(SCAN)})
    with h5py.File(path, "a") as file:
        attributes = file["Experiments/s/axis-0"].attrs
        del attributes["units"]
        sequences = h5py.vlen_dtype(np.dtype(np.int64))
        whole = np.empty((), object)
        whole[()] = np.array([1, 2, 3])
        attributes.create("units", whole, dtype=sequences)
        assert attribute_value(file["Experiments/s/axis-0"], "units") is None
        assert attribute_value(file["Experiments/s/axis-0"], "size") == 5
    with open_samples(path) as samples:
        assert "different units" in " ".join(notes_of(samples))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_colors_are_channels(kind: type[np.uint8], path: Path) -> None:
    planes = np.arange(5 * 7 * 3 * 4 * 3).reshape(5, 7, 3, 4, 3).astype(kind)
    colors = np.ascontiguousarray(planes).view([(name, kind) for name in "RGB"])[..., 0]
    write(path, {"s": HyperSignal(colors, chunks=(2, 7, 3, 4))})
    values = read(path)
    assert values.dtype == kind
    np.testing.assert_array_equal(values, np.moveaxis(planes.reshape(35, 3, 4, 3), -1, 1))


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (HyperSignal(SCAN.astype(np.complex64)), "complex numbers.*s.amplitude"),
        (HyperSignal(SCAN.astype("S3")), "values"),
        (HyperSignal(SCAN[:, :, 0]), r"'s' \(7, 5\|4\)"),
        (HyperSignal(SCAN[None], navigation=3), "more than two navigation"),
        (HyperSignal(SCAN[:0]), "empty"),
    ],
)
def test_signal_that_holds_no_patterns_is_refused(
    signal: HyperSignal, says: str, tmp_path: Path
) -> None:
    write_hspy(tmp_path / "s.hspy", {"s": signal})
    with pytest.raises(MalformedFileError, match=says):
        read(tmp_path / "s.hspy")


def test_ragged_signal_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "s.hspy", {"s": HyperSignal(SCAN)})
    with h5py.File(path, "a") as file:
        del file["Experiments/s/data"]
        ragged = h5py.vlen_dtype(np.dtype(np.float64))
        file.create_dataset("Experiments/s/data", SCAN.shape, ragged)
    with pytest.raises(MalformedFileError, match="ragged"):
        read(path)
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    change_array(store, dtype="|O", filters=[{"id": "vlen-array", "dtype": "<f8"}])
    with pytest.raises(MalformedFileError, match="ragged"):
        read(store)


def codecs() -> dict[str, dict[str, Any]]:
    """What zarr is asked to write with, by a name for the test."""
    import numcodecs
    from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

    two = {
        "none": None, "zlib": numcodecs.Zlib(), "gzip": numcodecs.GZip(), "lz4": numcodecs.LZ4(),
        "zstd": numcodecs.Zstd(), **{
            f"blosc-{name}": numcodecs.Blosc(name, shuffle=numcodecs.Blosc.BITSHUFFLE)
            for name in ("lz4", "zstd", "zlib", "blosclz")
        },
    }  # fmt: skip
    three = {"none": None, "gzip": GzipCodec(), "zstd": ZstdCodec(), "blosc": BloscCodec()}
    return {
        **{f"2-{name}": {"version": 2, "compressors": one} for name, one in two.items()},
        **{f"3-{name}": {"version": 3, "compressors": one} for name, one in three.items()},
        "2-order": {"version": 2, "order": "F"},
        "2-dots": {"version": 2, "chunk_key_encoding": {"name": "v2", "separator": "."}},
        "3-v2": {"version": 3, "chunk_key_encoding": {"name": "v2", "separator": "."}},
        "3-endian": {"version": 3, "big": True},
    }


def test_what_zarr_writes_is_read(tmp_path: Path) -> None:
    """Zarr writes them, with chunks that don't divide the shape."""
    import zarr
    from zarr.codecs import BytesCodec

    for name, how in codecs().items():
        if how.pop("big", False):
            how["serializer"] = BytesCodec(endian="big")
        path = tmp_path / f"{name}.zspy"
        version = how.pop("version")
        write_zspy(path, {"s": HyperSignal(SCAN)}, version)
        data = path / "Experiments" / "s" / "data"
        shutil.rmtree(data)
        zarr.create_array(str(data), data=SCAN, chunks=(2, 3, 2, 3), zarr_format=version, **how)
        np.testing.assert_array_equal(read(path), SCAN.reshape(35, 1, 3, 4), name)


@pytest.mark.parametrize("top", ["", "scan.zspy/"])
def test_zip_of_a_store_is_the_store(top: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "scan.zspy", {"s": HyperSignal(SCAN, chunks=(2, 3, 3, 4))})
    zip_folder(folder, tmp_path / "packed.zip", top)
    assert recognize_all(tmp_path / "packed.zip") == {"samples": "zspy"}
    np.testing.assert_array_equal(read(tmp_path / "packed.zip"), read(folder))


def test_folder_of_pictures_is_no_store_whatever_its_folders_are_called(tmp_path: Path) -> None:
    (tmp_path / "Experiments").mkdir()
    write_picture(tmp_path / "Experiments" / "0.png", np.zeros((4, 4, 3), np.uint8))
    assert recognize_all(tmp_path) == {"samples": "image-folder"}


def test_missing_chunk_is_the_fill_value_and_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN, chunks=(1, 7, 3, 4))})
    change_array(path, fill_value=9)
    (path / "Experiments/s/data/3/0/0/0").unlink()
    with open_samples(path) as samples:
        values = samples.read(slice(None)).reshape(SCAN.shape)
        assert "One chunk of" in " ".join(notes_of(samples))
    assert (values[3] == 9).all()
    np.testing.assert_array_equal(values[4], SCAN[4])


def test_fingerprint_of_a_folder_follows_every_chunk(tmp_path: Path) -> None:
    path = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN, chunks=(1, 7, 3, 4))})
    with open_samples(path) as samples:
        before = samples.fingerprint()
    chunk = path / "Experiments/s/data/4/0/0/0"
    chunk.write_bytes((path / "Experiments/s/data/3/0/0/0").read_bytes())
    with open_samples(path) as samples:
        assert samples.fingerprint() != before


def change_array(store: Path, **changes: object) -> None:
    metadata = store / "Experiments/s/data/.zarray"
    metadata.write_text(json.dumps({**json.loads(metadata.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"filters": [{"id": "pickle"}]}, "packed by 'pickle'"),
        ({"compressor": {"id": "msgpack2"}}, "packed by 'msgpack2'"),
        ({"compressor": ["blosc"]}, "packed by"),
        ({"filters": {"id": "x"}}, "packed by"),
        ({"shape": [10**18, 1, 3, 4]}, "no real scan is that large"),
        ({"shape": [1 << 38, 1, 1, 1], "chunks": [1, 1, 1, 1]}, "but stores"),
        ({"chunks": [10**18, 1, 3, 4]}, "no real scan is that large"),
        ({"chunks": [0, 7, 3, 4]}, "chunks ="),
        ({"chunks": [7, 3, 4]}, "chunks ="),
        ({"shape": [5, 7, -3, 4]}, "shape ="),
        ({"shape": [5, 7, True, 4]}, "shape ="),
        ({"shape": [1] * 99}, "shape ="),
        ({"shape": "5"}, "shape ="),
        ({"shape": [5, 7, 1 << 14, 1 << 14], "chunks": [1, 1, 1, 1]}, "too large"),
        ({"dtype": "<u2,<u2"}, "records"),
        ({"dtype": "import os"}, "dtype ="),
        ({"dtype": [["R", "|u1", [10**9]]]}, "dtype ="),
        ({"fill_value": "x"}, "fill_value ="),
        ({"fill_value": 10**30}, "fill_value ="),
        ({"dimension_separator": "/../"}, "dimension_separator ="),
        ({"dtype": "|u1"}, "in place of"),
        ({"compressor": {"id": "zlib"}}, "can't be unpacked"),
        ({"compressor": None}, "in place of"),
    ],
)
def test_hostile_array_is_refused(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    change_array(store, **changes)
    with pytest.raises(InputError, match=says) as refused:
        read(store)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("codec", ["zlib", "gzip", "blosc", "zstd", "lz4"])
def test_bomb_unpacks_no_further_than_its_metadata_promise(codec: str, tmp_path: Path) -> None:
    import numcodecs

    bomb = numcodecs.get_codec({"id": codec}).encode(bytes(64 << 20))
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    change_array(store, compressor={"id": codec})
    (store / "Experiments/s/data/0/0/0/0").write_bytes(bomb[: 1 << 16])
    with pytest.raises(InputError, match=r"can't be unpacked|longer than"):
        read(store)


def test_links_and_paths_out_of_a_store_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(SCAN.nbytes))
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    change_array(store, compressor=None)
    chunk = store / "Experiments/s/data/0/0/0/0"
    chunk.unlink()
    chunk.symlink_to(secret)
    with pytest.raises(UnsafeFileError, match="link to another place"):
        read(store)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as packed:
        packed.writestr(".zgroup", '{"zarr_format": 2}')
        packed.writestr("Experiments/../../s/data/.zarray", "{}")
        packed.writestr("Experiments/x/.zgroup", "{}")
    with pytest.raises(UnsafeFileError, match="leads out of it"):
        read(tmp_path / "out.zip", "zspy")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"nan", b"\xff\xfe[", b"[" * 100_000, b'{"shape": ' + b"7" * 9_000 + b"}"],
)
def test_metadata_that_is_no_json_object_is_refused(content: bytes, tmp_path: Path) -> None:
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    (store / "Experiments/s/data/.zarray").write_bytes(content)
    with pytest.raises(InputError, match=r"Copy the store again|can't be read here"):
        read(store)


def test_zip_entry_that_claims_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    change_array(folder, compressor={"id": "zlib"})
    (folder / "Experiments/s/data/0/0/0/0").write_bytes(zlib.compress(bytes(1 << 26)))
    zip_folder(folder, tmp_path / "s.zip")
    with pytest.raises(InputError):
        read(tmp_path / "s.zip")


def test_one_file_of_a_store_says_what_to_do(tmp_path: Path) -> None:
    store = write(tmp_path / "s.zspy", {"s": HyperSignal(SCAN)})
    with pytest.raises(MalformedFileError, match="pack it into a zip"):
        open_samples(store / ".zgroup")
