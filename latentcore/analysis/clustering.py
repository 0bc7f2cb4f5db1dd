"""Clusters of (latent, band contrast), or of any table of features: one row per point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.cluster_samples import fit_rows
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.features import Features, Scaling, check_weights
from latentcore.analysis.samples import Sample
from latentcore.containers import Clustering, LatentSet
from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress


def cluster(
    latent: ArrayLike,
    bandcontrast: ArrayLike,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
    sample: Sample = "all",
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
    sample : int, "all" or None
        From how many points to learn; None: from a sample where all would take long.

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
    return cluster_features(
        features, clusterer=clusterer, scaling=scaling, sample=sample, progress=progress
    )


def load_ahead() -> None:
    """Import the libraries that the first clustering waits for; that takes a second or two."""
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401


def cluster_features(
    features: Features,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    sample: Sample = "all",
    checked: bool = True,
    progress: Progress | None = None,
) -> Clustering:
    """Put points into clusters by any number of features; see `cluster`.

    Parameters
    ----------
    sample, checked
        See `latentcore.analysis.cluster_samples.fit_rows`.

    Returns
    -------
    Clustering
        Its parameters name the scaling, with mean, s.d., weight and share in the total variance
        of each feature, beside everything that the clusterer was given and found.
    """
    used = features.use(scaling)
    found = fit_rows(
        clusterer, used.values, sample, progress or Progress(), checked=checked, learn=used.learn
    )
    fit = found.fit
    shares = used.variance_shares
    labels = np.full(len(features), -1, np.int32)
    labels[used.rows] = fit.labels
    clustered = np.zeros(len(features), np.bool_)
    clustered[used.rows] = True
    return Clustering(
        labels=labels,
        method=clusterer.name,
        parameters={
            **fit.parameters,
            # Reports name how many clusters there are, also of a method that counts none.
            "k": fit.parameters.get("k", len(set(fit.labels[fit.labels >= 0].tolist()))),
            "scaling": scaling,
            "features": {
                name: {
                    "mean": float(used.mean[place]),
                    "sd": float(used.sd[place]),
                    "weight": features.weight(name),
                    "variance_share": float(shares[place]),
                }
                for place, name in enumerate(features.names)
            },
            "n_used": len(used.rows),
            **({} if used.learn is None else {"n_learn_from": int(used.learn.sum())}),
        },
        scores=fit.scores,
        engine=fit.engine,
        clustered=clustered,
        notes=fit.notes,
        sampling=found.sampling,
    )


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


@dataclass(frozen=True)
class FeatureChoice:
    """Which features are clustered.

    Attributes
    ----------
    dims : tuple of int, or None
        Latent dimensions; None stands for all.
    maps : tuple of str
        Names of maps.
    weights : Mapping of str to float
        See `Features`; a latent dimension is called ``latent_d<D>``.
    learn_from : str, optional
        The partition, such as a scan of a collection, whose samples clusters are learned from.
    """

    dims: tuple[int, ...] | None
    maps: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    learn_from: str | None = None


def latent_name(dim: int) -> str:
    """Return what a latent dimension is called among features."""
    return f"latent_d{dim}"


def chosen_features(
    choice: FeatureChoice, latents: LatentSet, maps: Mapping[str, NDArray[np.floating]]
) -> Features:
    """Return the features that were chosen, of n samples: latent dimensions, then maps.

    Of *all* latents those that have one value everywhere, or none, are left out: they can't
    separate anything. One that was named is kept, and then refused by `Features.use`.

    Parameters
    ----------
    maps : Mapping of str to ndarray, shape (n,)
        At the samples.

    Raises
    ------
    RequestError
        If a dimension or map doesn't exist or is named twice, a weight is not above 0 or of no
        feature, or nothing is left.
    """
    dims = [
        int(dim) for dim in (latents.dims[latents.varying] if choice.dims is None else choice.dims)
    ]
    for name in choice.maps:
        if name not in maps:
            message = f"No map is called {name!r}. There are: {', '.join(maps) or 'none'}."
            raise RequestError(message)
    columns = [*map(latent_name, dims), *choice.maps]
    _refuse_twice(columns)
    if not columns:
        message = (
            f"There is nothing to cluster: none of the {len(latents.dims)} latent dimensions has "
            "two different values, and no map was chosen. Choose a map, or another ROI."
        )
        raise RequestError(message)
    # Latents and most maps are of single precision: in double they would need twice the room.
    kind = np.result_type(np.float32, *(maps[name] for name in choice.maps))
    table = np.empty((len(latents), len(columns)), kind)
    if dims:
        for rows, values in latents.blocks_of(dims):
            table[rows, : len(dims)] = values
    for place, name in enumerate(choice.maps, len(dims)):
        table[:, place] = maps[name]
    order = None if latents.grid is None else latents.grid.node
    weights = {name: weight for name, weight in choice.weights.items() if weight != 1}
    left_out = [latent_name(int(dim)) for dim in latents.dims] if choice.dims is None else []
    check_weights(weights, [*columns, *left_out])
    present = {name: weight for name, weight in weights.items() if name in columns}
    learn = learned_of(latents, choice.learn_from)
    return Features(table, tuple(columns), order, present, learn)


def learned_of(latents: LatentSet, partition: str | None) -> NDArray[np.bool_] | None:
    """Return which samples are of a partition, shape (n,); None where none is named.

    Raises
    ------
    RequestError
        If there is none of that name.
    """
    if partition is None:
        return None
    there = [] if latents.partition is None else latents.partition.names
    if latents.partition is None or partition not in there:
        named = ", ".join(there[:12]) or "none"
        message = (
            f"The partition {partition!r} was to be learned from, but the latents have: "
            f"{named}. Name one of these, or learn from all."
        )
        raise RequestError(message)
    return latents.partition.mask([partition])


def _refuse_twice(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            message = (
                f"The feature {name!r} was chosen twice. "
                "Name it once; a weight makes it count more."
            )
            raise RequestError(message)
