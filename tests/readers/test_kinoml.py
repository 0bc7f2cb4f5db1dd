"""Featurized data of kinoml."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentcore import readers
from latentcore.containers import LatentSet
from latentcore.errors import InputError, MalformedFileError, RequestError, UnsafeFileError
from latentcore.readers import _npz
from latentcore.readers._features import pool_segments


def opened(path: Path, **options: object) -> LatentSet:
    return readers.open_latents(path, **options)


def write(path: Path, **arrays: np.ndarray) -> Path:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def features(n: int = 6, d: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)


def test_rows_partitions_and_targets(tmp_path: Path) -> None:
    y = np.linspace(5.0, 9.5, 6)
    path = write(
        tmp_path / "k.npz", X=features(), y=y, idx_train=np.array([4, 0, 2]),
        idx_test=np.array([1, 5]), idx_val=np.array([3]),
    )  # fmt: skip
    latents = opened(path)
    np.testing.assert_array_equal(latents.values, features())
    assert latents.partition.each.tolist() == ["train", "test", "train", "val", "train", "test"]
    assert latents.labels is None
    np.testing.assert_array_equal(latents.targets, y)
    assert readers.recognize(path) == ("latents", "kinoml-npz")


def test_whole_numbers_are_classes_and_rows_without_partition_are_reported(tmp_path: Path) -> None:
    path = write(
        tmp_path / "k.npz", X=features(), y=np.array([[1], [0], [1], [1], [0], [2]]),
        idx_train=np.array([True, True, False, False, False, True]),
    )  # fmt: skip
    latents = opened(path)
    assert latents.labels.tolist() == [1, 0, 1, 1, 0, 2]
    assert latents.targets is None
    assert latents.partition.each.tolist() == ["train", "train", *["unassigned"] * 3, "train"]


def test_several_measured_values_stay_together(tmp_path: Path) -> None:
    y = np.random.default_rng(1).normal(size=(6, 2))
    latents = opened(write(tmp_path / "k.npz", X=features(), y=y))
    np.testing.assert_array_equal(latents.targets, y)
    np.testing.assert_array_equal(latents.take(np.array([3, 1])).targets, y[[3, 1]])
    assert latents.partition is None


def test_higher_axes_become_one(tmp_path: Path) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    latents = opened(write(tmp_path / "k.npz", X=x, y=np.zeros(2)))
    np.testing.assert_array_equal(latents.values, x.reshape(2, 12))


@pytest.mark.parametrize("pooling", ["mean", "max", "sum"])
def test_ragged_samples_are_sorted_by_number_and_pooled(pooling: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = [rng.normal(size=(rng.integers(1, 9), 3)) for _ in range(12)]
    second = [rng.normal(size=5) for _ in range(12)]
    third = [rng.normal(size=rng.integers(1, 9)) for _ in range(12)]
    keys = {
        f"X_s{sample}_a{array}_": part[sample]
        for sample in rng.permutation(12)
        for array, part in enumerate((first, second, third))
    }
    path = write(tmp_path / "k.npz", y=np.arange(12.0), **keys)
    latents = opened(path, pooling=pooling)
    pool = getattr(np, pooling)
    wanted = [
        np.concatenate([pool(a, axis=0), b, [pool(c)]])
        for a, b, c in zip(first, second, third, strict=True)
    ]
    np.testing.assert_allclose(latents.values, wanted, rtol=1e-6)
    assert latents.ref.options == {"pooling": pooling}
    assert latents.provenance.request == {"pooling": pooling}
    assert opened(path, pooling="mean").fingerprint != opened(path, pooling="max").fingerprint
    by_name = readers.open_latents(path, reader=f"kinoml-npz:pooling={pooling}")
    np.testing.assert_array_equal(by_name.values, latents.values)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.sampled_from(["mean", "max", "sum"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_segments_are_pooled_like_single_arrays(lengths: list[int], method: str) -> None:
    rng = np.random.default_rng(sum(lengths))
    parts = [rng.normal(size=(length, 2)) for length in lengths]
    found = pool_segments(np.concatenate(parts), np.array(lengths, np.int64), method)
    for row, part in zip(found, parts, strict=True):
        if len(part):
            np.testing.assert_allclose(row, getattr(np, method)(part, axis=0), rtol=1e-12)
        else:
            assert np.isnan(row).all()


def test_a_sample_without_rows_has_no_latent(tmp_path: Path) -> None:
    path = write(tmp_path / "k.npz", y=np.zeros(2), X_s0_=np.zeros((0, 3)), X_s1_=np.ones((2, 3)))
    assert opened(path).encoded.tolist() == [False, True]


X = features()
Y = np.zeros(6)
WRONG = {
    "gap": ({"y": np.zeros(2), "X_s0_": X, "X_s2_": X}, "no 'X_s1_a0_'"),
    "uneven": ({"y": np.zeros(2), "X_s0_a0_": X, "X_s0_a1_": X, "X_s1_a0_": X}, "no 'X_s1_a1_'"),
    "widths": ({"y": np.zeros(2), "X_s0_": X, "X_s1_": X[:, :2]}, "more than their length"),
    "short y": ({"X": X, "y": np.zeros(5)}, r"shape \(6,\)"),
    "words": ({"X": X, "y": np.array(["a"] * 6)}, "'y'"),
    "twice": (
        {"X": X, "y": Y, "idx_train": np.array([0, 1]), "idx_test": np.array([1])},
        "Row 1 .* lies in two partitions, 'train' and 'test'",
    ),
    "outside": ({"X": X, "y": Y, "idx_train": np.array([6])}, "names row 6"),
    "no rows": ({"X": X, "y": Y, "idx_train": np.array([0.5])}, "not row numbers"),
    "empty": ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, "'X'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_parts_that_do_not_fit_are_reported(case: str, tmp_path: Path) -> None:
    arrays, message = WRONG[case]
    with pytest.raises(MalformedFileError, match=message):
        opened(write(tmp_path / "k.npz", **arrays))


def test_an_unknown_pooling_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "k.npz", y=np.zeros(1), X_s0_=np.zeros((2, 3)))
    with pytest.raises(RequestError, match="mean, max, sum"):
        opened(path, pooling="median")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.npz"
    with path.open("wb") as file:
        np.savez(file, X=np.array([print, print], object), y=np.zeros(2))
    with pytest.raises(UnsafeFileError, match="pickled Python objects"):
        opened(path)


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "k.npz", X=np.zeros((1000, 1000)), y=np.zeros(1000))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(_npz, "_MOST_BYTES", 1_000_000)
    with pytest.raises(UnsafeFileError, match="unpacks to"):
        opened(path)


def test_a_header_that_lies_costs_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 8), }"
    path = tmp_path / "k.npz"
    with zipfile.ZipFile(path, "w") as archive:
        magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        archive.writestr("X.npy", magic + header + bytes(100))
        archive.writestr("y.npy", b"")
    with pytest.raises(MalformedFileError, match="declares 70,368,744,177,664 bytes"):
        opened(path)


def test_damage_ends_in_a_message(tmp_path: Path) -> None:
    path = write(tmp_path / "k.npz", X=features(), y=Y)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    for round_ in range(60):
        flipped = whole.copy()
        flipped[rng.integers(0, len(whole), 3)] ^= np.uint8(1 << rng.integers(0, 8))
        content = flipped.tobytes() if round_ % 2 else whole.tobytes()[: rng.integers(len(whole))]
        path.write_bytes(content)
        try:
            assert len(opened(path, reader="kinoml-npz")) == 6
        except InputError as error:
            assert "k.npz" in str(error)


def records(path: Path, **columns: object) -> Path:
    pyarrow.parquet.write_table(
        pa.table({name[1:]: value for name, value in columns.items()}), path
    )
    return path


def test_records_are_put_one_field_after_the_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ragged = [rng.normal(size=(length, 2)) for length in (3, 1, 4, 2)]
    uneven = [rng.normal(size=length) for length in (2, 5, 1, 1)]
    even = rng.normal(size=(4, 3))
    path = records(
        tmp_path / "k.parquet",
        f0=[part.tolist() for part in ragged],
        f1=[part.tolist() for part in uneven],
        f2=even.tolist(),
        f3=[1, 2, 3, 4],
        f4=[0.5, 1.5, 2.5, 3.5],
    )
    latents = opened(path)
    wanted = [
        np.concatenate([a.mean(axis=0), [b.mean()], c, [d]])
        for a, b, c, d in zip(ragged, uneven, even, (1, 2, 3, 4), strict=True)
    ]
    np.testing.assert_allclose(latents.values, wanted, rtol=1e-6)
    assert latents.targets.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert latents.provenance.request == latents.ref.options == {"pooling": "mean"}
    highest = opened(path, pooling="max").values
    np.testing.assert_allclose(highest[:, :2], [part.max(axis=0) for part in ragged], rtol=1e-6)


def test_whole_numbers_of_records_are_classes(tmp_path: Path) -> None:
    latents = opened(records(tmp_path / "k.parquet", f0=[0.1, 0.2], f1=[1, 0]))
    assert latents.labels.tolist() == [1, 0]
    assert latents.values.shape == (2, 1)


def test_records_ragged_in_two_axes_are_refused(tmp_path: Path) -> None:
    path = records(tmp_path / "k.parquet", f0=[[[1.0], [1.0, 2.0]], [[1.0]]], f1=[0.5, 1.5])
    with pytest.raises(MalformedFileError, match="more than one axis"):
        opened(path)


def test_records_of_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedFileError, match=r"Field '0'.* numbers are needed"):
        opened(records(tmp_path / "k.parquet", f0=["a", "b"], f1=[0.5, 1.5]))
