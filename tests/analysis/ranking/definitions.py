"""The seven metrics as their definitions read: n × n arrays and other libraries, no tricks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.spatial.distance import pdist, squareform

__all__ = ["ABSOLUTE_ERROR", "DEFINITIONS", "residual"]


def residual(values, x, y, degree):
    powers = [x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)]
    design = np.stack(powers, axis=1)
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def mutual_information(latent, reference, x, y):
    from sklearn.feature_selection import mutual_info_regression

    return mutual_info_regression(latent[:, None], reference, n_neighbors=7, random_state=0)[0]


def distance_correlation(latent, reference, x, y):
    # Székely, Rizzo and Bakirov, Ann. Stat. 35 (2007) 2769, definitions 3 to 5.
    a, b = (_centered(np.abs(values[:, None] - values)) for values in (latent, reference))
    return np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean()))


def _centered(distances):
    rows = distances.mean(axis=0)
    return distances - rows - rows[:, None] + rows.mean()


def hsic(latent, reference, x, y):
    n = len(latent)
    centering = np.eye(n) - 1 / n
    k, m = (_gaussian(values) for values in (latent, reference))
    return ((centering @ k @ centering) * m).sum() / (n - 1) ** 2


def _gaussian(values):
    distances = pdist(values[:, None])
    sigma = np.median(distances[distances > 0])
    return np.exp(-(squareform(distances) ** 2) / (2 * sigma**2 + 1e-12))


def _partial(latent, reference, x, y):
    return stats.pearsonr(residual(latent, x, y, 1), residual(reference, x, y, 1))[0]


DEFINITIONS: dict[str, Callable[..., float]] = {
    "pearson": lambda latent, reference, x, y: stats.pearsonr(latent, reference)[0],
    "spearman": lambda latent, reference, x, y: stats.spearmanr(latent, reference)[0],
    "kendall": lambda latent, reference, x, y: stats.kendalltau(latent, reference)[0],
    "mi": mutual_information,
    "dcorr": distance_correlation,
    "hsic": hsic,
    "pp_spatial": _partial,
}

# Where a score is 0 but for rounding, digits have no meaning. A distance correlation is a root.
ABSOLUTE_ERROR = {"dcorr": 1e-7, "hsic": 1e-13}
