"""One sample is prepared and encoded as the latents were that it is compared with."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore.containers import LatentSet, Provenance, default_sample_ids
from latentcore.encoding.one_sample import encode_like
from latentcore.preparation import Preparation
from latentcore.readers.one_sample import read_one_sample
from tests.encoding.stub_encoder import StubEncoder

CUTOUT = np.linspace(-3, 25, 20, dtype=np.float32).reshape(4, 5)


def npy(folder: Path) -> Path:
    np.save(folder / "cutout.npy", CUTOUT)
    return folder / "cutout.npy"


def hdf5(folder: Path) -> Path:
    with h5py.File(folder / "cutout.h5", "w") as file:
        file["valid"] = CUTOUT[None, None]
    return folder / "cutout.h5"


@pytest.mark.parametrize("write", [npy, hdf5])
def test_a_float_cutout_is_prepared_as_the_latents_record_not_as_the_model_is_used_to(
    tmp_path: Path, write
) -> None:
    encoder = StubEncoder()
    encoder.preparation = Preparation(scale="type_range")  # as an encoder of pictures has it
    recorded = {"resolved": {"preparation": Preparation(scale="demean").to_dict()}}
    latents = LatentSet(
        np.zeros((2, 3), np.float32), default_sample_ids(2), np.arange(3, dtype=np.int32),
        provenance=Provenance("extract", recorded),
    )  # fmt: skip
    sample = read_one_sample(str(write(tmp_path)))
    found = encode_like(latents, sample, "model", open_model=lambda *_, **__: encoder)
    expected = encoder.encode((CUTOUT - CUTOUT.mean())[None, None])[0]
    np.testing.assert_allclose(found.latent, expected, rtol=1e-5, atol=1e-5)
