"""UMAP of latents: the rows it is laid out on, and the others among them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.embedded_rows import check_components, encoded_rows, placed, refuse_equal
from latentcore.analysis.landmarks import (
    FEWEST_FOR_UMAP,
    MOST_FITTED,
    balanced_rows,
    fitted_rows,
    rows_first,
)
from latentcore.analysis.parameters import check_seed
from latentcore.analysis.principal_components import place_by_axes, principal_axes
from latentcore.analysis.umap_engine import (
    PLACED_BY,
    compile_ahead,
    lay_out,
    place_in_layout,
)
from latentcore.containers import Embedding, LatentSet
from latentcore.errors import RequestError
from latentcore.progress import Progress

UMAP_METRICS = ("euclidean", "cosine", "correlation", "manhattan", "chebyshev")
# In the place of a partition's name: all of them, balanced.
EACH = "*"

_RELATIVE_ZERO = 1e-12


def umap(
    latents: LatentSet,
    *,
    components: int = 2,
    neighbors: int = 15,
    min_dist: float = 0.1,
    metric: str = "euclidean",
    fit_on: int | None = None,
    fit_partition: str | None = None,
    fit_roi: tuple[float, ...] | None = None,
    whiten: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Embedding:
    """Embed latents with UMAP.

    Distances in the result are not metric: near stays near, but far says little.

    Parameters
    ----------
    latents : LatentSet
        Rows with a NaN are left out.
    components : {2, 3}
    neighbors : int
        Size of the neighborhood; at most the number of rows less one is used, which the
        parameters then record.
    min_dist : float
        How close points may lie, 0 … 1.
    metric : str
        One of `UMAP_METRICS`.
    fit_on : int, optional
        Learn from this many landmarks, drawn by the seed evenly over the scan, and place the
        others among them afterwards. By default from all, but at most 200,000.
    fit_partition : str, optional
        Learn from rows of this partition only; ``"*"`` learns from as many of each partition, as
        far as it has them: of each at most as many as the smallest has, or 2,000.
    fit_roi : tuple of float, optional
        (x0, x1, y0, y1), half-open: where not all are learned from, landmarks are rows of this
        part of the scan first, and others as far as these are too few.
    whiten : bool
        Whether to give all principal components of the latents unit variance first. Those with
        less than 1e-12 of the largest variance are left out.
    seed : int
        The same seed gives the same coordinates.
    progress : Progress, optional
        Cancelling works between epochs.

    Returns
    -------
    Embedding
        float32 coordinates, NaN where there is no latent. ``notes`` among its parameters says
        what was adjusted and what the library warned of.

    Raises
    ------
    RequestError
        If a parameter makes no sense, or there are fewer than 5 encoded rows, or all are equal.

    Source
    ------
    McInnes, Healy and Melville, *UMAP*, arXiv:1802.03426.
    """
    check_components(components)
    _check_umap(neighbors, min_dist, metric, fit_on)
    check_seed(seed)
    progress = progress or Progress()
    rows = encoded_rows(latents, FEWEST_FOR_UMAP)
    values = latents.values[rows]
    refuse_equal(values)
    whitening: dict[str, NDArray[np.float64]] = {}
    if whiten:
        progress.step(0, 1, "whitening")
        whitening = _whitening(values)
        values = place_by_axes(values, whitening)
    first = rows_first(latents, rows, fit_roi)
    notes: list[str] = []
    if fit_partition == EACH and latents.partition is not None:
        fitted = balanced_rows(latents, rows, fit_on or MOST_FITTED, seed, notes)
    else:
        fitted = fitted_rows(latents, rows, fit_on or MOST_FITTED, fit_partition, first, seed)
    used_neighbors = _fitting_neighbors(neighbors, len(fitted), notes)
    settings = _settings(components, used_neighbors, min_dist, metric, seed)
    # Spectral layout needs more rows than components by some margin.
    settings["init"] = "spectral" if len(fitted) > 10 * components else "random"
    if len(fitted) < len(rows):
        notes.append(
            f"laid out on {len(fitted):,} landmarks{_how_many_in_roi(first, fitted)}; each of the "
            f"other {len(rows) - len(fitted):,} rows is at the weighted mean of its "
            f"{min(PLACED_BY, used_neighbors)} nearest landmarks"
        )
    coordinates = lay_out(values, fitted, settings, notes, progress)
    return Embedding(
        coordinates=placed(coordinates, rows, len(latents)),
        sample_ids=latents.sample_ids,
        method="umap",
        parameters={
            "components": components,
            "neighbors": used_neighbors,
            "min_dist": min_dist,
            "metric": metric,
            "fit_on": fit_on,
            "fit_partition": fit_partition,
            "fit_roi": fit_roi,
            "n_fitted": len(fitted),
            "n_fitted_in_roi": None if first is None else int(first[fitted].sum()),
            "whiten": whiten,
            "seed": seed,
            "n_used": len(rows),
            "notes": tuple(notes),
        },
        engine=umap_version(),
        fitted={"landmarks": values[fitted], "places": coordinates[fitted], **whitening},
    )


def umap_version() -> str:
    """Return name and version of the library that computes a UMAP."""
    return f"umap-learn {metadata.version('umap-learn')}"


def place_by_umap(
    values: NDArray[np.floating],
    fitted: Mapping[str, NDArray[np.floating]],
    *,
    neighbors: int,
    min_dist: float,
    metric: str,
    seed: int,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Place finite latents (n, d) in a UMAP that was fitted before, (n, c).

    umap-learn's own transform: each new row is joined to its nearest landmarks, starts at their
    weighted mean, and is moved by the attractions and repulsions of the layout, which stays.

    Parameters
    ----------
    fitted : Mapping
        Of the `Embedding`.
    neighbors, min_dist, metric, seed
        Its parameters.
    """
    learned, laid_out = fitted["landmarks"], fitted["places"].astype(np.float32)
    if "axes" in fitted:
        values = place_by_axes(values, fitted)
    settings = _settings(laid_out.shape[1], neighbors, min_dist, metric, seed)
    return place_in_layout(learned, laid_out, values, settings, progress or Progress())


def warm_up(*, large: bool = False) -> None:
    """Make umap-learn compile what it compiles at first use, or load it from disk.

    Without `large`, only what embeds up to some ten thousand rows, which takes seconds; the rest
    takes up to a minute, once per machine.
    """
    compile_ahead(Progress(), large=large)


def _check_umap(neighbors: int, min_dist: float, metric: str, fit_on: int | None) -> None:
    if neighbors < 2:
        message = f"UMAP needs at least 2 neighbors, but {neighbors} were asked for."
    elif not 0 <= min_dist <= 1:
        message = f"UMAP's min_dist must lie in 0 … 1, but is {min_dist:g}."
    elif metric not in UMAP_METRICS:
        message = f"UMAP's metric must be one of {', '.join(UMAP_METRICS)}, but is {metric!r}."
    elif fit_on is not None and fit_on < FEWEST_FOR_UMAP:
        message = f"UMAP must be fitted on at least {FEWEST_FOR_UMAP} rows, but fit_on is {fit_on}."
    else:
        return
    raise RequestError(message)


def _settings(
    components: int, neighbors: int, min_dist: float, metric: str, seed: int
) -> dict[str, Any]:
    """Return the parameters of ``umap.UMAP``."""
    return {
        "n_components": components,
        "n_neighbors": neighbors,
        "min_dist": min_dist,
        "metric": metric,
        "random_state": seed,
        "n_jobs": 1,
    }


def _whitening(values: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    mean, axes, variance = principal_axes(values)
    kept = variance > _RELATIVE_ZERO * variance[0]
    return {"mean": mean, "axes": axes[kept] / np.sqrt(variance[kept])[:, None]}


def _how_many_in_roi(first: NDArray[np.bool_] | None, fitted: NDArray[np.int64]) -> str:
    return "" if first is None else f", {int(first[fitted].sum()):,} of them in the ROI"


def _fitting_neighbors(neighbors: int, n: int, notes: list[str]) -> int:
    if neighbors < n:
        return neighbors
    notes.append(f"neighbors lowered from {neighbors} to {n - 1}, as only {n} rows are fitted")
    return n - 1
