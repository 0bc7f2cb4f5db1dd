from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore import readers
from latentcore.errors import InputError, MalformedFileError, RequestError
from tests.factories.nenya import cutouts, write_cutouts


def test_partitions_follow_each_other(tmp_path: Path) -> None:
    train, valid = cutouts(7), cutouts(4, seed=1)
    path = write_cutouts(tmp_path / "pp.h5", train=train, valid=valid[:, 0])
    with readers.open_samples(path) as source:
        assert source.sample_shape == (1, 16, 16)
        assert source.dtype == np.float32
        assert source.grid is None
        assert source.partition is not None
        assert source.partition.tolist() == ["train"] * 7 + ["valid"] * 4
        assert source.sample_ids[[0, 6, 7, 10]].tolist() == [
            "train/0", "train/6", "valid/0", "valid/3"
        ]  # fmt: skip
        np.testing.assert_array_equal(source.read(slice(None)), np.concatenate([train, valid]))


@given(
    rows=st.lists(st.integers(0, 10), max_size=30),
    bounds=st.tuples(st.integers(-12, 12), st.integers(-12, 12), st.sampled_from([1, 2, 3, -1])),
)
@settings(max_examples=60, deadline=None)
def test_rows_come_in_any_order_as_plain_numpy_gives_them(tmp_path_factory, rows, bounds) -> None:
    both = np.concatenate([cutouts(7, 4), cutouts(4, 4, seed=1)])
    path = tmp_path_factory.getbasetemp() / "any_order.h5"
    if not path.exists():
        write_cutouts(path, train=both[:7], valid=both[7:])
    with readers.open_samples(path) as source:
        np.testing.assert_array_equal(source.read(np.array(rows, np.int64)), both[rows])
        np.testing.assert_array_equal(source.read(slice(*bounds)), both[slice(*bounds)])


@pytest.mark.parametrize("name", ["train", "valid"])
@pytest.mark.parametrize("channels", [1, 3])
def test_either_partition_may_be_absent(tmp_path: Path, name: str, channels: int) -> None:
    images = np.repeat(cutouts(5), channels, axis=1)
    with readers.open_samples(write_cutouts(tmp_path / "pp.h5", **{name: images})) as source:
        assert source.sample_shape == (channels, 16, 16)
        assert source.partition is not None
        assert set(source.partition.tolist()) == {name}
        np.testing.assert_array_equal(source.read(np.array([4, 0])), images[[4, 0]])


def test_labels_are_those_of_their_partition(tmp_path: Path) -> None:
    path = write_cutouts(
        tmp_path / "pp.h5", train=cutouts(3), valid=cutouts(2), valid_labels=np.array([8, 9])
    )
    with readers.open_samples(path) as source:
        assert source.labels is not None
        assert source.labels.dtype == np.int32
        assert source.labels.tolist() == [-1, -1, -1, 8, 9]
    with readers.open_samples(write_cutouts(tmp_path / "no.h5", train=cutouts(3))) as source:
        assert source.labels is None


def test_other_partitions_are_read_where_named(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path / "pp.h5", test=cutouts(3), train=cutouts(2))
    with readers.open_samples(path, partitions="test,train") as source:
        assert source.partition is not None
        assert source.partition.tolist() == ["test"] * 3 + ["train"] * 2
        again = readers.open_ref(source.ref)
    with again:
        assert len(again) == 5


def test_latents_under_the_same_names_are_no_samples(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path / "pp.h5", train=np.ones((4, 3), np.float32))
    assert readers.recognize(path) == ("latents", "nenya-latents")
    with pytest.raises(InputError):
        readers.open_samples(path)
    cut = write_cutouts(tmp_path / "images.h5", train=cutouts(3))
    assert readers.recognize(cut) == ("samples", "nenya-hdf5")
    with pytest.raises(InputError):
        readers.open_latents(cut)


def test_notes_say_of_means_metadata_and_attributes(tmp_path: Path) -> None:
    images = cutouts(5)
    path = write_cutouts(tmp_path / "pp.h5", metadata=True, train=images)
    with readers.open_samples(path) as source:
        means, metadata, says = source.notes
    low, high = images.mean(axis=(1, 2, 3)).min(), images.mean(axis=(1, 2, 3)).max()
    assert f"not demeaned: the means of 5 run from {low:.4g} to {high:.4g}" in means
    assert "train_metadata" in metadata
    assert "total_samples = 12" in says
    assert "sensor = VIIRS" in says
    demeaned = images - images.mean(axis=(2, 3), keepdims=True)
    with readers.open_samples(write_cutouts(tmp_path / "d.h5", train=demeaned)) as source:
        assert "look demeaned" in source.notes[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"train": cutouts(3), "valid": cutouts(3, 8)}, "different shapes"),
        ({"train": cutouts(3), "train_labels": np.arange(4)}, "has shape (4,), but 'train' holds"),
        ({"train": cutouts(3), "train_labels": np.ones(3)}, "'train_labels'"),
        ({"train": np.zeros((0, 4, 4))}, "is empty"),
    ],
)
def test_what_does_not_fit_is_reported(tmp_path: Path, content: dict, says: str) -> None:
    with pytest.raises(MalformedFileError) as error:
        readers.open_samples(write_cutouts(tmp_path / "pp.h5", **content))
    assert says in str(error.value)


def test_rows_that_do_not_exist_are_reported(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path / "pp.h5", train=cutouts(3), valid=cutouts(2))
    source = readers.open_samples(path)
    with pytest.raises(RequestError, match=r"has rows 0 to 4"):
        source.read(np.array([5]))
    source.close()
    with pytest.raises(RequestError, match="was closed"):
        source.read(slice(0, 1))


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_damaged_copies_end_in_one_clear_error(tmp_path: Path, at: float) -> None:
    path = tmp_path / "pp.h5"
    with h5py.File(path, "w") as file:
        for name in ("train", "valid"):
            file.create_dataset(name, data=cutouts(64), chunks=(8, 1, 16, 16), compression="gzip")
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: int(at * len(content))])
    with pytest.raises(InputError):
        readers.open_samples(path).read(slice(None))
    for byte in range(int(at * len(content)), int(at * len(content)) + 400):
        content[byte] ^= 0xFF
    path.write_bytes(content)
    try:
        with readers.open_samples(path) as source:
            assert source.read(slice(None)).shape == (128, 1, 16, 16)
    except InputError as error:
        assert "pp.h5" in str(error)
