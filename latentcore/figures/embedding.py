"""An embedding as a scatter, for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.containers import NOISE, Embedding, default_sample_ids
from latentcore.figures._canvas import color_bar, new_figure, printed_style
from latentcore.figures.colors import (
    MISSING_COLORS,
    MISSING_USUAL,
    TRANSPARENT,
    categorical_rgb,
    check_limits,
    cluster_palette,
    continuous_rgb,
    hex_to_rgb,
    is_diverging,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 4.4
# Room for a color bar or a legend.
_KEY = 1.1
_MOST_NAMED = 24
# More dots than this hide each other, and take minutes: then a part of them is drawn.
_MOST_DRAWN, _DRAWN = 2_000_000, 500_000
_DIM = 0.3
_PALE = (226, 226, 226)
_UNDER = 212
_DARKER_PART = 0.8
_FEWEST_BINS, _MOST_BINS = 12, 160
_FLATTEST, _TALLEST = 0.5, 1.3


@dataclass(frozen=True, eq=False)
class RegionColors:
    """Named regions of the points of an embedding.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        The place of each point's region in `names`, -1 where it is in none.
    names : tuple of str
    colors : tuple of str
        ``#rrggbb``.
    """

    labels: NDArray[np.integer]
    names: tuple[str, ...]
    colors: tuple[str, ...]

    def over(self, rgb: NDArray[np.uint8], shown: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return colors of some points with those of the regions in place of theirs."""
        labels, table = self.labels[shown], np.array([hex_to_rgb(one) for one in self.colors])
        painted = rgb.copy()
        painted[labels >= 0] = table[labels[labels >= 0]]
        return painted

    def explain(self, figure: Figure) -> None:
        """Write below a figure which color is which region."""
        from matplotlib.patches import Patch

        named = list(zip(self.colors, self.names, strict=True))
        patches = [Patch(facecolor=color, label=name) for color, name in named[:_MOST_NAMED]]
        if len(named) > len(patches):
            patches.append(Patch(facecolor="white", label=f"and {len(named) - len(patches)} more"))
        figure.legend(
            handles=patches, title="region", loc="outside lower left", ncols=3, alignment="left",
            handlelength=1.2,
        )  # fmt: skip


def embedding_figure(
    embedding: Embedding,
    *,
    values: ArrayLike | None = None,
    labels: NDArray[np.integer] | None = None,
    rgb: NDArray[np.uint8] | None = None,
    cmap: str = "viridis",
    limits: tuple[float, float] | None = None,
    label: str = "",
    names: Mapping[int, str] | None = None,
    colors: Sequence[str] | None = None,
    inside: NDArray[np.bool_] | None = None,
    selected: NDArray[np.bool_] | None = None,
    regions: RegionColors | None = None,
    missing: str = MISSING_USUAL,
    under: NDArray[np.floating] | None = None,
) -> Figure:
    """Draw an embedding; three components as two panels.

    Parameters
    ----------
    values : array_like, shape (n,), optional
        Colors by a quantity; NaN has the color of missing points.
    labels : ndarray of int, shape (n,), optional
        Colors by category, and goes before `values`.
    rgb : ndarray of uint8, shape (n, 3), optional
        Colors as they are, and goes before both. Without any of the three, darkness shows how
        densely points lie.
    limits : tuple of float, optional
        By default the 2 % and 98 % quantiles, symmetric for a diverging color map.
    label : str
        What the colors mean, with unit.
    names : Mapping of int to str, optional
        What the labels are called in the legend; those that are missing have the color of missing
        points.
    colors : sequence of str, optional
        ``#rrggbb`` of labels 0, 1, …; those of clusters if not given.
    inside : ndarray of bool, shape (n,), optional
        The others are out of view: faint and gray.
    selected : ndarray of bool, shape (n,), optional
        The others are dimmed.
    regions : RegionColors, optional
        Their points have their color in place of the other one.
    missing : str
        Color of points without a value, in `latentcore.figures.colors.MISSING_COLORS`;
        ``"transparent"`` leaves them out.
    under : ndarray, shape (m, 2), optional
        Other points of the same two axes, which lie under these in gray.

    Raises
    ------
    RequestError, UnknownNameError
        If the limits or the color map make no sense.
    """
    coordinates = embedding.coordinates
    shown = np.flatnonzero(np.isfinite(coordinates).all(axis=1))
    # In file order what comes last would hide the rest.
    n, shown = len(shown), np.random.default_rng(0).permutation(shown)
    shown = shown[: _DRAWN if n > _MOST_DRAWN else None]
    shown = _selected_last(shown, inside, selected)
    others = range(1, coordinates.shape[1])
    chosen = None if values is None else np.asarray(values, np.float64)
    if chosen is not None and limits is None:
        limits = robust_limits(chosen, symmetric=is_diverging(cmap))
    with printed_style():
        height = _SIDE * _proportion(_with_under(coordinates[shown], under))
        figure = new_figure(_SIDE * len(others) + 0.3 + _KEY * bool(label), height + 0.75)
        for axes, other in zip(np.ravel(figure.subplots(1, len(others))), others, strict=True):
            pair = coordinates[shown][:, [0, other]]
            if rgb is not None:
                painted = rgb[shown]
            elif labels is not None:
                painted = categorical_rgb(labels[shown], cluster_palette(labels, colors))
            elif chosen is not None and limits is not None:
                painted = continuous_rgb(chosen[shown], limits, cmap)
            else:
                painted = _density_rgb(pair)
            painted, there = _missing_points(
                painted, _absent(shown, rgb, chosen, labels, names), missing
            )
            if regions is not None:
                painted = regions.over(painted, shown)
            painted = _dimmed(painted, shown, inside, selected)
            _lay_under(axes, under, other)
            _scatter(axes, pair[there], painted[there])
            axes.set(xlabel=_axis(embedding, 0), ylabel=_axis(embedding, other))
        if rgb is None and labels is not None and label:
            _legend(axes, cluster_palette(labels, colors), names, label)
        else:
            bar = None if rgb is not None or chosen is None else chosen[shown]
            _explain(axes, bar, limits, cmap, label)
        if regions is not None:
            regions.explain(figure)
        figure.suptitle(_title(embedding, n, len(shown)), fontsize=8, x=0.02, ha="left")
    return figure


def _with_under(
    points: NDArray[np.float32], under: NDArray[np.floating] | None
) -> NDArray[np.floating]:
    both = under is not None and points.shape[1] == under.shape[1]
    return np.concatenate([points, under]) if under is not None and both else points


def _lay_under(axes: Axes, under: NDArray[np.floating] | None, other: int) -> None:
    if under is not None and other == 1:
        _scatter(axes, under, np.full((len(under), 3), _UNDER, np.uint8))


def _selected_last(
    shown: NDArray[np.int64],
    inside: NDArray[np.bool_] | None,
    selected: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Order points so that those in view lie above the others, and the selected above all."""
    for mask in (inside, selected):
        if mask is not None:
            shown = shown[np.argsort(mask[shown], kind="stable")]
    return shown


def _dimmed(
    rgb: NDArray[np.uint8],
    shown: NDArray[np.int64],
    inside: NDArray[np.bool_] | None,
    selected: NDArray[np.bool_] | None,
) -> NDArray[np.uint8]:
    """Fade points that are not selected, and take the color of those out of view."""
    faded = rgb.copy()
    if selected is not None:
        rest = ~selected[shown]
        faded[rest] = np.round(_DIM * rgb[rest] + (1 - _DIM) * np.array(_PALE))
    if inside is not None:
        faded[~inside[shown]] = _PALE
    return faded


def _missing_points(
    painted: NDArray[np.uint8], absent: NDArray[np.bool_], missing: str
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return colors with that of missing points, and which points are drawn."""
    if missing == TRANSPARENT:
        return painted, ~absent
    painted = painted.copy()
    painted[absent] = hex_to_rgb(MISSING_COLORS[missing])
    return painted, np.ones(len(painted), np.bool_)


def _absent(
    shown: NDArray[np.int64],
    rgb: NDArray[np.uint8] | None,
    values: NDArray[np.float64] | None,
    labels: NDArray[np.integer] | None,
    names: Mapping[int, str] | None,
) -> NDArray[np.bool_]:
    """Tell which points have no value, or no label that has a name."""
    if rgb is None and labels is not None:
        known = labels[shown] >= NOISE
        return ~(known & np.isin(labels[shown], list(names)) if names is not None else known)
    if rgb is not None or values is None:
        return np.zeros(len(shown), np.bool_)
    return np.isnan(values[shown])


def _explain(
    axes: Axes,
    values: NDArray[np.float64] | None,
    limits: tuple[float, float] | None,
    cmap: str,
    label: str,
) -> None:
    """Say what the colors mean that are no labels: a color bar of values, or a title."""
    if label and values is not None and limits is not None:
        color_bar(axes, values, check_limits(limits), cmap, label)
    elif label:
        axes.set_title(label)


def _legend(
    axes: Axes, palette: Mapping[int, str], names: Mapping[int, str] | None, title: str
) -> None:
    from matplotlib.patches import Patch

    known = [one for one in palette if names is None or one in names]
    patches = [
        Patch(facecolor=palette[one], label=str(one) if names is None else names[one])
        for one in known[:_MOST_NAMED]
    ]
    if len(known) > len(patches):
        patches.append(Patch(facecolor="white", label=f"and {len(known) - len(patches)} more"))
    axes.legend(
        handles=patches, title=title, loc="upper left", bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0, handlelength=1.2, alignment="left",
    )  # fmt: skip


def _density_rgb(pair: NDArray[np.float32]) -> NDArray[np.uint8]:
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
        return f"principal component {component + 1} ({100 * ratio:.1f} % of the variance)"
    return f"U{component} ({embedding.method.upper()})"


def _title(embedding: Embedding, n: int, drawn: int) -> str:
    some = "" if drawn == n else f", {drawn:,} of them drawn"
    if embedding.method != "umap":
        return f"{embedding.method.upper()} of {n:,} latents{some}"
    parameters = ", ".join(
        f"{name} {embedding.parameters[name]}"
        for name in ("neighbors", "min_dist", "metric", "seed")
        if name in embedding.parameters
    )
    return f"UMAP of {n:,} latents{some}; only nearness has a meaning\n{parameters}"


def over_reference(embedding: Embedding, places: NDArray[np.floating]) -> Figure:
    """Draw what was placed over what it was placed among, (m, 2), which is gray."""
    coordinates = np.concatenate([places.astype(np.float32), embedding.coordinates])
    ids = np.concatenate([default_sample_ids(len(places)), embedding.sample_ids])
    new = np.arange(len(coordinates)) >= len(places)
    both = replace(embedding, coordinates=coordinates, sample_ids=ids)
    return embedding_figure(both, labels=new.astype(np.int32), names={1: "placed"}, inside=new)
