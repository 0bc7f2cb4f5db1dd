"""Smooth random fields over the specimen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["smooth_fields"]

_WAVES = 6
_WAVELENGTHS = (12.0, 36.0)


def smooth_fields(
    places: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return fields that are sums of a few random plane waves, each of unit variance.

    Parameters
    ----------
    places : ndarray of float64, shape (n, 2)
        In scan steps; the wavelengths are 12 to 36 of them.

    Returns
    -------
    ndarray of float64, shape (n, count)
    """
    fields = np.zeros((len(places), count))
    for _ in range(_WAVES):
        direction = rng.standard_normal((2, count))
        direction *= 2 * np.pi / (np.linalg.norm(direction, axis=0) * rng.uniform(*_WAVELENGTHS))
        fields += np.sin(places @ direction + rng.uniform(0, 2 * np.pi, count))
    return np.asarray(fields * np.sqrt(2 / _WAVES))
