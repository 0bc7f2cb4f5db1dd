"""Shapes, borders, maps and colors of domains."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.domains.edges import scan_edges
from latentcore.analysis.domains.objects import Domains
from latentcore.containers import ScanGrid


def domains_of(picture, step=(1.0, 1.0), values=None):
    """Return the domains of a picture of labels; distances are differences of values."""
    picture = np.asarray(picture)
    row, col = (axis.ravel() for axis in np.indices(picture.shape))
    grid = ScanGrid.from_coordinates(col * step[0], row * step[1], step=step)
    labels = picture.ravel().astype(np.int32)
    values = np.zeros(len(labels)) if values is None else np.asarray(values, float).ravel()
    edges = scan_edges(grid, labels >= 0)
    apart = np.abs(values[edges.i] - values[edges.j]).astype(np.float32)
    return Domains(grid, edges, labels, apart, np.abs(values).astype(np.float32))


PICTURE = [
    [0, 0, 0, 0, 0, 1],
    [0, 2, 2, 0, 0, 1],
    [0, 2, 2, 0, -1, 1],
    [0, 0, 0, 0, 1, 1],
]


def test_table_by_hand():
    found = domains_of(PICTURE, step=(0.5, 2.0), values=np.arange(24.0))
    table = found.table({"height": np.where(np.arange(24) == 0, np.nan, np.arange(24.0))})
    assert table["n"].tolist() == [14, 5, 4]
    assert table["area"].tolist() == [14, 5, 4]
    np.testing.assert_allclose(table["equivalent_diameter"], 2 * np.sqrt(table["area"] / np.pi))
    # 2 lies in 0: a square of 2 × 2 cells of 0.5 × 2, whose sides make 2 · (1 + 4).
    assert table["perimeter"][2] == 10
    # 1 has 4 cells in its column and one beside: sides of 2 each row, of 0.5 above and below.
    assert table["perimeter"][1] == 2 * 4 * 2.0 + (2 + 2) * 0.5
    assert table["n_neighbors"].tolist() == [2, 1, 1]
    assert table["touches_border"].tolist() == [True, True, False]
    assert table["n_inclusions"].tolist() == [1, 0, 0]
    assert table["centroid_x"][2] == 0.75
    assert table["centroid_y"][2] == 3
    assert table["aspect_ratio"][2] == pytest.approx(4)
    assert table["angle_deg"][2] == 90
    inside = np.array([7, 8, 13, 14])
    assert table["mean_height"][2] == inside.mean()
    assert table["sd_height"][2] == pytest.approx(inside.std())
    assert np.isfinite(table["mean_height"][0])


def test_ellipse_of_a_slanted_bar_points_along_it():
    picture = np.zeros((40, 40), int)
    row, col = np.indices(picture.shape)
    # Three times as long as wide, 30° from x towards y.
    along = (col - 20) * np.cos(np.pi / 6) + (row - 20) * np.sin(np.pi / 6)
    across = (row - 20) * np.cos(np.pi / 6) - (col - 20) * np.sin(np.pi / 6)
    picture[(np.abs(along) <= 15) & (np.abs(across) <= 5)] = 1
    table = domains_of(picture).table()
    assert table["aspect_ratio"][1] == pytest.approx(3, rel=0.03)
    assert table["angle_deg"][1] == pytest.approx(30, abs=1)
    square = domains_of([[0, 0, 1], [0, 0, 1]]).table()
    assert np.isnan(square["angle_deg"][0])
    assert square["aspect_ratio"][0] == 1


def test_borders_and_maps_by_hand():
    found = domains_of([[0, 0, 1], [0, 2, 1]], step=(1.0, 3.0), values=[[0, 1, 5], [0, 9, 6]])
    borders = found.borders.set_index(["a", "b"])
    # Beside each other cells share a side of 3, above each other one of 1.
    assert borders.loc[(0, 1), "length"] == 3
    assert borders.loc[(0, 1), "contrast"] == 4
    assert borders.loc[(0, 2), "length"] == 1 + 3
    assert borders.loc[(0, 2), "contrast"] == (1 * 8 + 3 * 9) / 4
    assert borders.loc[(1, 2), "length"] == 3
    np.testing.assert_allclose(found.neighbor_distance, [0.5, 1, 1, 0, np.nan, 1])
    np.testing.assert_allclose(found.border_contrast, [np.nan, 6, 4, 9, (8 + 9 + 3) / 3, 3])


def test_length_of_borders_and_edges_of_the_scan_make_the_perimeters():
    picture = np.random.default_rng(0).integers(0, 4, (30, 20)).astype(int)
    edges = scan_edges(ScanGrid.from_coordinates(*np.divmod(np.arange(600), 20)[::-1]))
    from latentcore.analysis.domains.settling import connected_parts

    labels = connected_parts(edges, picture.ravel())
    found = domains_of(labels.reshape(30, 20))
    total = 2 * found.borders["length"].sum() + 2 * (30 + 20)
    assert found.table()["perimeter"].sum() == total
    colors, borders = found.colors, found.borders
    assert (colors[borders["a"]] != colors[borders["b"]]).all()
    assert np.bincount(colors, minlength=8).min() > 0


def test_domains_without_any_neighbors():
    found = domains_of(np.zeros((3, 4), int))
    assert found.count == 1
    assert len(found.borders) == 0
    assert found.colors.tolist() == [0]
    assert found.table()["n_neighbors"].tolist() == [0]
