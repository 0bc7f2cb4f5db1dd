"""How points are colored: by a quantity, a label, clusters, orientations or regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.latent_maps import cluster_ranges
from latentcore.analysis.orientation_colors import KEY_CORNERS
from latentcore.analysis.panel_ids import codes_of, label_panel
from latentcore.containers import NO_VALUE, OUTSIDE, Clustering, cluster_name
from latentcore.figures.colors import (
    MISSING_COLORS,
    MISSING_USUAL,
    NAN_COLORS,
    NOISE_COLOR,
    SHADE_DARK,
    SHADE_LIGHT,
    TRANSPARENT,
    Theme,
    cluster_palette,
    is_diverging,
)
from latentcore.figures.grounds import lut_on
from pages.panels.linked_panels import (
    Categorical,
    Coloring,
    Continuous,
    Direct,
    PointArrays,
    Shaded,
    packed_colors,
)
from pages.regions.kept import Kept
from pages.tasks.explore.panel_axes import axis_array, latent_array_name, map_array
from pages.view.question import CLUSTER, LATENT, ORIENTATION, SIMILARITY, Question
from pages.view.scene import Scene

_KEY_COLORS = ("#ff0000", "#00ff00", "#0000ff")


def with_missing(colorings: dict[str, Coloring], missing: str, theme: Theme) -> dict[str, Coloring]:
    """Give points without a value the color that was chosen for them."""
    if missing == MISSING_USUAL or missing not in MISSING_COLORS:
        return colorings
    color = (
        str(st.get_option(f"theme.{theme}.backgroundColor"))
        if missing == TRANSPARENT
        else MISSING_COLORS[missing]
    )
    painted = {}
    for name, one in colorings.items():
        changed = replace(one, nan_color=color)
        if isinstance(changed, Categorical | Shaded) and NO_VALUE in changed.palette:
            changed = replace(changed, palette={**changed.palette, NO_VALUE: color})
        painted[name] = changed
    return painted


def main_coloring(
    arrays: PointArrays,
    scene: Scene,
    question: Question,
    clustering: Clustering | None,
    labels_key: str,
    theme: Theme,
    regions: Kept,
) -> Coloring:
    """Return the coloring by what the question names; by the latent where that is not there."""
    name = question.color
    if name == CLUSTER and clustering is not None:
        labels = _labels(arrays, clustering, labels_key)
        return Categorical(
            labels, _palette(clustering, theme), _names(clustering), NAN_COLORS[theme], "cluster",
            label_panel(clustering.labels),
        )  # fmt: skip
    if name == ORIENTATION and scene.maps.orientation is not None:
        return _orientations(arrays, scene, scene.maps.orientation, theme)
    if name in scene.maps.categories:
        return _categories(arrays, scene, name, theme, regions)
    cmap = scene.color_map(question, name)
    if name == SIMILARITY and question.pinned is not None:
        array = arrays.add(
            "similarity",
            lambda: scene.similarity(question.pinned),
            f"{scene.about}|{question.pinned}",
        )
        label, unit = f"cosine similarity to point {question.pinned:,}", ""
    elif name in scene.maps.names:
        array, label, unit = map_array(arrays, scene, name), name, scene.maps.unit(name)
    else:
        assert question.dim is not None
        name, array = LATENT, axis_array(arrays, scene, question.dim)
        label, unit = f"latent {question.dim}", ""
    limits = scene.limits(question, name, symmetric=is_diverging(cmap))
    return Continuous(array, lut_on(cmap, theme), limits, label, unit, NAN_COLORS[theme])


def region_array(arrays: PointArrays, regions: Kept) -> str:
    """Add the region of each point; return the name of the array."""
    return arrays.add("region", regions.labels, regions.key)


def region_coloring(arrays: PointArrays, regions: Kept, theme: Theme) -> Categorical:
    """Return the coloring by named region."""
    return Categorical(
        region_array(arrays, regions),
        {-1: NOISE_COLOR, **regions.palette},
        {-1: "in no region", **regions.names},
        NAN_COLORS[theme],
        "region",
        label_panel(regions.labels),
    )


def frames_of_labels(colorings: Mapping[str, Coloring]) -> dict[str, tuple[str, str]]:
    """Return where a click in a legend selects: both axes are the labels."""
    return {
        one.panel: (one.arrays[0],) * 2
        for one in colorings.values()
        if isinstance(one, Categorical | Shaded) and one.panel
    }


def _orientations(
    arrays: PointArrays, scene: Scene, colors: NDArray[np.float32], theme: Theme
) -> Direct:
    array = arrays.add("orientation", packed_colors(colors), scene.key)
    # Phases of different symmetry share red, green and blue, which mean other directions.
    key = tuple(
        (color, " or ".join(f"[{KEY_CORNERS[laue][corner]}]" for laue in scene.maps.laue))
        for corner, color in enumerate(_KEY_COLORS)
    )
    return Direct(array, key, "crystal direction along z", NAN_COLORS[theme])


def _categories(
    arrays: PointArrays, scene: Scene, name: str, theme: Theme, regions: Kept
) -> Categorical:
    array, codes = arrays.add_codes(f"map:{name}", scene.maps.get(name), scene.key)
    names = scene.maps.categories[name]
    palette = cluster_palette(codes)
    colors = {region.name: region.color for region in regions.regions.regions}
    if all(names.get(code) in colors for code in palette):
        # A map of the regions, or of classes grown from them.
        palette = {code: colors[names[code]] for code in palette}
    panel = label_panel(codes_of(scene.maps.get(name)))
    return Categorical(array, palette, names, NAN_COLORS[theme], name, panel)


def shaded(
    arrays: PointArrays,
    scene: Scene,
    question: Question,
    clustering: Clustering,
    labels_key: str,
    theme: Theme,
) -> Shaded:
    """Return the coloring by cluster, each shaded by the latent in view."""
    assert question.dim is not None
    latent = scene.latents.dimension(question.dim)
    return Shaded(
        labels=_labels(arrays, clustering, labels_key),
        value=latent_array_name(question.dim),
        palette=_palette(clustering, theme),
        ranges=cluster_ranges(clustering.labels, latent),
        names=_names(clustering),
        nan_color=NAN_COLORS[theme],
        dark=SHADE_DARK[theme],
        light=SHADE_LIGHT,
        label="cluster, brighter = larger latent",
        panel=label_panel(clustering.labels),
    )


def _labels(arrays: PointArrays, clustering: Clustering, labels_key: str) -> str:
    return arrays.add("labels", clustering.labels, labels_key)


def _palette(clustering: Clustering, theme: Theme) -> dict[int, str]:
    palette = cluster_palette(clustering.present)
    palette.pop(OUTSIDE, None)
    return palette | {NO_VALUE: NAN_COLORS[theme]} if NO_VALUE in palette else palette


def _names(clustering: Clustering) -> dict[int, str]:
    return {label: cluster_name(label) for label in clustering.present}
