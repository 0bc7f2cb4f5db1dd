"""The largest eigenvalues of a covariance, without the thousands of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Below, and for a larger share of all pairs, LAPACK is as fast.
_SMALLEST = 500
_SHARE = 10
# ARPACK's error of a large eigenvalue is of the order of 1e-15 of the largest.
_MISSED = 1e-9


def leading_eigenpairs(covariance: Doubles, count: int) -> tuple[Doubles, Doubles]:
    """Return the largest eigenvalues and their eigenvectors, to machine precision.

    A few pairs of a large matrix by Lanczos' method with implicit restarts (ARPACK; R. B. Lehoucq
    et al., *ARPACK Users' Guide*, SIAM 1998), in some hundred products with the matrix, where
    LAPACK reduces all of it to three diagonals. Where Lanczos does not converge, or has missed one
    of several equal values, it is LAPACK.

    Parameters
    ----------
    covariance : ndarray of float64, shape (p, p)
        In Fortran's order; its upper triangle is read.
    count : int
        How many, at most p.

    Returns
    -------
    values : ndarray of float64, shape (count,)
        Ascending.
    vectors : ndarray of float64, shape (p, count)
    """
    if len(covariance) >= _SMALLEST and count * _SHARE <= len(covariance):
        found = _by_lanczos(covariance, count)
        if found is not None:
            return found
    from scipy.linalg import eigh

    p = len(covariance)
    values, vectors = eigh(
        covariance, lower=False, subset_by_index=(p - count, p - 1), check_finite=False
    )
    return values, vectors


def _by_lanczos(covariance: Doubles, count: int) -> tuple[Doubles, Doubles] | None:
    from scipy.linalg.blas import dsymv
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    p = len(covariance)
    start = np.random.default_rng(0).standard_normal(p)  # the same numbers in every run

    def times(vector: Doubles) -> Doubles:
        product: Doubles = dsymv(1.0, covariance, vector.ravel())
        return product

    def the_rest(vector: Doubles) -> Doubles:
        flat = vector.ravel()
        product: Doubles = times(flat) - vectors @ (values * (vectors.T @ flat))
        return product

    try:
        values, vectors = eigsh(
            LinearOperator((p, p), times, dtype=np.float64), count, which="LA", v0=start
        )
        (next_one,) = eigsh(
            LinearOperator((p, p), the_rest, dtype=np.float64), 1, which="LA", v0=start,
            tol=1e-2, return_eigenvectors=False,
        )  # fmt: skip
    except ArpackError:
        return None
    if next_one > values[0] + _MISSED * values[-1]:
        return None
    return values, vectors
