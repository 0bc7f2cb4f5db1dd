from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentcore.analysis.worth import (
    explained_share,
    kl_from_prior,
    label_worth,
    neighbour_overlap,
    worth,
    worth_of_latents,
)
from latentcore.containers import LatentSet, default_sample_ids
from latentcore.errors import ShapeError


def blobs(n: int = 60, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(n) % 3
    centers = 20 * np.eye(3, d)
    return centers[labels] + np.random.default_rng(0).normal(0, 0.5, (n, d)), labels


def test_kl_is_that_of_two_gaussians():
    # KL(N(2, 4) ‖ N(0, 1)) = (4 + 4 − 1 − ln 4) / 2, and nothing for the prior itself.
    kl = kl_from_prior(np.array([[2.0, 0.0]]), np.array([[np.log(4.0), 0.0]]))
    np.testing.assert_allclose(kl, [(7 - np.log(4)) / 2, 0.0])


def test_kl_agrees_with_torch():
    import torch
    from torch.distributions import Normal, kl_divergence

    mu, logvar = np.random.default_rng(1).normal(size=(2, 50, 4))
    posterior = Normal(torch.tensor(mu), torch.tensor(np.exp(logvar / 2)))
    expected = kl_divergence(posterior, Normal(torch.tensor(0.0), torch.tensor(1.0))).mean(0)
    np.testing.assert_allclose(kl_from_prior(mu, logvar), expected.numpy())


def test_explained_share_of_a_pca_is_its_explained_variance():
    x = np.random.default_rng(2).normal(size=(40, 2, 5)) * np.arange(1, 6)
    model = PCA(3).fit(x.reshape(40, -1))
    back = model.inverse_transform(model.transform(x.reshape(40, -1))).reshape(x.shape)
    assert explained_share(x, back) == pytest.approx(model.explained_variance_ratio_.sum())
    assert explained_share(x, x) == 1.0
    assert np.isnan(explained_share(np.ones((4, 3)), np.ones((4, 3))))


def test_neighbors_are_all_kept_by_a_rotation_and_lost_by_chance():
    x = np.random.default_rng(3).normal(size=(300, 4))
    rotation = np.linalg.qr(np.random.default_rng(4).normal(size=(4, 4)))[0]
    assert neighbour_overlap(x, 3 * x @ rotation) == 1.0
    assert neighbour_overlap(x, np.random.default_rng(5).normal(size=(300, 4))) < 0.1
    assert np.isnan(neighbour_overlap(x[:1], x[:1]))


def test_equal_latents_have_neighbors_other_than_themselves():
    values = neighbour_overlap(np.zeros((30, 2)), np.zeros((30, 2)), k=3)
    assert 0 <= values <= 1


def test_labels_of_separate_blobs_are_found():
    z, labels = blobs()
    found = label_worth(z, labels)
    assert (found.neighbour_share, found.ari, found.n_labels) == (1.0, 1.0, 3)


def test_shuffled_labels_are_not_found():
    z, labels = blobs(150)
    found = label_worth(z, np.random.default_rng(6).permutation(labels))
    assert abs(found.ari) < 0.1
    assert found.neighbour_share == pytest.approx(1 / 3, abs=0.1)


def test_negative_labels_are_no_cluster_of_their_own():
    z, labels = blobs()
    assert label_worth(z, np.where(labels == 2, -1, labels)).n_labels == 2


def test_all_is_well_with_active_latents():
    z, labels = blobs()
    found = worth(z, samples=z, labels=labels, log_variances=np.full_like(z, -4), kl_weight=1.0)
    assert (found.n_active, found.n_collapsed, found.warning) == (3, 0, "")
    assert found.neighbours_kept == 1.0
    assert found.labels is not None
    assert found.kl is not None


def test_a_collapse_is_reported_with_its_cause():
    z = 1e-4 * blobs(60, 8)[0]
    found = worth(z, kl_weight=1.0, log_variances=np.zeros_like(z))
    assert found.n_collapsed == 8
    assert "collapsed" in found.warning
    assert "KL weight 1 outweighs" in found.warning
    assert "8 differ from the prior by nothing" in found.warning
    assert "learned nothing" in worth(z, kl_weight=1e-3).warning


def test_rows_that_were_not_encoded_take_no_part():
    z, labels = blobs()
    z[5] = np.nan
    found = worth(z, labels=labels, samples=np.nan_to_num(z))
    assert found.n == 59
    assert found.labels is not None
    assert found.labels.ari == 1.0


def test_latents_are_judged_by_their_spread_block_by_block(monkeypatch):
    monkeypatch.setattr("latentcore.containers.latents._BLOCK_VALUES", 7)
    values = np.random.default_rng(0).normal(0, (1, 0.05, 1e-3), (50, 3)).astype(np.float32)
    values[3, 1] = np.nan
    found = worth_of_latents(LatentSet(values, default_sample_ids(50), np.arange(3)))
    whole = worth(values)
    np.testing.assert_allclose(found.sd, whole.sd)
    assert (found.n, found.latent_dim, found.n_active, found.n_collapsed, found.warning) == (
        whole.n, whole.latent_dim, whole.n_active, whole.n_collapsed, whole.warning,
    )  # fmt: skip
    assert found.n == 49
    assert found.warning


def test_rows_must_match():
    with pytest.raises(ShapeError, match="60 latents can't be judged with 59 labels"):
        worth(blobs()[0], labels=np.zeros(59, int))
