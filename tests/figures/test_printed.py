"""Printed figures: right pixels, right labels, no global state."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest

from latentcore.containers import Embedding, Roi, ScanGrid, default_sample_ids
from latentcore.errors import ShapeError
from latentcore.figures._canvas import paint
from latentcore.figures.clusters import cluster_figure
from latentcore.figures.colors import (
    NAN_COLORS,
    categorical_rgb,
    cluster_palette,
    continuous_rgb,
    hex_to_rgb,
    shaded_rgb,
)
from latentcore.figures.embedding import embedding_figure
from latentcore.figures.maps import map_figure


def scan(columns=8, rows=5, *, step=1.0, unit="", x0=350.0, y0=70.0) -> ScanGrid:
    y, x = np.divmod(np.arange(columns * rows), columns)
    return ScanGrid.from_coordinates(x * step + x0, y * step + y0, unit=unit)


def saved(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=60, format="png")
    return file.getvalue()


def image_of(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def texts_of(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_painting_places_rows_by_coordinates_and_cuts_to_the_points():
    grid = scan().take(np.array([17, 10, 11]))
    picture = paint(grid, np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3]], np.uint8))
    assert picture.rgb.shape == (2, 3, 3)
    np.testing.assert_array_equal(picture.rgb[..., 0], [[217, 2, 3], [1, 217, 217]])
    assert hex_to_rgb(NAN_COLORS["light"])[0] == 217
    assert picture.extent == (350.5, 353.5, 72.5, 70.5)


def test_cells_of_a_hexagonal_scan_are_two_pixels_wide_and_shifted_rows_begin_one_later():
    # Rows 1 and 2 of four, so that the row that is shifted comes first; one cell is missing.
    x, y = np.array([1.5, 2.5, 1.0, 3.0]), np.array([1.0, 1.0, 2.0, 2.0]) * 0.8660254
    grid = ScanGrid((4, 4), *np.array([[1, 1, 2, 2], [1, 2, 1, 3]], np.int32), x, y,
                    (1.0, 0.8660254), shifted_rows="odd")  # fmt: skip
    picture = paint(grid, np.repeat(np.arange(4, dtype=np.uint8)[:, None], 3, axis=1))
    wanted = [[217, 0, 0, 1, 1, 217, 217], [2, 2, 217, 217, 3, 3, 217]]
    np.testing.assert_array_equal(picture.rgb[..., 0], wanted)
    assert picture.extent == pytest.approx((0.5, 4.0, 2.5 * 0.8660254, 0.5 * 0.8660254))
    figure = map_figure(grid, np.arange(4.0), label="v", roi=Roi((1.5, 2.5), (0.8, 1.7)))
    box = figure.axes[0].patches[0]
    assert (box.get_x(), box.get_width()) == (1.25, 1.0)  # between the points of all rows
    assert figure.axes[0].get_aspect() == 1.0


def test_painting_wants_a_color_per_point():
    with pytest.raises(ShapeError, match=r"2 colors .* 40 points"):
        paint(scan(), np.zeros((2, 3), np.uint8))


def test_map_has_the_pixels_of_the_formula_and_y_downwards():
    grid = scan()
    values = np.arange(40.0)
    values[3] = np.nan
    figure = map_figure(grid, values, label="latent 40", limits=(0, 39))
    wanted = continuous_rgb(values, (0, 39)).reshape(5, 8, 3)
    np.testing.assert_array_equal(image_of(figure), wanted)
    axes = figure.axes[0]
    assert axes.get_ylim() == (74.5, 69.5)
    assert axes.get_aspect() == 1.0
    assert axes.get_xlabel() == "x (grid units)"
    assert "latent 40" in texts_of(figure)
    assert "no value" in texts_of(figure)
    assert saved(figure)[:4] == b"\x89PNG"


def test_map_with_a_unit_has_a_scale_bar():
    figure = map_figure(scan(40, 20, step=0.5, unit="µm"), np.arange(800.0), label="v")
    assert "5 µm" in texts_of(figure)
    assert figure.axes[0].get_xlabel() == "x (µm)"
    saved(figure)


def test_map_without_a_unit_has_none():
    figure = map_figure(scan(), np.arange(40.0), label="v")
    assert not [box for box in figure.axes[0].artists if "OffsetBox" in type(box).__name__]


def test_map_outlines_the_cells_of_a_roi():
    figure = map_figure(scan(), np.arange(40.0), label="v", roi=Roi((351, 353), (70, 72)))
    box = figure.axes[0].patches[0].get_bbox()
    assert box.extents.tolist() == [350.5, 69.5, 352.5, 71.5]


def test_diverging_map_is_symmetric_by_default():
    figure = map_figure(scan(), np.linspace(-1, 3, 40), label="v", cmap="blue-white-red")
    low, high = figure.axes[0].child_axes[0].get_ylim()
    assert low == -high


def test_map_of_one_value_is_drawn():
    saved(map_figure(scan(), np.ones(40), label="v"))


@pytest.fixture
def clustered():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, 40).astype(np.int32)
    return scan(), rng.normal(size=40), rng.uniform(0, 255, 40), labels


def test_cluster_panels_share_their_colors(clustered):
    grid, latent, contrast, labels = clustered
    latent[5] = np.nan
    labels[5] = -1
    figure = cluster_figure(grid, latent, contrast, labels)
    rgb = shaded_rgb(labels, latent, cluster_palette(labels))
    np.testing.assert_array_equal(image_of(figure), rgb.reshape(5, 8, 3))
    dots = figure.axes[1].collections[0]
    shown = {tuple(np.round(color[:3] * 255).astype(int)) for color in dots.get_facecolors()}
    assert shown == {tuple(map(int, rgb[row])) for row in range(40) if row != 5}
    assert len(dots.get_offsets()) == 39


def test_cluster_legend_names_every_label_with_its_count(clustered):
    figure = cluster_figure(*clustered, latent_label="latent 40", title="Three clusters")
    message = texts_of(figure)
    labels = clustered[3]
    for label in (0, 1, 2):
        assert f"cluster {label} (n = {(labels == label).sum()})" in message
    assert f"noise (n = {(labels < 0).sum()})" in message
    assert "Three clusters" in message
    assert saved(figure)[:4] == b"\x89PNG"


def test_cluster_figure_takes_given_colors(clustered):
    grid, latent, contrast, labels = clustered
    figure = cluster_figure(grid, latent, contrast, labels, colors=["#112233"])
    handles = [patch for patch in figure.findobj(mpl.patches.Patch) if patch.get_label()]
    assert any(mpl.colors.to_hex(patch.get_facecolor()) == "#112233" for patch in handles)


def test_cluster_figure_without_any_cluster(clustered):
    grid, latent, contrast, _ = clustered
    saved(cluster_figure(grid, latent, contrast, np.full(40, -1, np.int32)))


@pytest.mark.parametrize("components", [2, 3])
def test_embedding_is_drawn_without_missing_rows(components):
    coordinates = np.random.default_rng(0).normal(size=(50, components)).astype(np.float32)
    coordinates[7] = np.nan
    embedding = Embedding(coordinates, default_sample_ids(50), "umap", {"seed": 0}, "umap-learn 0")
    figure = embedding_figure(embedding)
    assert len(figure.axes) == components - 1
    assert len(figure.axes[0].collections[0].get_offsets()) == 49
    assert "only nearness has a meaning" in texts_of(figure)
    saved(figure)


def embedding_of(n: int) -> Embedding:
    coordinates = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    return Embedding(coordinates, default_sample_ids(n), "pca")


def colors_of(figure, embedding):
    """Return the color in which each point is drawn, (n, 3), in the points' order."""
    (drawn,) = figure.axes[0].collections
    order = {tuple(at): row for row, at in enumerate(np.asarray(drawn.get_offsets(), np.float32))}
    rgb = np.round(drawn.get_facecolors()[:, :3] * 255)
    return rgb[[order[tuple(at)] for at in embedding.coordinates]]


def test_embedding_has_the_colors_of_the_screen():
    embedding, values = embedding_of(40), np.linspace(-1, 1, 40)
    figure = embedding_figure(
        embedding, values=values, cmap="magma", limits=(-0.5, 0.5), label="latent 3"
    )
    expected = continuous_rgb(values, (-0.5, 0.5), "magma")
    np.testing.assert_array_equal(colors_of(figure, embedding), expected)
    assert "latent 3" in [axes.get_ylabel() for axes in figure.findobj(mpl.axes.Axes)]
    labels = np.arange(40) % 3
    figure = embedding_figure(embedding, labels=labels, names={0: "Fe", 1: "Ni"}, label="phase")
    palette = {**cluster_palette(labels), 2: NAN_COLORS["light"]}
    np.testing.assert_array_equal(colors_of(figure, embedding), categorical_rgb(labels, palette))
    (legend,) = figure.findobj(mpl.legend.Legend)
    assert [text.get_text() for text in legend.get_texts()] == ["Fe", "Ni"]
    saved(figure)


def test_embedding_fades_what_is_out_of_view_and_what_is_not_selected():
    embedding, rgb = embedding_of(9), np.full((9, 3), 20, np.uint8)
    inside, selected = np.arange(9) < 6, np.arange(9) < 2
    figure = embedding_figure(embedding, rgb=rgb, inside=inside, selected=selected)
    gray = colors_of(figure, embedding)[:, 0]
    assert gray[:2].tolist() == [20, 20]
    assert (gray[2:6] > 100).all()
    assert (gray[6:] > gray[2]).all()
    (drawn,) = figure.axes[0].collections
    above = np.asarray(drawn.get_offsets(), np.float32)[-2:]
    assert sorted(above[:, 0]) == sorted(embedding.coordinates[:2, 0]), "the selected lie above"


def test_embedding_names_the_variance_of_components():
    coordinates = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    scores = {"explained_variance_ratio_0": 0.5, "explained_variance_ratio_1": 0.25}
    embedding = Embedding(coordinates, default_sample_ids(9), "pca", scores=scores)
    figure = embedding_figure(embedding, labels=np.arange(9) % 2)
    assert figure.axes[0].get_xlabel() == "principal component 1 (50.0 % of the variance)"


def test_figures_leave_no_global_state(clustered):
    before = dict(mpl.rcParams)
    saved(cluster_figure(*clustered))
    assert dict(mpl.rcParams) == before


def dots(figure) -> np.ndarray:
    return np.round(figure.axes[0].collections[0].get_facecolor()[:, :3] * 255)


@pytest.mark.parametrize("by", ["values", "labels"])
def test_missing_points_of_an_embedding_have_the_color_that_is_chosen(by: str) -> None:
    embedding = Embedding(np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32),
                          default_sample_ids(6), "pca", {})  # fmt: skip
    colors = {
        "values": {"values": [0.0, np.nan, 1.0, 2.0, np.nan, 3.0]},
        "labels": {"labels": np.array([0, -9, 1, 1, 7, 0]), "names": {0: "a", 1: "b"}},
    }[by]
    usual, black = (
        dots(embedding_figure(embedding, **colors, missing=missing)) for missing in ("tan", "black")
    )
    changed = (usual != black).any(axis=1)
    assert (changed.sum(), len(usual)) == (2, 6)
    assert (black[changed] == 0).all()
    assert len(dots(embedding_figure(embedding, **colors, missing="transparent"))) == 4
