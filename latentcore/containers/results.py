"""What analysis gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import ShapeError

__all__ = ["Clustering", "Embedding", "Neighbours"]


@dataclass(frozen=True, eq=False)
class Embedding:
    """2-D or 3-D coordinates of samples.

    Attributes
    ----------
    coordinates : ndarray of float32, shape (n, 2) or (n, 3)
        NaN where a sample has no latent.
    sample_ids : ndarray of str, shape (n,)
    method : str
        ``"umap"`` or ``"pca"``.
    parameters : Mapping
        Everything that changes the coordinates, the seed included.
    engine : str
        Name and version of the library that computed them.
    scores : Mapping of str to float
        For example ``trustworthiness``, ``explained_variance``.
    """

    coordinates: NDArray[np.float32]
    sample_ids: NDArray[np.str_]
    method: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    engine: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.coordinates.ndim != 2 or len(self.coordinates) != len(self.sample_ids):
            message = (
                f"An embedding needs (n, 2) or (n, 3) coordinates for its {len(self.sample_ids)} "
                f"samples, but got {self.coordinates.shape}."
            )
            raise ShapeError(message)


@dataclass(frozen=True, eq=False)
class Clustering:
    """A cluster label for each sample.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        -1 is noise, or a sample without finite values.
    method : str
    parameters : Mapping
        Everything that changes the labels, the found ones (k, eps) and the seed included.
    scores : Mapping
        For example ``{"criterion": "bic", "value": …, "by_k": {…}}``.
    engine : str
        Name and version of the library that computed them.
    """

    labels: NDArray[np.int32]
    method: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, object] = field(default_factory=dict)
    engine: str = ""

    @property
    def counts(self) -> dict[int, int]:
        """Number of samples per label, noise included."""
        labels, counts = np.unique(self.labels, return_counts=True)
        return {int(label): int(count) for label, count in zip(labels, counts, strict=True)}


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The samples most like a query, the most similar first.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Row of each among the latents that were searched.
    distance : ndarray of float64, shape (k,)
        Euclidean, or 1 − cosine.
    similarity : ndarray of float64, shape (k,)
        The cosine, or 1 / (1 + Euclidean distance).
    metric : str
        ``"cosine"`` or ``"euclidean"``.
    """

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]
    similarity: NDArray[np.float64]
    metric: str

    def __len__(self) -> int:
        return len(self.rows)
