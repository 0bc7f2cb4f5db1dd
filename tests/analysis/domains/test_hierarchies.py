"""Merging neighbors, the threshold, and what is done after a cut."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from latentcore.analysis.domains.edges import edge_distances, scan_edges
from latentcore.analysis.domains.hierarchies import HIERARCHIES
from latentcore.analysis.domains.hierarchy import DomainHierarchy
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.analysis.domains.settling import absorbed, connected_parts, settled
from latentcore.analysis.domains.threshold import automatic_threshold
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress
from tests.analysis.domains.scans import latent_set, voronoi


def test_edges_of_a_grid_with_a_hole_and_two_phases():
    # Points of a 2 × 3 grid in a strange order; the one at (1, 0) has no value.
    x, y = np.array([2, 0, 1, 0, 2, 1]), np.array([0, 1, 1, 0, 1, 0])
    grid = ScanGrid.from_coordinates(x * 2.0, y * 0.5)
    phase = [7, 7, 7, 7, np.nan, 7]
    edges = scan_edges(grid, np.arange(6) != 5, phase=phase)
    np.testing.assert_array_equal(edges.rows, [3, 0, 1, 2, 4])
    found = {
        (i, j): (length, closed)
        for i, j, length, closed in zip(
            edges.i.tolist(), edges.j.tolist(), edges.length, edges.closed, strict=True
        )
    }
    # To the right cells share a side of length dy, downwards one of dx.
    assert found == {
        (1, 2): (0.5, False), (2, 4): (0.5, True), (3, 1): (2.0, False), (0, 4): (2.0, True),
    }  # fmt: skip
    assert (edges.cell_area, edges.cell_perimeter) == (1.0, 5.0)


def partition_at(hierarchy, threshold):
    """Return the parts at a threshold, by scipy, from the merges alone."""
    kept = hierarchy.height <= threshold
    n = hierarchy.edges.n_points
    links = coo_matrix((np.ones(kept.sum()), (hierarchy.a[kept], hierarchy.b[kept])), (n, n))
    return connected_components(links, directed=False)[1]


@pytest.mark.parametrize("method", HIERARCHIES.names())
def test_every_method_makes_a_hierarchy_of_connected_parts(method):
    latents, _ = voronoi(0, side=15, grains=4)
    phase = latents.grid.x > 8
    edges = scan_edges(latents.grid, phase=phase)
    hierarchy = DomainHierarchy.of(latents.values, edges, HIERARCHIES.get(method)())
    assert len(hierarchy.a) == len(latents) - 2  # two phases, each of one piece
    assert (np.diff(hierarchy.height) >= 0).all()
    assert np.isinf(hierarchy.saliency[edges.closed]).all()
    for threshold in np.quantile(hierarchy.height, [0, 0.5, 0.9, 0.97, 1]):
        parts = partition_at(hierarchy, threshold)
        apart = (parts[edges.a] != parts[edges.b]) & ~edges.closed
        np.testing.assert_array_equal(
            apart, (hierarchy.saliency > np.float32(threshold)) & ~edges.closed
        )
        assert connected_parts(edges, parts).max() == parts.max()


@pytest.mark.parametrize("method", HIERARCHIES.names())
def test_the_order_of_rows_changes_nothing(method):
    latents, _ = voronoi(1, side=20, grains=4)
    order = np.random.default_rng(0).permutation(len(latents))
    found = [
        domains_at(domain_hierarchy(given, method=HIERARCHIES.get(method)()), given).labels
        for given in (latents, latents.take(order))
    ]
    np.testing.assert_array_equal(found[0][order], found[1])


def test_ward_merges_as_scikit_learn_does():
    latents, _ = voronoi(2, side=16, grains=5, noise=0.2, mixed=0)
    edges = scan_edges(latents.grid)
    links = coo_matrix((np.ones(len(edges)), (edges.a, edges.b)), (256, 256))
    values = latents.values[edges.rows]
    hierarchy = DomainHierarchy.of(values, edges, HIERARCHIES.get("ward")())
    for k in (2, 5):
        wanted = AgglomerativeClustering(k, connectivity=links + links.T).fit(values)
        parts = partition_at(hierarchy, hierarchy.height[-k])
        assert parts.max() + 1 == k
        assert adjusted_rand_score(wanted.labels_, parts) == 1.0
    # The last merge: n_A n_B / (n_A + n_B) of the squared distance of the means.
    parts = partition_at(hierarchy, hierarchy.height[-2])
    one, other = values[parts == 0], values[parts == 1]
    apart = np.linalg.norm(one.mean(0) - other.mean(0))
    few = len(one) * len(other) / len(values)
    assert hierarchy.height[-1] == pytest.approx(apart * np.sqrt(few), rel=1e-5)


def test_the_last_merge_of_region_merging_by_hand():
    # Two halves of a 4 × 6 grid; the one on the right rises from 10 to 12.
    y, x = np.divmod(np.arange(24), 6)
    values = np.where(x < 3, 0.0, 7.0 + x)[:, None]
    edges = scan_edges(ScanGrid.from_coordinates(x, y))
    hierarchy = DomainHierarchy.of(values.astype(np.float32), edges, HIERARCHIES.get("merging")())
    # Means 0 and 11, steps across the border of 10.
    assert hierarchy.height[-1] == pytest.approx(np.sqrt(11 * 10), rel=1e-6)


def test_depths_of_basins_by_hand():
    # Distances 1 5 2 3 along a line: basins at 1 and 2, which meet at 5.
    places = np.array([0.0, 1.0, 6.0, 8.0, 11.0])
    edges = scan_edges(ScanGrid.from_coordinates(np.arange(5), np.zeros(5)))
    merges = HIERARCHIES.get("watershed")().merges(
        places[:, None].astype(np.float32), edges, Progress()
    )
    # A point by itself is no basin; at 5 the shallower one is 5 − 2 deep.
    assert sorted(merges.height.tolist()) == [0, 0, 0, 3]


@pytest.mark.parametrize("kind", ["exactly alike", "rising steadily"])
def test_latents_without_a_nearest_pair_merge_in_few_rounds(kind):
    y, x = np.divmod(np.arange(40_000), 200)
    values = np.zeros(40_000) if kind == "exactly alike" else np.exp((x + 1.7 * y) / 100)
    edges = scan_edges(ScanGrid.from_coordinates(x, y))
    hierarchy = DomainHierarchy.of(
        values[:, None].astype(np.float32), edges, HIERARCHIES.get("ward")()
    )
    assert len(hierarchy.a) == 39_999


def test_threshold_lies_between_two_groups_and_says_how_sure_it_is():
    rng = np.random.default_rng(0)
    low, high = np.exp(rng.normal(0, 0.1, 300)), np.exp(rng.normal(2, 0.1, 30))
    sure = automatic_threshold(np.concatenate([low, high]))
    assert low.max() < sure.value < high.min()
    assert sure.confidence > 0.9
    near = automatic_threshold(np.concatenate([low, np.exp(rng.normal(0.5, 0.1, 300))]))
    assert 0.12 < near.confidence < sure.confidence
    nothing = automatic_threshold(low)
    assert (nothing.confidence, nothing.value > low.max()) == (0.0, True)
    assert automatic_threshold(np.zeros(0)).confidence == 0


@pytest.mark.parametrize("seed", range(3))
def test_grains_are_found_without_their_number(seed):
    latents, grain = voronoi(seed, mixed=1.5)
    found = domains_at(domain_hierarchy(latents), latents)
    assert found.count == grain.max() + 1
    assert adjusted_rand_score(grain, found.labels) > 0.95


def test_noise_is_one_domain():
    y, x = np.divmod(np.arange(900), 30)
    latents = latent_set(np.random.default_rng(0).normal(size=(900, 6)), x, y)
    hierarchy = domain_hierarchy(latents)
    assert hierarchy.threshold.confidence == 0
    assert domains_at(hierarchy, latents).count == 1


def test_missing_points_are_in_no_domain_and_phases_are_borders():
    latents, _ = voronoi(0)
    latents.values[5:9] = np.nan
    half = latents.grid.y >= 20
    found = domains_at(domain_hierarchy(latents, phase=half), latents)
    np.testing.assert_array_equal(np.flatnonzero(found.labels < 0), [5, 6, 7, 8])
    assert set(np.unique(found.labels)) == set(range(-1, found.count))
    assert not set(found.labels[half]) & set(found.labels[~half & (found.labels >= 0)])


def test_small_parts_go_to_the_most_similar_neighbor_and_mixed_rows_vanish():
    # A row of mixed points between two halves, and a pair of points in the left one.
    y, x = np.divmod(np.arange(120), 12)
    values = np.array([[0.0, 0.0], [6.0, 4.0], [12.0, 8.0]])[np.digitize(x, [6, 7])]
    pair = [25, 37]
    values[pair] = [1.0, 3.0]
    edges = scan_edges(ScanGrid.from_coordinates(x, y))
    labels = np.digitize(x, [6, 7]).astype(np.int32)
    labels[pair] = 3
    alone = absorbed(values, edges.a, edges.b, labels, 5)
    np.testing.assert_array_equal(alone, np.digitize(x, [6, 7]))
    done = settled(values.astype(np.float32), edges, labels, 5)
    assert done.max() == 1
    np.testing.assert_array_equal(done[x < 6], 0)
    np.testing.assert_array_equal(done[x > 6], 1)


def test_a_small_part_without_a_neighbor_stays():
    edges = scan_edges(ScanGrid.from_coordinates([0, 1, 3, 4, 5], [0, 0, 0, 0, 0]))
    labels = np.array([0, 0, 1, 1, 1], np.int32)
    kept = absorbed(np.zeros((5, 1)), edges.a, edges.b, labels, 9)
    np.testing.assert_array_equal(kept, labels)


def test_angles_are_told_in_degrees():
    y, x = np.divmod(np.arange(64), 8)
    angle = np.radians(np.where(x < 4, 10, 40))
    length = np.linspace(1, 5, 64)
    latents = latent_set(np.stack([np.cos(angle), np.sin(angle)], 1) * length[:, None], x, y)
    hierarchy = domain_hierarchy(latents, distance="angle")
    assert hierarchy.height[-1] == pytest.approx(30, abs=1e-3)
    assert hierarchy.distances.max() == pytest.approx(30, abs=1e-3)
    found = domains_at(hierarchy, latents, threshold=20)
    assert (found.count, found.unit) == (2, "°")
    np.testing.assert_allclose(found.deviation, 0, atol=0.05)


def test_scaling_and_distances_are_those_of_the_definition():
    latents, _ = voronoi(0, side=10, grains=3)
    hierarchy = domain_hierarchy(latents, distance="euclidean", scaling="standard")
    values, edges = latents.values.astype(float), hierarchy.edges
    scaled = (values - values.mean(0)) / values.std(0)
    wanted = np.linalg.norm(scaled[edges.i] - scaled[edges.j], axis=1)
    np.testing.assert_allclose(hierarchy.distances, wanted, rtol=1e-4)
    raw = domain_hierarchy(latents, distance="euclidean")
    wanted = np.linalg.norm(values[edges.i] - values[edges.j], axis=1)
    np.testing.assert_allclose(raw.distances, wanted, rtol=1e-4)
    np.testing.assert_allclose(edge_distances(raw.values, edges), wanted, rtol=1e-4)


def test_counts_are_those_of_the_cuts():
    latents, _ = voronoi(3)
    hierarchy = domain_hierarchy(latents)
    thresholds = hierarchy.threshold.value * np.array([0.5, 1, 1e6])
    wanted = [hierarchy.cut(one).max() + 1 for one in thresholds]
    assert hierarchy.counts(thresholds).tolist() == wanted
    assert wanted[-1] == 1


@pytest.mark.parametrize(
    ("values", "x", "message"),
    [
        (np.full((4, 2), np.nan), range(4), "None of the 4 points"),
        (np.ones((4, 2)), range(4), "the same as their neighbors'"),
        (np.eye(4), range(0, 16, 4), None),
        (np.eye(4), [0, 3, 7, 12], "No two of the 4 points"),
    ],
)
def test_latents_that_have_no_domains_are_refused(values, x, message):
    latents = latent_set(values, x, np.zeros(4))
    if message is None:  # a step of 4: these are neighbors
        assert domain_hierarchy(latents).edges.n_points == 4
        return
    with pytest.raises(RequestError, match=message):
        domain_hierarchy(latents)


def test_a_single_row_of_points_has_domains():
    values = np.repeat([[0.0, 0.0], [5.0, 5.0]], 20, axis=0)
    values += np.random.default_rng(0).normal(0, 0.1, values.shape)
    latents = latent_set(values, np.arange(40), np.zeros(40))
    found = domains_at(domain_hierarchy(latents, distance="euclidean"), latents, threshold=2)
    np.testing.assert_array_equal(found.labels, np.repeat([0, 1], 20))
