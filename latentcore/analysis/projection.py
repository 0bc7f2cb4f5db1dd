"""Two or three coordinates for many latent dimensions: PCA and UMAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.landmarks import (
    FEWEST_FOR_UMAP,
    MOST_FITTED,
    balanced_rows,
    fitted_rows,
    rows_first,
)
from latentcore.analysis.parameters import check_seed
from latentcore.analysis.representatives import representatives
from latentcore.analysis.umap_engine import (
    PLACED_BY,
    compile_ahead,
    lay_out,
    place_in_layout,
)
from latentcore.containers import Embedding, LatentSet, later
from latentcore.errors import RequestError
from latentcore.progress import Progress

UMAP_METRICS = ("euclidean", "cosine", "correlation", "manhattan", "chebyshev")

_BLOCK = 8_192
_RELATIVE_ZERO = 1e-12
# In the place of a partition's name: all of them, balanced.
EACH = "*"
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
    _check_components(components)
    rows = _encoded_rows(latents, components + 1)
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
    _refuse_identical(values)
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
    coordinates = _placed(found.coordinates, np.flatnonzero(rows), len(latents))
    return replace(found, coordinates=coordinates, sample_ids=_ids(latents))


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
    _check_components(components)
    _check_umap(neighbors, min_dist, metric, fit_on)
    check_seed(seed)
    progress = progress or Progress()
    rows = _encoded_rows(latents, FEWEST_FOR_UMAP)
    values = latents.values[rows]
    _refuse_identical(values)
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
    settings = {
        "n_components": components,
        "n_neighbors": used_neighbors,
        "min_dist": min_dist,
        "metric": metric,
        "random_state": seed,
        # Spectral layout needs more rows than components by some margin.
        "init": "spectral" if len(fitted) > 10 * components else "random",
        "n_jobs": 1,
    }
    if len(fitted) < len(rows):
        notes.append(
            f"laid out on {len(fitted):,} landmarks{_how_many_in_roi(first, fitted)}; each of the "
            f"other {len(rows) - len(fitted):,} rows is at the weighted mean of its "
            f"{min(PLACED_BY, used_neighbors)} nearest landmarks"
        )
    coordinates = lay_out(values, fitted, settings, notes, progress)
    return Embedding(
        coordinates=_placed(coordinates, rows, len(latents)),
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
    settings = {
        "n_components": laid_out.shape[1],
        "n_neighbors": neighbors,
        "min_dist": min_dist,
        "metric": metric,
        "random_state": seed,
        "n_jobs": 1,
    }
    return place_in_layout(learned, laid_out, values, settings, progress or Progress())


def warm_up(*, large: bool = False) -> None:
    """Make umap-learn compile what it compiles at first use, or load it from disk.

    Without `large`, only what embeds up to some ten thousand rows, which takes seconds; the rest
    takes up to a minute, once per machine.
    """
    compile_ahead(Progress(), large=large)


def _check_components(components: int) -> None:
    if components not in (2, 3):
        message = f"An embedding has 2 or 3 components, but {components} were asked for."
        raise RequestError(message)


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


def _encoded_rows(latents: LatentSet, fewest: int) -> NDArray[np.int64]:
    rows = np.flatnonzero(latents.encoded)
    if len(rows) < fewest:
        message = (
            f"{len(rows)} of {len(latents)} samples have a latent; an embedding needs at least "
            f"{fewest}. Extract more samples, or choose a larger ROI."
        )
        raise RequestError(message)
    return rows


def _refuse_identical(values: NDArray[np.floating]) -> None:
    if (values == values[0]).all():
        message = (
            f"All {len(values)} latents are equal, so there is nothing to embed. "
            "The encoder has collapsed, or the file holds a constant."
        )
        raise RequestError(message)


def _projected(
    values: NDArray[np.floating], mean: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    blocks = [
        (values[start : start + _BLOCK].astype(np.float64) - mean) @ axes.T
        for start in range(0, len(values), _BLOCK)
    ]
    return np.concatenate(blocks)


def _whitening(values: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    mean, axes, variance = principal_axes(values)
    kept = variance > _RELATIVE_ZERO * variance[0]
    return {"mean": mean, "axes": axes[kept] / np.sqrt(variance[kept])[:, None]}


def _placed(
    coordinates: NDArray[np.floating], rows: NDArray[np.int64], n: int
) -> NDArray[np.float32]:
    placed = np.full((n, coordinates.shape[1]), np.nan, np.float32)
    placed[rows] = coordinates
    return placed


def _how_many_in_roi(first: NDArray[np.bool_] | None, fitted: NDArray[np.int64]) -> str:
    return "" if first is None else f", {int(first[fitted].sum()):,} of them in the ROI"


def _fitting_neighbors(neighbors: int, n: int, notes: list[str]) -> int:
    if neighbors < n:
        return neighbors
    notes.append(f"neighbors lowered from {neighbors} to {n - 1}, as only {n} rows are fitted")
    return n - 1
