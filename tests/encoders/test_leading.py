"""The largest eigenvalues of a covariance are LAPACK's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from latentcore.encoders import _leading
from latentcore.encoders._leading import leading_eigenpairs

SIZE = 600


def covariance_of(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a matrix with those eigenvalues, its upper triangle only."""
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((SIZE, SIZE)))
    return np.asfortranarray(np.triu((rotation * values) @ rotation.T))


def spectrum(kind: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    return {
        "falling": 0.98 ** np.arange(SIZE),
        "like noise": np.sort(rng.chisquare(400, SIZE))[::-1] / 400,
        "of low rank": np.r_[5.0, 3.0, 1.0, np.zeros(SIZE - 3)],
        "equal ones": np.r_[np.full(12, 2.0), np.linspace(1, 0, SIZE - 12)],
        "almost equal": np.r_[2.0, 2.0 - 1e-9, 2.0 - 2e-9, np.linspace(1, 0, SIZE - 3)],
    }[kind]


@pytest.mark.parametrize(
    "kind", ["falling", "like noise", "of low rank", "equal ones", "almost equal"]
)
@pytest.mark.parametrize("count", [1, 10, 40])
def test_pairs_are_those_of_lapack(kind: str, count: int) -> None:
    covariance = covariance_of(spectrum(kind))
    values, vectors = leading_eigenpairs(covariance, count)
    expected = eigh(covariance, lower=False, subset_by_index=(SIZE - count, SIZE - 1))[0]
    np.testing.assert_allclose(values, expected, atol=1e-12)
    full = covariance + np.triu(covariance, 1).T
    np.testing.assert_allclose(full @ vectors, vectors * values, atol=1e-8)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(count), atol=1e-10)


def test_a_missed_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance = covariance_of(spectrum("falling"))
    import scipy.sparse.linalg as sparse

    real = sparse.eigsh

    def without_the_largest(matrix, count, **given):
        if count == 1:
            return real(matrix, count, **given)
        values, vectors = real(matrix, count + 1, **given)
        return values[:-1], vectors[:, :-1]

    monkeypatch.setattr(sparse, "eigsh", without_the_largest)
    assert _leading._by_lanczos(covariance, 5) is None
    np.testing.assert_allclose(leading_eigenpairs(covariance, 5)[0][-1], 1.0)


def test_same_bits_in_every_run() -> None:
    covariance = covariance_of(spectrum("like noise"))
    first, again = (leading_eigenpairs(covariance, 10)[1] for _ in range(2))
    assert first.tobytes() == again.tobytes()
