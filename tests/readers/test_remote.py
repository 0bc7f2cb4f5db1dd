from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore.errors import MalformedFileError, StorageError, UnknownFormatError, UnsafeFileError
from latentcore.hdf5 import open_checked_stream
from latentcore.readers import remote
from latentcore.readers.remote import look_inside
from latentcore.storage import S3Location
from latentcore.storage.objects import ObjectVersion
from tests.factories.kikuchi import patterns, write_kikuchi
from tests.storage.conftest import BUCKET, configure, server  # noqa: F401 - fixtures
from tests.storage.server import Server

MB = 1 << 20

pytestmark = pytest.mark.usefixtures("configure")


@pytest.fixture
def put(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    running: Server = request.getfixturevalue("server")

    def put_(path: Path) -> str:
        running.client.upload_file(str(path), BUCKET, path.name)
        return f"s3://{BUCKET}/{path.name}"

    return put_


def test_a_look_says_keys_shapes_types_attributes_and_its_cost(put, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    images = np.random.default_rng(0).integers(0, 255, (3000, 1, 60, 60)).astype(np.uint8)
    write_kikuchi(path, np.column_stack([np.arange(3000), np.zeros(3000, int)]), images)
    with h5py.File(path, "a") as file:
        file.attrs["owner"] = "A. Müller"
        file["images"].attrs["pixel size"] = np.float32(0.5)
        file["images"].attrs["long"] = np.arange(1000)
        file["images"].attrs["note"] = b"raw"
        file.create_group("EBSD/Header")["Manufacturer"] = "somebody"
    look = look_inside(put(path))
    found = {entry.key: entry for entry in look.objects}
    with h5py.File(path) as file:
        assert set(found) == {"/", *_keys(file)}
        assert found["images"].shape == file["images"].shape
        assert found["images"].dtype == "uint8"
    assert found["EBSD/Header"].shape is None
    assert found["/"].attributes["owner"] == "A. Müller"
    assert found["images"].attributes == {
        "pixel size": "0.5",
        "long": "int64 (1000,)",
        "note": "raw",
    }
    assert look.left_out == 0
    assert look.size == path.stat().st_size
    assert 0 < look.bytes_read < 0.5 * look.size
    assert look.requests >= 2
    assert look.samples_key == "images"
    np.testing.assert_array_equal(look.samples, images[:12])


def _keys(file: h5py.File) -> list[str]:
    keys: list[str] = []
    file.visit(keys.append)
    return keys


@pytest.mark.parametrize(
    ("name", "stored", "shown"),
    [
        ("train", (20, 3, 8, 9), (12, 3, 8, 9)),
        ("Processed Patterns", (5, 8, 9), (5, 1, 8, 9)),
        ("Pattern", (6, 15, 8, 9), (12, 1, 8, 9)),
    ],
)
def test_samples_of_each_layout(put, tmp_path: Path, name, stored, shown) -> None:
    path = tmp_path / "layout.h5"
    values = np.random.default_rng(1).random(stored, np.float32)
    with h5py.File(path, "w") as file:
        file["a/deep/place/" + name] = values
        file["orientations"] = np.zeros((300, 20, 3))
    look = look_inside(put(path))
    assert look.samples is not None
    assert look.samples.shape == shown
    flat = values[0] if name == "Pattern" else values
    np.testing.assert_array_equal(look.samples, flat[:12].reshape(shown))


def test_no_samples_are_shown_where_there_are_none_or_they_cost_much(put, tmp_path: Path) -> None:
    table, packed = tmp_path / "table.h5", tmp_path / "packed.h5"
    with h5py.File(table, "w") as file:
        file["latents"] = np.zeros((100, 8), np.float32)
    with h5py.File(packed, "w") as file:
        # One chunk of 80 MB unpacked, a few kB stored.
        file.create_dataset(
            "images", (20_000, 64, 64), "uint8", chunks=(20_000, 64, 64), compression="gzip"
        )[:1] = 1
    look = look_inside(put(table))
    assert look.samples is None
    assert "looks like patterns" in look.note
    look = look_inside(put(packed))
    assert look.samples is None
    assert "not cheap" in look.note
    assert [entry.key for entry in look.objects] == ["/", "images"]


def test_samples_that_must_be_fetched_in_large_chunks_are_left(put, tmp_path: Path) -> None:
    path = tmp_path / "chunky.h5"
    noise = np.random.default_rng(2).integers(0, 255, (3200, 64, 64)).astype(np.uint8)
    write_kikuchi(path, np.zeros((3200, 2), int), noise, chunk_rows=3200, compression="gzip")
    look = look_inside(put(path))
    assert look.samples is None
    assert "not cheap" in look.note
    assert look.bytes_read <= 12 * MB < look.size


def test_a_look_has_a_bound(put, tmp_path: Path) -> None:
    path = tmp_path / "scattered.h5"
    with h5py.File(path, "w") as file:
        for number in range(5):
            file.create_group(f"group {number}")["values"] = np.zeros(300_000)
    with pytest.raises(StorageError, match=r"would fetch more than 2 MiB.*Open it"):
        look_inside(put(path), most_bytes=2 * MB)
    assert len(look_inside(put(path)).objects) == 11


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.__setitem__("images", h5py.ExternalLink("/etc/passwd", "/x")),
        lambda file: file.create_dataset("images", (5,), "uint8", external=[("/etc/passwd", 0, 5)]),
        lambda file: file.create_virtual_dataset("images", _virtual()),
    ],
    ids=["external link", "external storage", "virtual dataset"],
)
def test_a_file_that_refers_to_others_is_refused(put, tmp_path: Path, make) -> None:
    path = tmp_path / "sly.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(UnsafeFileError, match=r"'sly.h5' is refused: '/images'"):
        look_inside(put(path))


def _virtual() -> h5py.VirtualLayout:
    layout = h5py.VirtualLayout((5,), "uint8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (5,))
    return layout


def test_what_is_no_whole_hdf5_is_reported(put, tmp_path: Path) -> None:
    text, short = tmp_path / "text.h5", tmp_path / "short.h5"
    text.write_text("x,y\n" * 1000)
    whole = write_kikuchi(tmp_path / "whole.h5").read_bytes()
    short.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnknownFormatError, match=r"'text.h5' is not an HDF5 file"):
        look_inside(put(text))
    with pytest.raises(MalformedFileError, match=r"'short.h5'"):
        look_inside(put(short))


class _Local(io.BytesIO):
    """Content of this machine in the place of a remote file."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        location = S3Location(BUCKET, "damaged.h5")
        self.version = ObjectVersion(location, etag="x", size=len(content))
        self.bytes_read = self.requests = 0


def test_damaged_files_are_reported_or_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_kikuchi(tmp_path / "whole.h5", chunk_rows=4, compression="gzip")
    with h5py.File(path, "a") as file:
        file["images"].attrs["note"] = "text"
        file["images"].attrs["numbers"] = np.arange(5)
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    refused = looked = 0
    for _ in range(200):
        content = bytearray(whole)
        for at in rng.integers(8, len(whole), 6):
            content[at] = rng.integers(256)
        monkeypatch.setattr(remote, "RemoteFile", lambda _: _Local(bytes(content)))  # noqa: B023
        try:
            looked += bool(look_inside(f"s3://{BUCKET}/damaged.h5").objects)
        except (MalformedFileError, UnknownFormatError, UnsafeFileError):
            refused += 1
    assert refused
    assert looked


def test_a_block_of_another_program_may_stand_first(tmp_path: Path) -> None:
    path = tmp_path / "block.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["images"] = patterns(3)
    with open_checked_stream(io.BytesIO(path.read_bytes()), "block.h5") as file:
        assert list(file) == ["images"]


def test_missing_objects_buckets_and_replaced_ones_are_reported(
    put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError, match="There is no object at"):
        look_inside(f"s3://{BUCKET}/nothing.h5")
    with pytest.raises(StorageError, match="no bucket 'elsewhere'"):
        look_inside("s3://elsewhere/x.h5")
    path = tmp_path / "moving.h5"
    with h5py.File(path, "w") as file:
        for number in range(5):
            file.create_group(f"group {number}")["values"] = np.zeros(300_000)
    location = put(path)
    opened = remote.open_checked_stream

    def replaced_meanwhile(stream, name):
        path.write_bytes(b"new")
        put(path)
        return opened(stream, name)

    monkeypatch.setattr(remote, "open_checked_stream", replaced_meanwhile)
    with pytest.raises(StorageError, match="changed while it was read"):
        look_inside(location)
