"""Clusters of (latent, band contrast), or of any table of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.features import Features, Scaling, latent_and_band_contrast
from latentcore.containers import Clustering
from latentcore.progress import Progress

__all__ = ["cluster", "cluster_features"]


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
