from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from latentcore.encoders import Decoder, Encoder
from latentcore.encoders.pca import PcaEncoder, PcaRecipe
from latentcore.errors import RequestError
from latentcore.preparation import Preparation

CPU = torch.device("cpu")


def samples(n: int = 400, shape: tuple[int, int, int] = (1, 12, 10)) -> np.ndarray:
    """Return patterns with a falling spectrum, about a mean far from zero."""
    rng = np.random.default_rng(5)
    pixels = int(np.prod(shape))
    rank = min(pixels, 120)
    values = rng.standard_normal((n, rank)) * (0.9 ** np.arange(rank))
    mixing = np.linalg.qr(rng.standard_normal((pixels, rank)))[0].T
    return (100 + values @ mixing).reshape(n, *shape).astype(np.float32)


def fit(x: np.ndarray, n: int, block: int = 64) -> PcaEncoder:
    return PcaRecipe(n).fit(
        (x[start : start + block] for start in range(0, len(x), block)),
        input_shape=x.shape[1:],
        preparation=Preparation(),
        device=CPU,
    )


def aligned(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return theirs * np.sign((ours * theirs).sum(axis=0))


def test_scores_and_variances_equal_scikit_learn():
    x = samples()
    oracle = PCA(10, svd_solver="full").fit(x.reshape(400, -1).astype(np.float64))
    encoder = fit(x, 10)
    scores = encoder.encode(x)
    wanted = oracle.transform(x.reshape(400, -1))
    np.testing.assert_allclose(scores, aligned(scores, wanted), atol=1e-4)
    np.testing.assert_allclose(
        encoder.explained_variance_ratio, oracle.explained_variance_ratio_, rtol=1e-5
    )
    np.testing.assert_allclose(
        encoder.tensors()["explained_variance"], oracle.explained_variance_, rtol=1e-5
    )


def test_rotated_components_are_those_of_varimax_by_another_hand():
    from sklearn.decomposition._factor_analysis import _ortho_rotation

    rng = np.random.default_rng(8)
    x = samples()
    # Six kinds of samples, as grains are: what a rotation can find.
    x += 6 * rng.standard_normal((6, 1, 12, 10)).astype(np.float32)[rng.integers(0, 6, len(x))]
    plain = fit(x, 6)
    scores = plain.encode(x)
    turned = plain.rotated(scores)
    found = turned.encode(x)
    rows = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    # It starts from other axes, but the criterion has one clear maximum here.
    wanted = _ortho_rotation(rows.astype(np.float64), tol=1e-12, max_iter=2000).T
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    both = np.abs(np.corrcoef((wanted * lengths).T, found.T))[:6, 6:]
    assert np.allclose(np.sort(both.max(axis=1)), 1, atol=1e-5)
    components = turned.tensors()["components"]
    np.testing.assert_allclose(components @ components.T, np.eye(6), atol=1e-5)
    np.testing.assert_allclose(turned.decode(found), plain.decode(scores), atol=1e-3)
    variance = turned.tensors()["explained_variance"]
    np.testing.assert_allclose(variance, found.var(axis=0, ddof=1), rtol=1e-4)
    assert (np.diff(variance) <= 0).all()
    assert (np.power(found - found.mean(axis=0), 3).sum(axis=0) > 0).all()
    ratios = turned.explained_variance_ratio, plain.explained_variance_ratio
    assert ratios[0].sum() == pytest.approx(ratios[1].sum(), rel=1e-5)
    np.testing.assert_allclose(ratios[0] / variance, ratios[0][0] / variance[0], rtol=1e-5)


def test_decode_is_the_inverse_transform():
    x = samples()
    oracle = PCA(10, svd_solver="full").fit(x.reshape(400, -1).astype(np.float64))
    encoder = fit(x, 10)
    back = oracle.inverse_transform(oracle.transform(x.reshape(400, -1)))
    np.testing.assert_allclose(encoder.decode(encoder.encode(x)).reshape(400, -1), back, atol=1e-4)
    full = fit(x, 120)
    np.testing.assert_allclose(full.decode(full.encode(x)), x, atol=1e-3)


def test_largest_loading_is_positive():
    components = fit(samples(), 8).tensors()["components"]
    assert (np.take_along_axis(components, np.abs(components).argmax(1)[:, None], 1) > 0).all()


def test_fit_repeats_bit_for_bit_and_hardly_depends_on_the_blocks():
    x = samples()
    assert fit(x, 8).fingerprint == fit(x, 8).fingerprint
    np.testing.assert_allclose(fit(x, 8).encode(x), fit(x, 8, block=33).encode(x), atol=1e-4)


@pytest.mark.parametrize("n", [2, 30, 119])
def test_fewer_samples_than_pixels(n):
    x = samples(n)
    oracle = PCA(2, svd_solver="full").fit(x.reshape(n, -1).astype(np.float64))
    scores = fit(x, 2).encode(x)
    wanted = oracle.transform(x.reshape(n, -1))
    if n == 2:  # one direction only
        scores, wanted = scores[:, :1], wanted[:, :1]
    np.testing.assert_allclose(scores, aligned(scores, wanted), atol=1e-4)


def test_large_patterns_are_fitted_incrementally():
    x = samples(90, (1, 65, 64))
    encoder = fit(x, 5, block=40)  # blocks of 40, 40 and 10
    oracle = PCA(5, svd_solver="full").fit(x.reshape(90, -1).astype(np.float64))
    scores = encoder.encode(x)
    wanted = oracle.transform(x.reshape(90, -1))
    # Incremental PCA forgets what its components lost, so it is near the exact one, not equal.
    for ours, theirs in zip(scores.T, wanted.T, strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) > 0.95
    np.testing.assert_allclose(
        encoder.explained_variance_ratio, oracle.explained_variance_ratio_, rtol=0.05
    )


def test_blocks_shorter_than_the_components_are_joined():
    x = samples(90, (1, 65, 64))
    assert fit(x, 20, block=7).latent_dim == 20


def test_same_latents_bit_for_bit_in_any_batch_and_at_any_place():
    x = samples(700)
    encoder = fit(x, 10)
    whole = encoder.encode(x)
    for batch in (1, 7, 64, 1000):
        parts = [encoder.encode(x[start : start + batch]) for start in range(0, 700, batch)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    order = np.random.default_rng(0).permutation(700)
    np.testing.assert_array_equal(encoder.encode(x[order]), whole[order])


def test_released_encoder_works_again():
    x = samples(20)
    encoder = fit(x, 3)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Decoder)
    before = encoder.encode(x)
    encoder.release()
    np.testing.assert_array_equal(encoder.encode(x), before)


@pytest.mark.parametrize("shape", [(1, 12, 10), (1, 65, 64)])
def test_too_many_components_are_reported(shape):
    with pytest.raises(RequestError, match="only 9 finite samples"):
        fit(samples(9, shape), 10)
    with pytest.raises(RequestError, match=f"has values \\({np.prod(shape)}\\)"):
        fit(samples(9, shape), 5000)
    with pytest.raises(RequestError, match="only 0 finite samples"):
        fit(samples(0, shape), 1)
    with pytest.raises(RequestError, match="at least 2 samples"):
        fit(samples(1, shape), 1)


@pytest.mark.parametrize("shape", [(1, 12, 10), (1, 65, 64)])
def test_samples_that_are_all_the_same_are_reported(shape):
    with pytest.raises(RequestError, match="are the same after preparation"):
        fit(np.repeat(samples(1, shape), 50, axis=0), 3)


@pytest.mark.parametrize("text", ["pca:", "pca:0", "pca:-1", "pca:x", "pca:3.5", "pca:٣", "pac:3"])
def test_recipe_needs_a_number(text):
    with pytest.raises(RequestError, match="pca:30"):
        PcaRecipe.parse(text)
    assert PcaRecipe.parse("PCA:7") == PcaRecipe(7)
