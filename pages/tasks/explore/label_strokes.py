"""What strokes on labels mean: a click in a legend selects the points that had that label then.

A stroke names a digest of all labels (`latentcore.analysis.panel_ids.label_panel`). Where the
clusters change, the selection still means the same points, as long as the session remembers the
labels; a link holds where the same labels are computed again, and else says that it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import codes_of, is_label_panel, label_panels
from latentcore.analysis.selection import Shape
from latentcore.containers import Clustering
from pages.regions.kept import Kept
from pages.view.scene import Scene

_MEANT = "explore_labels_meant"
_MOST = 4


def panels(
    selections: Mapping[str, Sequence[Shape]],
    scene: Scene,
    regions: Kept,
    clustering: Clustering | None = None,
    inside: NDArray[np.bool_] | None = None,
) -> dict[str, NDArray[np.floating]]:
    """Return the axes, shape (n, 2), of the labels that strokes name, where they are known."""
    meant: dict[str, NDArray[np.floating]] = st.session_state.setdefault(_MEANT, {})
    wanted = named(selections)
    if wanted - meant.keys():
        found = label_panels(selections, _labels(scene, regions, clustering, inside))
        meant |= {panel: axes for panel, axes in found.items() if panel not in meant}
    for panel in [panel for panel in meant if panel not in wanted][: max(0, len(meant) - _MOST)]:
        del meant[panel]
    return {panel: meant[panel] for panel in sorted(wanted & meant.keys())}


def named(selections: Mapping[str, Sequence[Shape]]) -> set[str]:
    """Return the panels of labels that strokes name."""
    drawn = {shape.panel for shapes in selections.values() for shape in shapes}
    return set(filter(is_label_panel, drawn))


def _labels(
    scene: Scene,
    regions: Kept,
    clustering: Clustering | None,
    inside: NDArray[np.bool_] | None,
) -> Iterator[NDArray[np.int32]]:
    if clustering is not None:
        yield clustering.told_apart(inside)
    for name in scene.maps.categories:
        yield codes_of(scene.maps.get(name))
    if regions.shown:
        yield regions.labels
