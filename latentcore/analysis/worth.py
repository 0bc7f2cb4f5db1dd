"""What latents are worth: how much they hold of the samples, and of what lies on the scan.

- Active units and KL per dimension: Burda, Grosse and Salakhutdinov, *Importance weighted
  autoencoders*, ICLR 2016.
- Explained reconstruction, beside a PCA with as many components: a model that does worse than
  its linear cousin has not learned.
- Neighbor preservation: the share of each sample's nearest samples that are among its nearest
  latents too.
- Grain share and the adjusted Rand index of KMeans, where labels are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.collapse import active_units, units_of_spreads
from latentcore.analysis.shared_neighbors import in_common, nearest_others
from latentcore.containers import LatentSet
from latentcore.errors import ShapeError

Floats = NDArray[np.floating]

_NEIGHBORS = 10
_MOST_QUERIES = 2000
_STARTS = 50
_MIN_KL = 0.01
_HEAVY_KL = 0.05


@dataclass(frozen=True)
class LabelWorth:
    """How well latents separate labels.

    Attributes
    ----------
    neighbour_share : float
        Mean share of the 10 nearest latents that have the sample's own label.
    ari : float
        Adjusted Rand index of KMeans with as many clusters as there are labels (negative labels,
        such as pores, are no cluster of their own) and 50 starts.
    """

    neighbour_share: float
    ari: float
    n_labels: int


@dataclass(frozen=True, eq=False)
class Worth:
    """What latents are worth; None where what it needs was not given.

    Attributes
    ----------
    n, latent_dim : int
        Encoded samples and dimensions.
    n_active, n_collapsed : int
        Dimensions whose s.d. is above 0.1, below 0.01 of the prior's.
    sd : ndarray, shape (d,)
        Of the means.
    kl : ndarray, shape (d,), or None
        Mean divergence from the prior per dimension, in nats.
    explained, explained_by_pca : float or None
        Share of the samples' variance that is in the reconstructions, and in those of a PCA with
        as many components.
    neighbours_kept : float or None
        Share of the 10 nearest samples that are among the 10 nearest latents.
    warning : str
        A collapse and its likely cause; empty where all is well.
    """

    n: int
    latent_dim: int
    n_active: int
    n_collapsed: int
    sd: Floats
    kl: Floats | None = None
    explained: float | None = None
    explained_by_pca: float | None = None
    neighbours_kept: float | None = None
    labels: LabelWorth | None = None
    warning: str = ""


def worth(
    latents: Floats,
    *,
    log_variances: Floats | None = None,
    samples: Floats | None = None,
    explained: float | None = None,
    explained_by_pca: float | None = None,
    labels: NDArray[np.integer] | None = None,
    kl_weight: float | None = None,
    seed: int = 0,
) -> Worth:
    """Judge latents by whatever is known beside them.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
        Means, where the encoder is a VAE; rows with a NaN take no part.
    log_variances : ndarray, shape (n, d), optional
        Of the posterior.
    samples : ndarray, shape (n, …), optional
        Prepared samples, for neighbor preservation.
    explained, explained_by_pca : float, optional
        From `explained_share`.
    labels : ndarray of int, shape (n,), optional
        Truth, or a phase map.
    kl_weight : float, optional
        That the model was trained with; named as the cause of a collapse.

    Raises
    ------
    ShapeError
        If the arrays don't have as many rows.
    """
    for name, rows in (("log variances", log_variances), ("samples", samples), ("labels", labels)):
        if rows is not None and len(rows) != len(latents):
            message = f"{len(latents)} latents can't be judged with {len(rows)} {name}."
            raise ShapeError(message)
    encoded = np.isfinite(latents).all(axis=1)
    means = latents[encoded]
    units = active_units(latents)
    kl = None if log_variances is None else kl_from_prior(means, log_variances[encoded])
    return Worth(
        n=len(means),
        latent_dim=latents.shape[1],
        n_active=units.n_active,
        n_collapsed=units.n_collapsed,
        sd=units.sd,
        kl=kl,
        explained=explained,
        explained_by_pca=explained_by_pca,
        neighbours_kept=(
            None if samples is None else neighbour_overlap(samples[encoded], means, seed=seed)
        ),
        labels=None if labels is None else label_worth(means, labels[encoded], seed=seed),
        warning=_warning(latents.shape[1], units.n_active, kl_weight, kl),
    )


def worth_of_latents(latents: LatentSet) -> Worth:
    """Judge latents by their spread alone, which needs no more than a block of them in memory."""
    n, d = int(latents.encoded.sum()), latents.shape[1]
    units = units_of_spreads(latents.spreads if n else np.full(d, np.nan))
    warning = _warning(d, units.n_active, None, None)
    return Worth(n, d, units.n_active, units.n_collapsed, units.sd, warning=warning)


def kl_from_prior(means: Floats, log_variances: Floats) -> Floats:
    """Return the mean divergence of each dimension's posterior from N(0, 1), (d,), in nats."""
    means, log_variances = (np.asarray(values, np.float64) for values in (means, log_variances))
    divergence = 0.5 * (means**2 + np.exp(log_variances) - 1 - log_variances)
    return np.asarray(divergence.mean(axis=0))


def explained_share(samples: Floats, reconstructed: Floats) -> float:
    """Return 1 − (mean squared residual) / (variance about the mean sample): 1 is perfect.

    Parameters
    ----------
    samples, reconstructed : ndarray, shape (n, …)
    """
    flat = np.asarray(samples, np.float64).reshape(len(samples), -1)
    residual = flat - np.asarray(reconstructed, np.float64).reshape(len(samples), -1)
    total = float(np.square(flat - flat.mean(axis=0)).sum())
    return 1.0 - float(np.square(residual).sum()) / total if total > 0 else float("nan")


def neighbour_overlap(
    samples: Floats, latents: Floats, *, k: int = _NEIGHBORS, seed: int = 0
) -> float:
    """Return the share of nearest samples that are nearest latents too, 0 to 1.

    Parameters
    ----------
    samples : ndarray, shape (n, …)
    latents : ndarray, shape (n, d)
    k : int
        Neighbors; fewer where there are fewer samples.
    seed : int
        At most 2,000 samples are asked, drawn with it; all are candidates.
    """
    n = len(latents)
    k = min(k, n - 1)
    if k < 1:
        return float("nan")
    asked = np.sort(np.random.default_rng(seed).permutation(n)[:_MOST_QUERIES])
    near_samples = nearest_others(np.asarray(samples, np.float32).reshape(n, -1), asked, k)
    near_latents = nearest_others(np.asarray(latents, np.float32), asked, k)
    return float(in_common(near_samples, near_latents).astype(np.float64).mean())


def label_worth(
    latents: Floats, labels: NDArray[np.integer], *, k: int = _NEIGHBORS, seed: int = 0
) -> LabelWorth:
    """Judge latents by labels.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
        Finite.
    labels : ndarray of int, shape (n,)
        Negative ones are a label like others for neighbors, and no cluster for KMeans.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    n_labels = max(1, len(np.unique(labels[labels >= 0])))
    k = min(k, len(latents) - 1)
    if k < 1:
        return LabelWorth(float("nan"), float("nan"), n_labels)
    near = nearest_others(np.asarray(latents, np.float32), np.arange(len(latents)), k)
    share = float((labels[near] == labels[:, None]).mean())
    found = KMeans(min(n_labels, len(latents)), n_init=_STARTS, random_state=seed)
    return LabelWorth(
        share, float(adjusted_rand_score(labels, found.fit_predict(latents))), n_labels
    )


def _warning(d: int, n_active: int, kl_weight: float | None, kl: Floats | None) -> str:
    if n_active >= d / 2 or d == 0:
        return ""
    text = f"Only {n_active} of {d} dimensions are active"
    if n_active == 0:
        text = f"The latents are collapsed: none of {d} dimensions is active"
    quiet = "" if kl is None else f"; {int((kl < _MIN_KL).sum())} differ from the prior by nothing"
    if kl_weight is not None and kl_weight > _HEAVY_KL:
        cause = (
            f"The KL weight {kl_weight:g} outweighs a mean squared error per pixel: try "
            f"{kl_weight / 1000:g}, a warm-up or free bits."
        )
    elif n_active == 0:
        cause = "The model learned nothing of the samples: train longer, or look at them."
    else:
        cause = "The samples may not need more dimensions: fewer would hold the same."
    return f"{text}{quiet}. {cause}"
