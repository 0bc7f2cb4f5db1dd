"""What is computed on hexagonal grids, against plain graphs of the points one step apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial import Voronoi, cKDTree

from latentcore.analysis.autocorrelation import autocorrelation, correlation_length
from latentcore.analysis.domains.edges import scan_edges
from latentcore.analysis.domains.lines import line_arrays
from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.analysis.partitions import border_lines, compare_borders
from latentcore.analysis.probe_splits import blocked_split
from latentcore.analysis.ranking._chance import chance
from latentcore.analysis.ranking._surrogates import is_rectangle, shifts, variogram_maps
from latentcore.analysis.regions.difference import differences
from latentcore.analysis.regions.shape import region_shape
from latentcore.analysis.statistics import area
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import RequestError
from tests.factories.hexagonal import hexagonal_points

HEIGHT = np.sqrt(3) / 2


def grid_of(rows: int, columns: int, step: float = 1.0, **options: object) -> ScanGrid:
    points = hexagonal_points(rows, columns, step, **options)  # type: ignore[arg-type]
    return ScanGrid.from_coordinates(*points.T, unit="µm", step=(step, HEIGHT * step))


def pairs_of(grid: ScanGrid) -> np.ndarray:
    """Return the pairs of points one step apart, (m, 2), by their coordinates alone."""
    points = np.column_stack([grid.x, grid.y])
    return cKDTree(points).query_pairs(1.2 * grid.step[0], output_type="ndarray")


def parts_of(grid: ScanGrid, labels: np.ndarray) -> np.ndarray:
    """Return the connected parts of equal labels."""
    one, other = pairs_of(grid)[labels[pairs_of(grid)[:, 0]] == labels[pairs_of(grid)[:, 1]]].T
    graph = sparse.coo_array((np.ones(len(one)), (one, other)), (len(grid), len(grid)))
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def domains_of(values: np.ndarray, grid: ScanGrid) -> Domains:
    """Return the domains of values (n, d) that are constant in each, or almost."""
    dims = np.arange(values.shape[1], dtype=np.int32)
    latents = LatentSet(values.astype(np.float32), default_sample_ids(len(grid)), dims, grid)
    return domains_at(domain_hierarchy(latents, distance="euclidean"), latents, 1.0, min_size=1)


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    table = sparse.coo_array((np.ones(len(one)), (one, other))).toarray() > 0
    return bool((table.sum(axis=0) <= 1).all() and (table.sum(axis=1) <= 1).all())


@pytest.mark.parametrize("parity", ["odd", "even"])
def test_domains_areas_borders_and_neighbors_are_those_of_the_graph(parity: str) -> None:
    random = np.random.default_rng(3)
    grid = grid_of(28, 31, 0.4, shifted=parity, shorter=True)
    order = random.permutation(len(grid))
    grid = grid.take(order)
    seeds = random.random((9, 2)) * [grid.x.max(), grid.y.max()]
    grain = cKDTree(seeds).query(np.column_stack([grid.x, grid.y]))[1]
    values = random.normal(0, 9, (9, 4))[grain] + random.normal(0, 0.1, (len(grid), 4))
    domains = domains_of(values, grid)
    expected = parts_of(grid, grain)
    assert same_partition(domains.labels, expected)

    table = domains.table()
    hexagon = 1.5 * np.sqrt(3) * (0.4 / np.sqrt(3)) ** 2
    np.testing.assert_allclose(table["area"], np.bincount(domains.labels) * hexagon)
    pairs = domains.labels[pairs_of(grid)]
    apart = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    np.testing.assert_array_equal(
        table["n_neighbors"], np.bincount(apart.ravel(), minlength=domains.count)
    )
    side = 0.4 / np.sqrt(3)
    inside = np.bincount(pairs[pairs[:, 0] == pairs[:, 1]][:, 0], minlength=domains.count)
    np.testing.assert_allclose(
        table["perimeter"], (6 * np.bincount(domains.labels) - 2 * inside) * side
    )
    one, other = apart[0]
    between = ((np.sort(pairs, axis=1) == [one, other]).all(axis=1)).sum() * side
    borders = domains.borders.set_index(["a", "b"])["length"]
    assert borders[one, other] == pytest.approx(between)
    rim = (grid.row % grid.shape[0] == 0) | (grid.row == 27)
    rim |= (grid.x < 0.3) | (grid.x > grid.x.max() - 0.3)
    assert set(np.flatnonzero(table["touches_border"])) == set(domains.labels[rim])


def test_sides_are_those_of_the_voronoi_cells() -> None:
    grid = grid_of(6, 7, 2.0)
    edges = scan_edges(grid)
    cells = Voronoi(np.column_stack([grid.x, grid.y]))
    inner = {tuple(sorted(pair)): ends for pair, ends in zip(cells.ridge_points.tolist(),
             cells.ridge_vertices, strict=True) if -1 not in ends}  # fmt: skip
    for i, j, length in zip(edges.i.tolist(), edges.j.tolist(), edges.length, strict=True):
        ends = inner.get((min(i, j), max(i, j)))
        middle = 0 < grid.row[i] < 5 and 0 < grid.row[j] < 5 and 0 < grid.col[i] < 6
        if ends is not None and middle:
            one, other = cells.vertices[ends]
            assert np.hypot(*(one - other)) == pytest.approx(length)
    assert edges.cell_perimeter == pytest.approx(6 * 2 / np.sqrt(3))


def test_a_round_domain_is_round() -> None:
    grid = grid_of(41, 41)
    radius = np.hypot(grid.x - 20, grid.y - 20 * HEIGHT)
    table = domains_of(np.where(radius < 12, 9.0, 0.0)[:, None], grid).table()
    disk = table.loc[~table["touches_border"]].iloc[0]
    assert disk["aspect_ratio"] == pytest.approx(1, abs=0.01)
    assert disk["area"] == pytest.approx(np.pi * 144, rel=0.02)
    assert table["n_inclusions"].sum() == 1


def test_one_cell_has_the_moments_of_a_hexagon() -> None:
    """Against a sum over many points of the cell itself."""
    grid = grid_of(7, 7)
    middle = (grid.row == 3) & (grid.col >= 3) & (grid.col < 5)
    table = domains_of(np.where(middle, 9.0, 0.0)[:, None], grid).table()
    pair = table.loc[table["n"] == 2].iloc[0]
    x, y = np.random.default_rng(0).uniform(-0.6, 0.6, (2, 400_000))
    cell = (
        (np.abs(x) < 0.5) & (np.abs(x / 2 + y * HEIGHT) < 0.5) & (np.abs(x / 2 - y * HEIGHT) < 0.5)
    )
    x, y = x[cell], y[cell]
    ratio = np.sqrt((x.var() + 0.25) / y.var())
    assert pair["aspect_ratio"] == pytest.approx(ratio, rel=0.01)


def test_lines_hold_the_saliency_of_every_edge_once() -> None:
    grid = grid_of(6, 5)
    random = np.random.default_rng(0)
    values = random.normal(size=(30, 3)).astype(np.float32)
    values[7] = np.nan
    latents = LatentSet(values, default_sample_ids(30), np.arange(3, dtype=np.int32), grid)
    hierarchy = domain_hierarchy(latents)
    lines = line_arrays(grid, hierarchy.edges, hierarchy.saliency)
    assert len(lines) == 3
    found = np.concatenate(lines)
    finite = found[(found >= 0) & np.isfinite(found)]
    np.testing.assert_array_equal(np.sort(finite), np.sort(hierarchy.saliency))
    assert np.isinf(found).sum() == 6, "around the point without a latent"


def test_borders_of_partitions_are_found_within_one_step() -> None:
    grid = grid_of(8, 9)
    labels = (grid.row >= 4).astype(int)
    moved = (grid.row >= 5).astype(int)
    far = (grid.row >= 7).astype(int)
    side = 1 / np.sqrt(3)
    pairs = pairs_of(grid)
    crossing = (labels[pairs[:, 0]] != labels[pairs[:, 1]]).sum()
    found = compare_borders(grid, labels, moved)
    assert (found.recall, found.precision) == (1, 1)
    assert found.labels_length == pytest.approx(crossing * side) == pytest.approx(17 * side)
    assert compare_borders(grid, labels, far).recall == 0
    upright = compare_borders(grid, labels, (grid.x >= 4).astype(int))
    assert 0 < upright.recall < 0.5
    assert (found.kinds > 0).sum() == 2 * 17
    lines = border_lines(compare_borders(grid, labels, labels).kinds, hexagonal=True)
    assert (lines[7] > 0).sum() == 2 * 17 - 1, "without a gap"


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), parity=st.sampled_from(["odd", "even"]))
def test_shape_of_a_region(seed: int, parity: str) -> None:
    random = np.random.default_rng(seed)
    grid = grid_of(9, 8, 0.5, shifted=parity)
    mask = random.random(len(grid)) < 0.4
    mask[random.integers(len(grid))] = True
    pairs = pairs_of(grid)
    joins = mask[pairs].all(axis=1)
    found = region_shape(mask, grid)
    assert found.clumping.joins == joins.sum()
    assert found.perimeter == pytest.approx((6 * mask.sum() - 2 * joins.sum()) * 0.5 / np.sqrt(3))
    sizes = np.bincount(parts_of(grid, np.where(mask, -1, np.arange(len(grid))))[mask])
    assert found.n_parts == (sizes > 0).sum()
    assert found.largest_part == pytest.approx(sizes.max() / mask.sum())
    assert found.area.value == pytest.approx(mask.sum() * 0.25 * HEIGHT)
    weights = np.zeros((len(grid), len(grid)))
    weights[pairs[:, 0], pairs[:, 1]] = weights[pairs[:, 1], pairs[:, 0]] = 1
    z = mask - mask.mean()
    moran = len(grid) / weights.sum() * (z @ weights @ z) / (z @ z)
    assert found.clumping.morans_i == pytest.approx(moran)


def test_areas_without_a_unit_count_in_steps() -> None:
    grid = ScanGrid.from_coordinates(*hexagonal_points(4, 5, 3.0).T)
    assert area(np.ones(20, bool), grid).value == pytest.approx(20 * HEIGHT)


def smooth(grid: ScanGrid, length: float, seed: int = 0) -> np.ndarray:
    """Return a random field that is alike over some length, by sums of plane waves."""
    random = np.random.default_rng(seed)
    waves = random.normal(0, 1 / length, (2, 200))
    phases = random.uniform(0, 2 * np.pi, 200)
    return np.cos(np.column_stack([grid.x, grid.y]) @ waves + phases).sum(axis=1) / 10


def test_correlation_is_by_true_distance() -> None:
    """Of waves with normal wave vectors it falls as exp(-d²/2 l²)."""
    grid = grid_of(90, 80)
    lengths = [
        correlation_length(autocorrelation(smooth(grid, 4.0, seed), grid), grid)
        for seed in range(6)
    ]
    assert np.mean(lengths) == pytest.approx(4 * np.sqrt(2), rel=0.12)


def test_autocorrelation_is_the_mean_over_pairs() -> None:
    grid = grid_of(7, 8, shifted="even")
    values = np.random.default_rng(0).normal(size=56)
    values[5] = np.nan
    found = autocorrelation(values, grid)
    centered = values - np.nanmean(values)
    for down, right in ((0, 2), (1, 1), (1, -1), (2, 4)):
        products = [
            centered[i] * centered[j]
            for i in range(56)
            for j in range(56)
            if np.hypot(
                grid.x[j] - grid.x[i] - right / 2, grid.y[j] - grid.y[i] - down * HEIGHT
            ) < 1e-6
        ]  # fmt: skip
        assert found[down, right] == pytest.approx(np.nanmean(products) / np.nanmean(centered**2))


def test_shifts_move_every_point_by_the_same_way() -> None:
    grid = grid_of(6, 5)
    reference = np.arange(30.0)
    assert is_rectangle(reference, grid)
    assert not is_rectangle(np.arange(25.0), grid_of(5, 5))
    draw, random = shifts(reference, grid), np.random.default_rng(0)
    width, height = 5.0, 6 * HEIGHT
    for _ in range(40):
        from_ = draw(random).astype(int)
        assert sorted(from_) == list(range(30)) and (from_ != np.arange(30)).all()
        moved = np.column_stack([grid.x - grid.x[from_], grid.y - grid.y[from_]])
        moved = (moved - moved[0] + 1e-9) % (width, height)
        np.testing.assert_allclose(moved, 1e-9, atol=1e-8)


def test_random_fields_keep_the_correlation() -> None:
    grid = grid_of(40, 36)
    reference = smooth(grid, 3.0)
    wanted = autocorrelation(reference, grid)
    draw, random = variogram_maps(reference, grid), np.random.default_rng(1)
    found = np.mean([autocorrelation(draw(random), grid) for _ in range(60)], axis=0)
    for lag in ((0, 2), (1, 1), (1, -1), (2, 2), (0, 6)):
        assert found[lag] == pytest.approx(wanted[lag], abs=0.08)


def test_chance_takes_the_fields_where_rows_do_not_close() -> None:
    grid = grid_of(9, 9)
    reference = smooth(grid, 2.0)
    options = {"metrics": ["pearson"], "n_surrogates": 19}
    found = chance(reference[:, None], reference, grid.x, grid.y, **options)  # type: ignore[arg-type]
    assert found.method == "variogram"
    with pytest.raises(RequestError, match="even number of rows"):
        chance(reference[:, None], reference, grid.x, grid.y, method="shift", **options)  # type: ignore[arg-type]


def test_differences_know_the_distances() -> None:
    grid = grid_of(60, 50)
    found = differences({"v": smooth(grid, 3.0)}, grid.x < 20, grid.x > 30, grid)["v"]
    assert found.correlation_length == pytest.approx(3 * np.sqrt(2), rel=0.35)
    assert max(found.n_effective) < 0.2 * (grid.x < 20).sum()


def test_blocked_splits_keep_places_together() -> None:
    grid = grid_of(32, 32)
    split = blocked_split(np.zeros(len(grid), np.int64), grid, 0.25, 0, block=8)
    blocks = grid.row // 8 * 4 + grid.col // 8
    assert all(len(set(split.test[blocks == block])) == 1 for block in range(16))
