"""Samples chosen by their rows, as strokes that every panel, report and link can carry."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentcore.analysis.exploration import selected_rows
from latentcore.analysis.panel_ids import ROW_PANEL, panel_axes
from latentcore.analysis.selection import row_shapes
from latentcore.containers import LatentSet, default_sample_ids


def latent_set(n: int) -> LatentSet:
    return LatentSet(np.zeros((n, 2), np.float32), default_sample_ids(n), np.arange(2, dtype="i4"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(0, 59)))
def test_boxes_select_the_rows_and_no_other(rows):
    shapes = {"A": row_shapes(ROW_PANEL, rows)}
    axes = panel_axes(shapes, latents=latent_set(60), maps={}, embeddings={})
    mask = selected_rows(shapes["A"], axes, np.ones(60, bool))
    assert set(np.flatnonzero(mask)) == rows


def test_rows_side_by_side_share_a_box():
    shapes = row_shapes(ROW_PANEL, [5, 3, 4, 9])
    assert [shape.points for shape in shapes] == [((2.5, -1), (5.5, 1)), ((8.5, -1), (9.5, 1))]
    assert [shape.mode for shape in shapes] == ["replace", "add"]


def test_far_rows_are_distinguished_in_float32():
    n = 8_000_000
    mask = selected_rows(
        row_shapes(ROW_PANEL, [n - 2]),
        {ROW_PANEL: (np.arange(n, dtype=np.float32), np.zeros(n, np.float32))},
        np.ones(n, bool),
    )
    assert np.flatnonzero(mask).tolist() == [n - 2]
