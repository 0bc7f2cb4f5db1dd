from __future__ import annotations

import numpy as np

from latentcore.analysis.statistics import cluster_shares
from latentcore.figures.colors import cluster_palette
from latentcore.figures.screen import criterion_chart, shares_chart


def test_criterion_marks_the_chosen_k():
    figure = criterion_chart({4: -3.0, 2: -1.0, 3: -5.0}, "bic", 3)
    trace = figure.data[0]
    np.testing.assert_array_equal(trace.x, [2, 3, 4])
    np.testing.assert_array_equal(trace.y, [-1, -5, -3])
    assert np.argmax(trace.marker.size) == 1
    assert isinstance(trace.x, np.ndarray)
    assert figure.layout.title.text == "BIC: k = 3 is lowest"


def test_shares_are_drawn_in_the_clusters_colors():
    labels = np.array([-1, 0, 0, 1])
    palette = cluster_palette(labels)
    trace = shares_chart(cluster_shares(labels), palette).data[0]
    np.testing.assert_array_equal(trace.x, [25, 50, 25])
    assert list(trace.y) == ["noise", "cluster 0", "cluster 1"]
    assert list(trace.marker.color) == [palette[label] for label in (-1, 0, 1)]


def test_charts_have_no_background_of_their_own():
    figure = criterion_chart({2: 1.0}, "aic", 2)
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
