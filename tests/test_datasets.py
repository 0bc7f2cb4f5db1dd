"""PyTorch views: indexing, batched reads, and several workers."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import latentcore as lc
from latentcore.errors import RequestError
from latentcore.preparation import Preparation, Preparer
from tests.factories.kikuchi import patterns, write_kikuchi
from tests.factories.media import picture, write_picture


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", images=patterns(30, (8, 8)))


@pytest.fixture
def kinases(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "k.npz", X=rng.normal(size=(9, 4)), y=np.linspace(0, 1, 9),
        idx_train=np.arange(6), idx_test=np.arange(6, 9),
    )  # fmt: skip
    return tmp_path / "k.npz"


def test_numbers_slices_and_arrays(scan: Path) -> None:
    dataset = lc.SampleDataset(scan)
    with lc.open_samples(scan) as source:
        wanted = torch.from_numpy(source.read(slice(None)))
    assert len(dataset) == 30
    assert torch.equal(dataset[3], wanted[3])
    assert torch.equal(dataset[np.int64(-1)], wanted[29])
    assert torch.equal(dataset[4:20:3], wanted[4:20:3])
    rows = [7, 2, 7, -30]
    for index in (rows, np.array(rows), torch.tensor(rows)):
        assert torch.equal(dataset[index], wanted[rows])
    mask = np.arange(30) % 4 == 0
    assert torch.equal(dataset[mask], wanted[mask])
    assert dataset[[]].shape == (0, *dataset.sample_shape)
    for index in (30, [0, -31], np.array([0.5])):
        with pytest.raises(IndexError):
            dataset[index]


def test_a_batch_is_one_read(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = lc.SampleDataset(scan)
    reads: list[int] = []
    source = dataset._own_source()
    plain = source.read
    monkeypatch.setattr(source, "read", lambda rows: reads.append(len(rows)) or plain(rows))
    batches = list(DataLoader(dataset, batch_size=8))
    assert reads == [8, 8, 8, 6]
    assert [len(batch) for batch in batches] == reads


def test_preparation_transform_and_target(scan: Path) -> None:
    target = np.arange(60, dtype=np.float32).reshape(30, 2)
    dataset = lc.SampleDataset(
        scan, preparation=Preparation(scale="z_score", size=(4, 4)), transform=torch.flatten,
        target=target,
    )  # fmt: skip
    with lc.open_samples(scan) as source:
        preparer = Preparer(Preparation(scale="z_score", size=(4, 4)), source.sample_shape)
        wanted = preparer(source.read(slice(None))).reshape(30, -1)
    assert dataset.sample_shape == (1, 4, 4)
    values, y = dataset[[5, 1]]
    np.testing.assert_array_equal(values, wanted[[5, 1]])
    np.testing.assert_array_equal(y, target[[5, 1]])
    one, of_one = dataset[5]
    np.testing.assert_array_equal(one, wanted[5])
    np.testing.assert_array_equal(of_one, target[5])
    assert lc.SampleDataset(scan, preparation="zero_one")[0].max() == 1
    with pytest.raises(RequestError, match="no target 'labels'"):
        lc.SampleDataset(scan, target="labels")
    with pytest.raises(RequestError, match="one row for each of the 30"):
        lc.SampleDataset(scan, target=np.zeros(3))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_open_the_file_for_themselves(
    method: str, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker that is spawned runs __main__'s file; Streamlit's AppTest leaves its script there.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    dataset = lc.SampleDataset(scan, preparation="z_score", target=np.arange(30))
    wanted = dataset[:]  # this process has the file open when it forks
    loader = DataLoader(dataset, batch_size=4, num_workers=2, multiprocessing_context=method)
    batches = list(loader)
    assert torch.equal(torch.cat([x for x, _ in batches]), wanted[0])
    assert torch.cat([y for _, y in batches]).tolist() == list(range(30))
    assert torch.equal(dataset[7][0], wanted[0][7])


def test_no_open_file_travels(scan: Path) -> None:
    dataset = lc.SampleDataset(scan)
    wanted = dataset[:]
    again = pickle.loads(pickle.dumps(dataset))
    assert again._source is None
    assert torch.equal(again[:], wanted)


def test_another_process_gets_a_file_of_its_own(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = lc.SampleDataset(scan)
    mine = dataset._own_source()
    assert dataset._own_source() is mine
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert dataset._own_source() is not mine
    assert mine.read(slice(0, 1)).shape == (1, 1, 8, 8)  # nobody has closed it


def test_a_folder_of_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "dog", "cat")):
        write_picture(tmp_path / "p" / name / f"{number}.png", picture(number))
    dataset = lc.SampleDataset(tmp_path / "p", preparation="type_range", target="labels")
    values, label = dataset[2]
    assert label.item() == 1
    np.testing.assert_allclose(values[0], picture(1).mean(axis=2) / 127.5 - 1, atol=1e-5)
    with lc.open_samples(tmp_path / "p", resolution="6x6") as source:
        assert lc.SampleDataset(source)[0].shape == (3, 6, 6)
        assert lc.SampleDataset(source.ref)[:].shape == (3, 3, 6, 6)


def test_latents_of_a_partition_with_measured_values(kinases: Path) -> None:
    dataset = lc.datasets.LatentDataset(kinases, partition="train", target="targets")
    latents = lc.open_latents(kinases)
    assert len(dataset) == 6
    values, y = dataset[1:4]
    np.testing.assert_array_equal(values, latents.values[1:4])
    np.testing.assert_array_equal(y, np.linspace(0, 1, 9)[1:4])
    assert dataset[0][1].ndim == 0
    whole = lc.LatentDataset(latents, transform=lambda x: 2 * x)
    np.testing.assert_array_equal(whole[[8, 0]], 2 * latents.values[[8, 0]])
    batches = list(DataLoader(dataset, batch_size=4, shuffle=True))
    assert [len(y) for _, y in batches] == [4, 2]
    with pytest.raises(RequestError, match="There are: train, test"):
        lc.LatentDataset(kinases, partition="valid")
    with pytest.raises(RequestError, match="There are: targets"):
        lc.LatentDataset(kinases, target="labels")


def test_a_reader_is_reported_its_options(tmp_path: Path) -> None:
    np.savez(tmp_path / "k.npz", X_s0_=np.eye(2), X_s1_=np.ones((3, 2)), y=np.array([0, 1]))
    dataset = lc.LatentDataset(tmp_path / "k.npz", target="labels", reader="kinoml-npz:pooling=sum")
    np.testing.assert_array_equal(dataset[:][0], [[1, 1], [3, 3]])
    assert dataset[:][1].dtype == torch.int64


def test_patterns_averaged_with_their_neighbors_are_those_of_the_verbs(tmp_path: Path) -> None:
    from latentcore.encoding.denoised import DenoisedSamples

    path = write_kikuchi(tmp_path / "scan.h5")
    view = lc.SampleDataset(path, preparation=Preparation.parse(["nlpar=2"]))
    with lc.open_samples(path) as source:
        wanted = DenoisedSamples(source, 2, "medium").read(np.array([3, 1]))
    copied = pickle.loads(pickle.dumps(view))
    np.testing.assert_array_equal(copied[[3, 1]].numpy(), wanted)
