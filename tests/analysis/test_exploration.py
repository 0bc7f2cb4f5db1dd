"""Clusters, brushed points and statistics of one view agree with plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.exploration import explore, selected_rows
from latentcore.analysis.panel_ids import label_panel, label_panels, label_stroke, scatter_panel
from latentcore.analysis.selection import Shape
from latentcore.containers import (
    NO_VALUE,
    OUTSIDE,
    LatentSet,
    Roi,
    ScanGrid,
    default_sample_ids,
)
from latentcore.errors import RequestError


def _scan(shuffled: bool = False) -> tuple[LatentSet, dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    y, x = (axis.ravel() for axis in np.mgrid[70:90, 350:380])
    values = random.normal(size=(len(x), 3)).astype(np.float32)
    values[:, 1] += np.where(x < 365, -4, 4)
    values[7] = np.nan
    contrast = (random.normal(size=len(x)) + np.where(y < 80, 90, 140)).astype(np.float32)
    order = random.permutation(len(x)) if shuffled else np.arange(len(x))
    grid = ScanGrid.from_coordinates(x[order], y[order], unit="µm")
    latents = LatentSet(
        values[order], default_sample_ids(len(x)), np.array([3, 5, 9], np.int32), grid
    )
    return latents, {"bandcontrast": contrast[order]}


def _explore(latents: LatentSet, maps: dict[str, np.ndarray], **given: object) -> object:
    settings = {
        "dim": 5,
        "reference": "bandcontrast",
        "clusterer": make_clusterer("kmeans", {"k": 4, "seed": 0}),
        **given,
    }
    return explore(latents, maps, **settings)


def test_clusters_cover_the_roi_and_nothing_else() -> None:
    latents, maps = _scan()
    found = _explore(latents, maps, roi=Roi((350, 370), (70, 90)))
    assert found.inside.sum() == 20 * 20
    assert (found.clustering.labels[~found.inside] == -1).all()
    assert found.clustering.labels[7] == -1
    apart = found.clustering.told_apart(found.inside)
    assert (apart[~found.inside] == OUTSIDE).all()
    assert apart[7] == NO_VALUE
    assert [one.name for one in found.statistics["ROI"].clusters] == ["no value", *"0123"]
    assert set(found.clustering.labels[found.inside]) == {-1, 0, 1, 2, 3}


def test_row_order_of_the_file_changes_nothing() -> None:
    straight, straight_maps = _scan()
    shuffled, shuffled_maps = _scan(shuffled=True)
    first = _explore(straight, straight_maps).clustering.labels
    second = _explore(shuffled, shuffled_maps).clustering.labels
    assert np.array_equal(straight.grid.to_map(first), shuffled.grid.to_map(second), equal_nan=True)


def test_selection_from_any_panel_is_what_numpy_says() -> None:
    latents, maps = _scan()
    embedding = latents.values[:, :2].copy()
    box = ((-1.0, -5.0), (0.5, 2.0))
    panels = {
        "embedding-pca": (embedding[:, 0], embedding[:, 1]),
        "map": (latents.grid.x, latents.grid.y),
        scatter_panel(9, "bandcontrast"): (latents.dimension(9), maps["bandcontrast"]),
    }
    for panel, (x, y) in panels.items():
        corners = box if panel == "embedding-pca" else ((0.0, 75.0), (360.0, 100.0))
        (x0, y0), (x1, y1) = corners
        expected = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        assert expected.any()
        found = _explore(
            latents,
            maps,
            selections={"A": (Shape(panel, "box", corners, "replace"),), "B": ()},
            embeddings={"embedding-pca": embedding},
        )
        assert np.array_equal(found.masks["A"], expected)
        values = found.statistics["A"].values["latent_d5"]
        finite = latents.dimension(5)[expected]
        finite = finite[np.isfinite(finite)].astype(np.float64)
        assert values.mean == pytest.approx(finite.mean(), rel=1e-12)
        assert values.sd == pytest.approx(finite.std(ddof=1), rel=1e-12)
        assert found.statistics["A"].area.value == expected.sum()
        assert found.comparison == {}


def test_two_selections_are_compared() -> None:
    latents, maps = _scan()
    left = Shape("map", "box", ((350, 70), (365, 90)), "replace")
    right = Shape("cluster-map", "box", ((365, 70), (380, 90)), "replace")
    found = _explore(latents, maps, selections={"A": (left,), "B": (right,)})
    against = found.comparison["latent_d5"]
    assert against.overlap == 0
    assert against.difference == pytest.approx(-8, abs=0.3)
    shares = {share.label: share for share in found.statistics["A"].clusters}
    assert sum(share.n for share in shares.values()) == found.masks["A"].sum()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dim": 4}, r"dimension 4 was asked.*3, 5, 9"),
        ({"reference": "Fe"}, r"'Fe'.*bandcontrast"),
        ({"roi": Roi((0, 5), (0, 5))}, r"holds no point.*x \[350, 380\)"),
        (
            {"selections": {"A": (Shape("umap-1", "box", ((0, 0), (1, 1)), "add"),)}},
            r"'umap-1', which is not available",
        ),
    ],
)
def test_what_is_not_there_is_reported(given: dict[str, object], message: str) -> None:
    latents, maps = _scan()
    with pytest.raises(RequestError, match=message):
        _explore(latents, maps, **given)


def test_a_stroke_on_labels_selects_its_points_or_none_where_labels_changed():
    labels = np.array([3, -1, 20_000_001, 3, 20_000_000], np.int32)
    strokes = {"A": [label_stroke(labels, 3), label_stroke(labels, 20_000_001, "add")]}
    axes = label_panels(strokes, [labels + 1, labels])
    panels = {name: (pair[:, 0], pair[:, 1]) for name, pair in axes.items()}
    rows = selected_rows(strokes["A"], panels, np.ones(5, np.bool_))
    assert rows.tolist() == [True, False, True, True, False]
    assert label_panels(strokes, [labels + 1]) == {}
    assert label_panel(labels.astype(np.int64)) == label_panel(labels)
