from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latentcore.containers import LatentSet
from latentcore.encoding.one_cutout import describe_cutout
from latentcore.errors import ShapeError
from latentcore.readers._latent_parts import partition_ids
from tests.encoders.nenya import supcon_forward, supcon_state, write_nenya
from tests.factories.nenya import cutouts

IMAGES = cutouts(9, 12)


@pytest.fixture(scope="module")
def latents() -> LatentSet:
    with torch.no_grad():
        values = supcon_forward(supcon_state(), torch.from_numpy(IMAGES)).numpy()
    partition = np.array(["train"] * 9)
    return LatentSet(
        values, partition_ids(partition), np.arange(12, dtype=np.int32), partition=partition
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nenya(tmp_path_factory.mktemp("nenya") / "last.pth")


def test_known_cutout_is_its_own_nearest_and_lies_at_its_place(latents, checkpoint) -> None:
    coordinates = np.random.default_rng(0).normal(size=(9, 2))
    told = describe_cutout(
        IMAGES[4, 0], latents, str(checkpoint), coordinates=coordinates, crop=8, k=3, device="cpu"
    )
    np.testing.assert_allclose(told.encoded.latent, latents.values[4], atol=1e-6)
    assert told.neighbors.rows[0] == 4
    assert len(told.neighbors) == 3
    np.testing.assert_allclose(told.place, coordinates[4], atol=0.05)
    inside = IMAGES[4, 0, 2:10, 2:10].astype(np.float64)
    low, high = np.percentile(inside, [10, 90])
    assert told.statistics["DT"] == pytest.approx(high - low)
    assert told.statistics["mean"] == pytest.approx(IMAGES[4].mean(), rel=1e-5)
    assert told.crop == 8


def test_without_an_embedding_there_is_no_place(latents, checkpoint) -> None:
    told = describe_cutout(IMAGES[2], latents, str(checkpoint), device="cpu")
    assert told.place is None
    assert told.crop == 8  # 40 of 64 pixels


def test_latents_of_another_model_are_refused(latents, checkpoint) -> None:
    other = LatentSet(latents.values[:, :5], latents.sample_ids, np.arange(5, dtype=np.int32))
    with pytest.raises(ShapeError, match="makes 12 latent dimensions"):
        describe_cutout(IMAGES[2], other, str(checkpoint), device="cpu")
