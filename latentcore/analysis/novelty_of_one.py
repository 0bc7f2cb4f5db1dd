"""How unlike all samples of a file one new sample is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.novelty import Parts, Reference, parts_at_random, parts_by_group
from latentcore.analysis.probe_splits import squares_of
from latentcore.containers import LatentSet
from latentcore.errors import RequestError

NEIGHBORS = 10
# One sample is judged while somebody waits; more would hardly move its percentile.
_MOST_FITTED, _MOST_CALIBRATING = 20_000, 2_000
_SAME = 1e-5


@dataclass(frozen=True)
class OneNovelty:
    """How unlike a reference one sample is.

    Attributes
    ----------
    percentile : float
        0 to 100; that of a sample of the reference's kind is as likely one number as another.
    percentile_mahalanobis, percentile_neighbors : float
        Of each distance alone.
    mahalanobis, neighbor_distance : float
        See `latentcore.analysis.novelty.Distances`.
    calibration : str
        ``"place"``, where whole squares of the scan were set aside, or ``"random"``.
    """

    percentile: float
    percentile_mahalanobis: float
    percentile_neighbors: float
    mahalanobis: float
    neighbor_distance: float
    neighbors: int
    n_fitted: int
    n_calibrating: int
    calibration: str
    seed: int


def novelty_of_one(latent: NDArray[np.floating], latents: LatentSet, seed: int = 0) -> OneNovelty:
    """Judge one sample by all others, as the verb ``novelty`` does.

    Parameters
    ----------
    latent : ndarray, shape (d,)
        Of a sample that is not among `latents`, made by the same encoder.
    seed : int
        Draws what is set aside, and at most 20,000 samples that are learned.

    Raises
    ------
    RequestError
        If the sample is one of them, or they are too few to say what is usual.
    """
    parts, way = reference_parts(latents, seed)
    if _is_among(latent, latents):
        message = (
            "The sample is one of those that the latents were made of, so it can't be new: its "
            "percentile would say nothing."
        )
        raise RequestError(message)
    rows = np.union1d(parts.fitted, parts.calibrating)
    within = Parts(np.searchsorted(rows, parts.fitted), np.searchsorted(rows, parts.calibrating))
    reference = Reference(latents.rows(rows), within, NEIGHBORS)
    found = reference.judge(np.asarray(latent, np.float32)[None])
    return OneNovelty(
        percentile=float(found.percentile[0]),
        percentile_mahalanobis=float(found.percentile_mahalanobis[0]),
        percentile_neighbors=float(found.percentile_neighbors[0]),
        mahalanobis=float(found.distances.mahalanobis[0]),
        neighbor_distance=float(found.distances.neighbors[0]),
        neighbors=reference.k,
        n_fitted=len(parts.fitted),
        n_calibrating=len(parts.calibrating),
        calibration=way,
        seed=seed,
    )


def reference_parts(latents: LatentSet, seed: int) -> tuple[Parts, str]:
    """Return what of the latents is learned and what says what is usual, and how it was divided."""
    if latents.grid is None:
        way, parts = "random", parts_at_random(latents.encoded, seed)
    else:
        squares, _ = squares_of(np.where(latents.encoded, 0, -1), latents.grid)
        way, parts = "place", parts_by_group(latents.encoded, squares, seed)
    random = np.random.default_rng(seed)
    few = (
        np.sort(random.choice(rows, min(len(rows), most), replace=False))
        for rows, most in (
            (parts.fitted, _MOST_FITTED), (parts.calibrating, _MOST_CALIBRATING),
        )
    )  # fmt: skip
    return Parts(*few), way


def _is_among(latent: NDArray[np.floating], latents: LatentSet) -> bool:
    room = _SAME * (1 + np.abs(latent))
    return any(
        bool((np.abs(values - latent) <= room).all(axis=1).any()) for _, values in latents.blocks()
    )
