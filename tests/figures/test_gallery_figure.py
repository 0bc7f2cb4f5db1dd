from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.embedding_places import one_per_cell
from latentcore.figures.gallery import gallery_figure


@pytest.mark.parametrize("limits", [None, (0.0, 2.0)])
def test_gallery_has_the_axes_of_the_embedding_and_a_bar_for_common_limits(limits) -> None:
    coordinates = np.random.default_rng(0).normal(size=(40, 2))
    gallery = one_per_cell(coordinates, 3)
    sheet = np.zeros((9, 9, 4), np.uint8)
    figure = gallery_figure(sheet, gallery, ("UMAP 1", "UMAP 2"), cmap="grey", limits=limits)
    axes = figure.axes[0]
    assert axes.get_xlim() == pytest.approx(gallery.x_edges[[0, -1]])
    assert axes.get_ylim() == pytest.approx(gallery.y_edges[[0, -1]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("UMAP 1", "UMAP 2")
    assert len(figure.axes) == (1 if limits is None else 2)
