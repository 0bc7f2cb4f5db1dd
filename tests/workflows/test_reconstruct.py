from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.encoders import open_checkpoint
from latentcore.encoding.reconstruction import latent_traversal, reconstruct
from latentcore.errors import InputError, RequestError
from latentcore.preparation import Preparer
from latentcore.readers import open_samples
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from latentcore.workflows.reconstruct import ReconstructRequest
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

__all__ = ["one_thread"]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", full_grid(8, 6), patterns(48, (8, 8)))


@pytest.fixture
def model(scan: Path, tmp_path: Path) -> Path:
    """A PCA: its reconstructions are known."""
    asked = ExtractRequest(location=(str(scan),), checkpoint="pca:6", device="cpu")
    execute("extract", asked, tmp_path / "pca")
    return tmp_path / "pca" / "model.safetensors"


def run(scan: Path, model: Path, out: Path, **options: object) -> dict:
    request = ReconstructRequest(str(scan), str(model), device="cpu", **options)
    return execute("reconstruct", request, out)


def test_errors_of_all_points_are_those_of_the_encoder(scan, model, tmp_path):
    summary = run(scan, model, tmp_path / "out")
    assert set(summary["files"]) == {
        "reconstructions.png", "reconstruction_error.csv", "reconstruction_error.png",
    }  # fmt: skip
    table = pd.read_csv(tmp_path / "out" / "reconstruction_error.csv")
    assert list(table.columns) == ["x", "y", "mse"]
    encoder = open_checkpoint(str(model), device="cpu")
    with open_samples(str(scan)) as source:
        preparer = Preparer(encoder.preparation, source.sample_shape)
        found = reconstruct(encoder, preparer, source.read(slice(None)))
    np.testing.assert_allclose(table["mse"], found.mse, rtol=1e-5)
    # Patterns are z-scored, and the components were fitted on them.
    assert summary["explained"] == pytest.approx(1 - found.mse.mean(), abs=1e-4)
    assert summary["n"] == 48


def test_some_rows_only(scan, model, tmp_path):
    summary = run(scan, model, tmp_path / "out", rows=(9, 3, 9))
    table = pd.read_csv(tmp_path / "out" / "reconstruction_error.csv")
    assert table[["x", "y"]].to_numpy().tolist() == [[3, 0], [1, 1]]
    assert summary["n"] == 2


def test_patterns_that_are_not_finite_have_no_error(model, tmp_path):
    images = patterns(48, (8, 8)).astype(np.float32)
    images[5, 0, 2, 2] = np.nan
    scan = write_kikuchi(tmp_path / "nan.h5", full_grid(8, 6), images)
    summary = run(scan, model, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "reconstruction_error.csv")
    assert np.flatnonzero(table["mse"].isna()).tolist() == [5]
    assert summary["n_not_finite"] == 1


def test_bad_input_is_explained(scan, model, tmp_path):
    with pytest.raises(RequestError, match="rows 99 was asked for, but the file has rows 0 to 4"):
        run(scan, model, tmp_path / "out", rows=(99,))
    other = write_kikuchi(tmp_path / "o.h5", full_grid(8, 6), patterns(48, (10, 10)))
    with pytest.raises(InputError, match="takes samples of 8 × 8"):
        run(other, model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_traversal_of_a_pca_is_a_straight_line(model):
    encoder = open_checkpoint(str(model), device="cpu")
    latent = np.arange(6, dtype=np.float32)
    made = latent_traversal(encoder, latent, 2, np.array([-1.0, 0.0, 3.0]))
    assert made.shape == (3, 1, 8, 8)
    component = encoder.tensors()["components"][2].reshape(1, 8, 8)
    np.testing.assert_allclose(made[2] - made[1], 3 * component, atol=1e-5)
    at = latent_traversal(encoder, latent, 2, latent[2:3])
    np.testing.assert_allclose(at, encoder.decode(latent[None]), atol=1e-5)


@pytest.mark.parametrize("latent", [np.zeros(5), np.full(6, np.nan)])
def test_a_traversal_needs_a_latent_of_the_model(model, latent):
    encoder = open_checkpoint(str(model), device="cpu")
    with pytest.raises(RequestError, match="starts from 6 finite numbers"):
        latent_traversal(encoder, latent, 0, np.zeros(1))
    with pytest.raises(RequestError, match="no latent dimension 6; there are 0 to 5"):
        latent_traversal(encoder, np.zeros(6), 6, np.zeros(1))
