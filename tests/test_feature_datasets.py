"""Features as they were stored: shapes, types, splits, workers, batches."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch.utils.data import DataLoader

import latentcore as lc
from latentcore.datasets import as_lists, padded
from latentcore.errors import InputError, RequestError, ShapeError
from tests.factories.damaged_files import damage

N = 12


@pytest.fixture
def ragged(tmp_path: Path) -> tuple[Path, list[tuple[np.ndarray, ...]]]:
    """Graphs: node features of 3 to 9 nodes, and adjacency matrices, stored out of order."""
    rng = np.random.default_rng(0)
    samples = []
    for _ in range(N):
        n = int(rng.integers(3, 10))
        samples.append((rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, 2, (n, n))))
    stored = {f"X_s{i}_a{j}_": one for i, both in enumerate(samples) for j, one in enumerate(both)}
    shuffled = dict(sorted(stored.items(), reverse=True))
    y = rng.normal(size=N)
    np.savez(
        tmp_path / "graphs.npz", **shuffled, y=y, idx_train=np.arange(8)[::-1],
        idx_test=np.arange(8, N),
    )  # fmt: skip
    return tmp_path / "graphs.npz", samples


@pytest.mark.parametrize("lazy", [False, True])
def test_samples_of_several_arrays_are_tuples_as_stored(ragged, lazy):
    path, samples = ragged
    dataset = lc.FeatureDataset(path, lazy=lazy)
    assert len(dataset) == N
    for place, wanted in enumerate(samples):
        found = dataset[place].features
        for tensor, array in zip(found, wanted, strict=True):
            assert tensor.dtype == torch.from_numpy(array).dtype
            np.testing.assert_array_equal(tensor, array)
    largest = max(len(nodes) for nodes, _ in samples)
    assert dataset.input_size() == ((largest, 4), (largest, largest))
    assert dataset.y.dtype == torch.float64
    with pytest.raises(IndexError):
        dataset[N]
    assert len(list(dataset)) == N


def test_splits_keep_the_order_of_their_indices(ragged):
    path, samples = ragged
    train = lc.FeatureDataset(path, split="train")
    assert set(train.splits) == {"train", "test"}
    assert len(train) == 8
    np.testing.assert_array_equal(train[0].features[0], samples[7][0])
    np.testing.assert_array_equal(train[-1].features[0], samples[0][0])
    assert [len(item.features) for item in train[2:5]] == [2, 2, 2]
    with pytest.raises(RequestError, match=r"no split 'val'\. There are: "):
        lc.FeatureDataset(path, split="val")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_padded_in_workers_too(ragged, workers, lazy):
    path, samples = ragged
    dataset = lc.FeatureDataset(path, lazy=lazy)
    loader = DataLoader(dataset, batch_size=5, collate_fn=padded, num_workers=workers)
    first = next(iter(loader))
    nodes, edges = first.features
    widest = max(len(one) for one, _ in samples[:5])
    assert nodes.values.shape == (5, widest, 4)
    assert edges.values.shape == (5, widest, widest)
    for place in range(5):
        own = nodes.values[place][nodes.mask[place]].reshape(-1, 4)
        np.testing.assert_array_equal(own, samples[place][0])
        assert not nodes.values[place][~nodes.mask[place]].any()
    assert first.y.shape == (5,)


def test_lists_keep_every_shape(ragged):
    path, samples = ragged
    loader = DataLoader(lc.FeatureDataset(path), batch_size=N, collate_fn=as_lists)
    nodes, edges = next(iter(loader)).features
    assert [len(one) for one in nodes] == [len(one) for one, _ in samples]
    assert [one.shape[0] == one.shape[1] for one in edges] == [True] * N


def test_a_closed_dataset_opens_again_and_travels(ragged):
    path, samples = ragged
    dataset = lc.FeatureDataset(path, lazy=True)
    dataset.close()
    np.testing.assert_array_equal(dataset[3].features[1], samples[3][1])
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again[3].features[1], samples[3][1])


@given(arrays(st.sampled_from([np.float64, np.float32, np.int16]),
              array_shapes(min_dims=2, max_dims=4, max_side=6)))  # fmt: skip
def test_dense_samples_keep_shape_and_type(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("dense") / "dense.npz"
    np.savez(path, X=values, y=np.arange(len(values)))
    dataset = lc.FeatureDataset(path)
    assert dataset.input_size() == values.shape[1:]
    for place, wanted in enumerate(values):
        np.testing.assert_array_equal(dataset[place].features.numpy(), wanted)
        assert dataset[place].features.numpy().dtype == values.dtype


def test_without_y_a_sample_of_two_arrays_is_no_pair(tmp_path):
    parts = {f"X_s{i}_a{j}_": np.ones((2 + i, 3)) for i in range(4) for j in range(2)}
    np.savez(tmp_path / "no_y.npz", **parts)
    loader = DataLoader(lc.FeatureDataset(tmp_path / "no_y.npz"), batch_size=4, collate_fn=padded)
    first, second = next(iter(loader))
    assert first.values.shape == second.values.shape == (4, 5, 3)


def test_records_of_awkward_are_kept_as_stored(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    lists = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    table = pa.table({
        "0": pa.array(lists, pa.list_(pa.list_(pa.float64()))),
        "1": pa.array([[1, 2], [3, 4]], pa.list_(pa.int32())), "2": pa.array([0.5, 1.5]),
    })  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "records.parquet")
    dataset = lc.FeatureDataset(tmp_path / "records.parquet")
    assert [tuple(item.features[0].shape) for item in dataset] == [(2, 2), (1, 2)]
    assert dataset[0].features[0].dtype == torch.float64
    assert dataset[0].features[1].dtype == torch.int32
    assert dataset.y.tolist() == [0.5, 1.5]
    assert dataset.input_size() == ((2, 2), (2,))


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"X": np.array([{}], object), "y": np.ones(1)}, "pickled Python objects"),
        ({"X_s0_": np.ones(2), "X_s2_": np.ones(2)}, "without gaps"),
        ({"X": np.ones((3, 2)), "idx_train": np.array([5])}, "rows of 3 samples are needed"),
        ({"X": np.float64(3)}, "single number"),
    ],
)
def test_what_holds_no_samples_is_refused(tmp_path, stored, says):
    np.savez(tmp_path / "odd.npz", allow_pickle=True, **stored)
    with pytest.raises(InputError, match=says):
        lc.FeatureDataset(tmp_path / "odd.npz")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "odd.csv").write_text("x,y")
    with pytest.raises(InputError, match="holds no stored features"):
        lc.FeatureDataset(tmp_path / "odd.csv")


def test_measurements_are_featurized_once_and_observed():
    asked = []

    def featurizer(system: str) -> np.ndarray:
        asked.append(system)
        return np.array([len(system), system.count("C")], np.float32)

    measured = lc.MeasurementDataset(
        ["CCO", "C", "CCCC"], [4.1, 5.0, 6.2], featurizer=featurizer,
        observation_model=lambda energy: -energy / np.log(10),
    )  # fmt: skip
    features, value = measured[0]
    assert features.tolist() == [3, 2]
    assert float(value) == 4.1
    _ = measured[0], measured[-1]
    assert asked == ["CCO", "CCCC"]
    batch = next(iter(DataLoader(measured, batch_size=3)))
    assert batch[0].shape == (3, 2)
    assert float(measured.observe(torch.tensor(-np.log(10)))) == pytest.approx(1)
    with pytest.raises(ShapeError, match="3 systems can't go with 2 measurements"):
        lc.MeasurementDataset("abc", [1, 2], featurizer=len)


def test_damaged_copies_are_read_or_refused(ragged, tmp_path):
    whole, rng, refused = ragged[0].read_bytes(), np.random.default_rng(0), 0
    folder = tmp_path / "copies"
    folder.mkdir()
    path = folder / "graphs.npz"
    for _ in range(150):
        path.write_bytes(whole)
        damage(path, rng)
        try:
            lc.FeatureDataset(path).input_size()
        except InputError:
            refused += 1
    assert 0 < refused < 150
