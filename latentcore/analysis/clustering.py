"""Clusters of (latent, band contrast), or of any table of features: one row per point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.clusterers import Clusterer
from latentcore.containers import Clustering
from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress

Scaling = Literal["standard", "none"]
_SCALINGS = ("standard", "none")


def cluster(
    latent: ArrayLike,
    bandcontrast: ArrayLike,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> Clustering:
    """Put points into clusters by their latent and band contrast.

    Parameters
    ----------
    latent : array_like, shape (n,)
        Values of one latent dimension.
    bandcontrast : array_like, shape (n,)
        Band contrast, 0–255, or another map.
    scaling : {"standard", "none"}
        ``"standard"`` gives both features the same weight. ``"none"`` takes them as they are,
        as the published runs did: a latent of s.d. 1e-4 then weighs nothing beside 0–255.
    order : ndarray of int64, shape (n,), optional
        A key to sort rows by, for example ``grid.node``: methods with a random start then give
        the same labels whatever the order of rows in the file.

    Returns
    -------
    Clustering
        In the order of the rows given; -1 where a value is not finite.

    Raises
    ------
    ShapeError
        If the lengths differ.
    RequestError
        If the parameters don't suit the points, or a feature is constant.
    """
    features = latent_and_band_contrast(latent, bandcontrast, order=order)
    return cluster_features(features, clusterer=clusterer, scaling=scaling, progress=progress)


def cluster_features(
    features: Features,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    progress: Progress | None = None,
) -> Clustering:
    """Put points into clusters by any number of features; see `cluster`.

    Returns
    -------
    Clustering
        Its parameters name the scaling, with mean and s.d. of each feature, beside everything
        that the clusterer was given and found.
    """
    used = features.use(scaling)
    fit = clusterer.fit(used.values, progress or Progress())
    labels = np.full(len(features), -1, np.int32)
    labels[used.rows] = fit.labels
    return Clustering(
        labels=labels,
        method=clusterer.name,
        parameters={
            **fit.parameters,
            # Reports name how many clusters there are, also of a method that counts none.
            "k": fit.parameters.get("k", len(set(fit.labels[fit.labels >= 0].tolist()))),
            "scaling": scaling,
            "features": {
                name: {"mean": float(mean), "sd": float(sd)}
                for name, mean, sd in zip(features.names, used.mean, used.sd, strict=True)
            },
            "n_used": len(used.rows),
        },
        scores=fit.scores,
        engine=fit.engine,
    )


@dataclass(frozen=True, eq=False)
class UsedFeatures:
    """What a clusterer is given.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Which points, in the order in which they are given.
    values : ndarray of float64, shape (m, d)
        Scaled.
    mean, sd : ndarray of float64, shape (d,)
        Of the features before scaling, over the m points; the s.d. divides by m.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """d features of n points.

    Attributes
    ----------
    values : ndarray of float64, shape (n, d)
        A row with a value that is not finite takes no part.
    order : ndarray of int64, shape (n,), optional
        A key by which rows are sorted before they are clustered, usually the node on the scan
        grid: the labels then don't hang on the order of rows in a file.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    order: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n, d = self.values.shape
        if len(self.names) != d or (self.order is not None and len(self.order) != n):
            got = None if self.order is None else len(self.order)
            message = (
                f"Features of shape {(n, d)} can't go with {len(self.names)} names and "
                f"{got} order keys."
            )
            raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which points take part, shape (n,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def use(self, scaling: Scaling) -> UsedFeatures:
        """Leave out what is not finite, sort, and scale.

        Parameters
        ----------
        scaling : {"standard", "none"}
            Zero mean and unit standard deviation, or the values as they are.

        Raises
        ------
        RequestError
            If fewer than two points are finite, or a feature is constant.
        """
        if scaling not in _SCALINGS:
            message = f"scaling must be one of {', '.join(_SCALINGS)}, but is {scaling!r}."
            raise RequestError(message)
        rows = np.flatnonzero(self.finite)
        if len(rows) < 2:
            message = (
                f"{len(rows)} of {len(self)} points have a finite {' and '.join(self.names)}; "
                "clusters need at least two. Choose another ROI, dimension or map."
            )
            raise RequestError(message)
        if self.order is not None:
            rows = rows[np.argsort(self.order[rows], kind="stable")]
        values = self.values[rows]
        mean, sd = values.mean(axis=0), values.std(axis=0)
        self._refuse_constant(values)
        return UsedFeatures(
            rows, (values - mean) / sd if scaling == "standard" else values, mean, sd
        )

    def _refuse_constant(self, values: NDArray[np.float64]) -> None:
        for name, low, high in zip(self.names, values.min(axis=0), values.max(axis=0), strict=True):
            if low == high:
                message = (
                    f"The {name} is {low:g} at each of the {len(values)} points, so it can't "
                    "separate anything. Choose another dimension, map or ROI."
                )
                raise RequestError(message)


def latent_and_band_contrast(
    latent: ArrayLike, bandcontrast: ArrayLike, *, order: NDArray[np.int64] | None = None
) -> Features:
    """Return the pair of features that the explorer clusters.

    Parameters
    ----------
    latent : array_like, shape (n,)
        Values of one latent dimension, NaN where there is none.
    bandcontrast : array_like, shape (n,)
        Band contrast (or another map), NaN where there is none.
    order : ndarray of int64, shape (n,), optional
        See `Features`.

    Raises
    ------
    ShapeError
        If they differ in length.
    """
    columns = [np.asarray(column, np.float64).ravel() for column in (latent, bandcontrast)]
    if len(columns[0]) != len(columns[1]):
        message = (
            f"{len(columns[0])} latents can't be paired with {len(columns[1])} band contrasts. "
            "Join both by their coordinates first."
        )
        raise ShapeError(message)
    return Features(np.column_stack(columns), ("latent", "bandcontrast"), order)
