"""An embedding as a scatter, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.containers import Embedding
from latentcore.figures._canvas import new_figure, printed_style, thousands
from latentcore.figures.colors import categorical_rgb, cluster_palette, continuous_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["embedding_figure"]

_SIDE = 4.4
_DARKER_PART = 0.8
_FEWEST_BINS, _MOST_BINS = 12, 160
_FLATTEST, _TALLEST = 0.5, 1.3


def embedding_figure(
    embedding: Embedding,
    *,
    values: ArrayLike | None = None,
    labels: NDArray[np.integer] | None = None,
    cmap: str = "viridis",
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw an embedding; three components as two panels.

    Parameters
    ----------
    embedding : Embedding
    values : array_like, shape (n,), optional
        Colours by a quantity.
    labels : ndarray of int, shape (n,), optional
        Colours by cluster, and goes before `values`. Without either, darkness tells how
        densely points lie.
    cmap : str
    limits : tuple of float, optional
        By default the 2 % and 98 % quantiles.
    """
    coordinates = embedding.coordinates
    shown = np.flatnonzero(np.isfinite(coordinates).all(axis=1))
    # In file order what comes last would hide the rest.
    shown = np.random.default_rng(0).permutation(shown)
    others = range(1, coordinates.shape[1])
    with printed_style():
        height = _SIDE * _proportion(coordinates[shown])
        figure = new_figure(_SIDE * len(others) + 0.3, height + 0.75)
        for axes, other in zip(np.ravel(figure.subplots(1, len(others))), others, strict=True):
            pair = coordinates[shown][:, [0, other]]
            rgb = _colors(pair, shown, values, labels, cmap, limits)
            _scatter(axes, pair, rgb)
            axes.set(xlabel=_axis(embedding, 0), ylabel=_axis(embedding, other))
        figure.suptitle(_title(embedding, len(shown)), fontsize=8, x=0.02, ha="left")
    return figure


def _colors(
    pair: NDArray[np.float32],
    shown: NDArray[np.int64],
    values: ArrayLike | None,
    labels: NDArray[np.integer] | None,
    cmap: str,
    limits: tuple[float, float] | None,
) -> NDArray[np.uint8]:
    if labels is not None:
        return categorical_rgb(labels[shown], cluster_palette(labels))
    if values is not None:
        chosen = np.asarray(values, np.float64)[shown]
        return continuous_rgb(chosen, limits or robust_limits(chosen), cmap)
    density = np.log1p(_density(pair))
    most = max(float(density.max(initial=0)), 1e-9)
    # The denser the darker, and nothing as pale as the paper.
    return continuous_rgb(most - density, (0.0, most / _DARKER_PART), "viridis")


def _density(pair: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how many points share each point's cell of a smoothed count, shape (n,)."""
    from scipy.ndimage import gaussian_filter

    if len(pair) == 0:
        return np.zeros(0)
    low = pair.min(axis=0)
    span = np.maximum(pair.max(axis=0) - low, 1e-12)
    # Some points to a bin on average, or the shading would show chance.
    bins = int(np.clip(np.sqrt(len(pair)) / 2, _FEWEST_BINS, _MOST_BINS))
    cell = np.minimum(((pair - low) / span * bins).astype(np.int64), bins - 1)
    flat = cell[:, 0] * bins + cell[:, 1]
    counts = np.bincount(flat, minlength=bins * bins).reshape(bins, bins)
    return np.asarray(gaussian_filter(counts.astype(np.float64), 1.0).ravel()[flat])


def _proportion(coordinates: NDArray[np.float32]) -> float:
    """Return the height of a panel in its widths, so that equal scales leave little empty."""
    if len(coordinates) == 0:
        return 1.0
    spans = np.ptp(coordinates, axis=0)
    tallest = float(spans[1:].max())
    return float(np.clip(tallest / max(float(spans[0]), 1e-12), _FLATTEST, _TALLEST))


def _scatter(axes: Axes, pair: NDArray[np.float32], rgb: NDArray[np.uint8]) -> None:
    size = float(np.clip(15_000 / max(1, len(pair)), 0.3, 12.0))
    axes.scatter(pair[:, 0], pair[:, 1], c=rgb / 255.0, s=size, linewidths=0, rasterized=True)
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(False)


def _axis(embedding: Embedding, component: int) -> str:
    ratio = embedding.scores.get(f"explained_variance_ratio_{component}")
    if ratio is not None:
        return f"principal component {component + 1} ({ratio:.1%} of the variance)"
    return f"U{component} ({embedding.method.upper()})"


def _title(embedding: Embedding, n: int) -> str:
    if embedding.method != "umap":
        return f"{embedding.method.upper()} of {thousands(n)} latents"
    told = ", ".join(
        f"{name} {embedding.parameters[name]}"
        for name in ("neighbors", "min_dist", "metric", "seed")
        if name in embedding.parameters
    )
    return f"UMAP of {thousands(n)} latents; only nearness has a meaning\n{told}"
