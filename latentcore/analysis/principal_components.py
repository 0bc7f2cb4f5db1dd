"""Principal components: the directions in which latents vary most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.embedded_rows import check_components, encoded_rows, placed, refuse_equal
from latentcore.analysis.representatives import representatives
from latentcore.containers import Embedding, LatentSet, later
from latentcore.errors import RequestError
from latentcore.progress import Progress

_BLOCK = 8_192
# Axes of more rows are learned from a sample: their directions hardly change.
_MOST_LEARNED = 2_000_000
_LEARNED = 250_000


def principal_axes(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the principal axes of a set of rows.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Finite. Read in blocks, accumulated in float64.

    Returns
    -------
    mean : ndarray of float64, shape (d,)
    axes : ndarray of float64, shape (d, d)
        One axis per row, by falling variance. The largest loading of each is positive, so that
        the signs don't hang on the library.
    variance : ndarray of float64, shape (d,)
        Along each axis, divided by n - 1.
    """
    mean = np.asarray(values.mean(axis=0, dtype=np.float64))
    covariance = np.zeros((values.shape[1], values.shape[1]))
    for start in range(0, len(values), _BLOCK):
        centered = values[start : start + _BLOCK].astype(np.float64) - mean
        covariance += centered.T @ centered
    variance, vectors = np.linalg.eigh(covariance / max(1, len(values) - 1))
    axes = vectors.T[::-1]
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(len(axes)), largest])
    return mean, axes * signs[:, None], np.maximum(variance[::-1], 0)


def pca(latents: LatentSet, *, components: int = 2, progress: Progress | None = None) -> Embedding:
    """Project latents on their first principal axes.

    Parameters
    ----------
    components : {2, 3}

    Returns
    -------
    Embedding
        NaN where there is no latent. Its scores hold the explained variance ratio of each
        component; signs are deterministic, see `principal_axes`.

    Raises
    ------
    RequestError
        If there are fewer encoded rows or dimensions than components, or all rows are equal.
    """
    found = principal_components(latents, components=components, progress=progress)
    return Embedding(
        coordinates=found.coordinates(latents),
        sample_ids=_ids(latents),
        method="pca",
        parameters={"components": components, "n_used": found.n_used, **found.learned},
        engine=f"numpy {np.__version__}",
        scores=found.scores,
        fitted={"mean": found.mean, "axes": found.axes},
    )


def place_by_axes(
    values: NDArray[np.floating], fitted: Mapping[str, NDArray[np.floating]]
) -> NDArray[np.float32]:
    """Return finite latents (n, d) in the principal axes that `pca` found before, (n, c)."""
    mean, axes = (fitted[name].astype(np.float64) for name in ("mean", "axes"))
    return _projected(values, mean, axes).astype(np.float32)


def _ids(latents: LatentSet) -> NDArray[np.str_]:
    return latents.sample_ids if latents.stored is None else later(lambda: latents.sample_ids)


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The first principal axes of a set of latents.

    Attributes
    ----------
    mean : ndarray of float64, shape (d,)
    axes : ndarray of float64, shape (c, d)
    scores : Mapping of str to float
        The explained variance ratio of each component.
    n_used, n_learned : int
        How many rows have a latent, and from how many of these the axes were learned.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    scores: Mapping[str, float]
    n_used: int
    n_learned: int

    @property
    def learned(self) -> dict[str, int]:
        """What a report says of the rows that were learned from: nothing where those were all."""
        return {} if self.n_learned == self.n_used else {"n_fitted": self.n_learned}

    def coordinates(
        self, latents: LatentSet, rows: NDArray[np.integer] | None = None
    ) -> NDArray[np.float32]:
        """Return the coordinates of all latents, or of some, NaN where there is none."""
        encoded = latents.encoded if rows is None else latents.encoded[rows]
        found = np.full((len(encoded), len(self.axes)), np.nan, np.float32)
        if rows is None and latents.stored is not None:
            pieces = latents.blocks()
        else:
            values = latents.values if rows is None else latents.rows(rows)
            pieces = iter([(slice(0, len(values)), values)])
        for part, values in pieces:
            present = encoded[part]
            found[part][present] = _projected(values[present], self.mean, self.axes)
        return found


def principal_components(
    latents: LatentSet, *, components: int = 2, progress: Progress | None = None
) -> PrincipalComponents:
    """Find the first principal axes; see `pca`.

    They are learned from all latents; where there are more than two million, from a quarter of a
    million of them, evenly spread over the rows.
    """
    check_components(components)
    rows = encoded_rows(latents, components + 1)
    d = latents.shape[1]
    if d < components:
        message = (
            f"PCA to {components} components needs as many latent dimensions, but there are {d}."
        )
        raise RequestError(message)
    progress = progress or Progress()
    progress.step(0, 1, "PCA")
    learned = rows
    if len(rows) > _MOST_LEARNED:
        spread = representatives(None, len(latents), _LEARNED).rows
        learned = spread[latents.encoded[spread]]
    values = latents.rows(learned)
    refuse_equal(values)
    mean, axes, variance = principal_axes(values)
    progress.step(1, 1, "PCA")
    ratio = variance[:components] / variance.sum()
    return PrincipalComponents(
        mean,
        axes[:components],
        {f"explained_variance_ratio_{i}": float(part) for i, part in enumerate(ratio)},
        len(rows),
        len(learned),
    )


def pca_of_rows(latents: LatentSet, rows: NDArray[np.bool_]) -> Embedding:
    """Return the first two principal components of some rows, as an embedding of all.

    Parameters
    ----------
    rows : ndarray of bool, shape (n,)

    Returns
    -------
    Embedding
        NaN at the other rows.

    Raises
    ------
    RequestError
        See `pca`.
    """
    found = pca(latents.take(rows))
    coordinates = placed(found.coordinates, np.flatnonzero(rows), len(latents))
    return replace(found, coordinates=coordinates, sample_ids=_ids(latents))


def _projected(
    values: NDArray[np.floating], mean: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    blocks = [
        (values[start : start + _BLOCK].astype(np.float64) - mean) @ axes.T
        for start in range(0, len(values), _BLOCK)
    ]
    return np.concatenate(blocks)
