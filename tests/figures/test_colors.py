"""Colors are a contract: the browser follows the same formulas."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from latentcore.errors import RequestError, UnknownNameError
from latentcore.figures import colors
from latentcore.figures.colors import (
    COLORMAPS,
    NAN_COLORS,
    NOISE_COLOR,
    categorical_palette,
    categorical_rgb,
    cluster_palette,
    continuous_rgb,
    hex_to_rgb,
    is_diverging,
    lut,
    rgb_to_hex,
    shaded_rgb,
    usual_color_map,
)


@pytest.mark.parametrize("name", COLORMAPS)
def test_tables_have_256_colors(name):
    table = lut(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert len(np.unique(table, axis=0)) > 200


@pytest.mark.parametrize("name", [name for name in COLORMAPS if not is_diverging(name)])
def test_sequential_maps_grow_lighter_all_along(name):
    lightness = colors._oklab(lut(name).astype(int))[:, 0]
    assert (np.diff(lightness) > -0.006).all()


@pytest.mark.parametrize("name", [name for name in COLORMAPS if is_diverging(name)])
def test_diverging_maps_turn_in_the_middle(name):
    lightness = colors._oklab(lut(name).astype(int))[:, 0]
    turn = np.argmax(np.abs(lightness - (lightness[0] + lightness[-1]) / 2))
    assert abs(turn - 127.5) < 4


def test_lut_is_a_copy():
    lut("viridis")[0] = 0
    assert rgb_to_hex(lut("viridis")[0]) == "#440154"


def test_unknown_map_lists_what_exists():
    with pytest.raises(UnknownNameError, match=r"'jet'.*viridis, cividis"):
        lut("jet")


def test_continuous_follows_the_formula():
    values = np.array([-1.0, 0.0, 0.4, 0.999, 1.0, 2.0, np.nan])
    rgb = continuous_rgb(values, (0.0, 1.0))
    table = lut("viridis")
    np.testing.assert_array_equal(rgb[:6], table[[0, 0, 102, 255, 255, 255]])
    assert rgb_to_hex(rgb[6]) == NAN_COLORS["light"]


def test_continuous_of_one_value_is_the_middle():
    np.testing.assert_array_equal(continuous_rgb([3.0], (3.0, 3.0))[0], lut("viridis")[128])


def test_continuous_agrees_with_matplotlib():
    values = np.random.default_rng(0).normal(size=(20, 30))
    normed = mpl.colors.Normalize(-1, 1)(values)
    wanted = mpl.colormaps["cividis"](normed, bytes=True)[..., :3].astype(int)
    # matplotlib rounds a color down where the table rounds to the nearest.
    assert np.abs(continuous_rgb(values, (-1, 1), "cividis").astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("limits", [(1.0, 0.0), (np.nan, 1.0), (0.0, np.inf)])
def test_senseless_limits_are_refused(limits):
    with pytest.raises(RequestError, match="finite with lo ≤ hi"):
        continuous_rgb([0.0], limits)


def test_infinite_values_take_the_ends():
    rgb = continuous_rgb([-np.inf, np.inf], (0.0, 1.0))
    np.testing.assert_array_equal(rgb, lut("viridis")[[0, 255]])


@pytest.mark.parametrize(("theme", "dark"), [("light", 0.35), ("dark", 0.55)])
def test_shaded_follows_the_formula(theme, dark):
    palette = {0: "#0072b2", -1: NOISE_COLOR}
    labels = np.array([0, 0, 0, 0, -1, 0])
    latent = np.array([0.0, 0.25, 0.5, 1.0, 0.5, np.nan])
    rgb = shaded_rgb(labels, latent, palette, ranges={0: (0.0, 1.0)}, theme=theme).astype(int)
    base = np.array(hex_to_rgb("#0072b2"))
    np.testing.assert_array_equal(rgb[0], np.floor(base * dark + 0.5))
    np.testing.assert_array_equal(rgb[1], np.floor(base * (dark + (1 - dark) * 0.5) + 0.5))
    np.testing.assert_array_equal(rgb[2], base)
    np.testing.assert_array_equal(rgb[3], np.floor(base + (255 - base) * 0.6 + 0.5))
    assert rgb_to_hex(rgb[4]) == NOISE_COLOR
    assert rgb_to_hex(rgb[5]) == NAN_COLORS[theme]


def test_shaded_by_default_between_the_clusters_own_quantiles():
    labels = np.repeat([0, 1], 101)
    latent = np.concatenate([np.arange(101.0), 1e-4 * np.arange(101.0)])
    palette = cluster_palette(labels)
    rgb = shaded_rgb(labels, latent, palette)
    np.testing.assert_array_equal(rgb[50], hex_to_rgb(palette[0]))
    np.testing.assert_array_equal(rgb[151], hex_to_rgb(palette[1]))
    np.testing.assert_array_equal(rgb[0], rgb[2])


def test_categorical_keeps_the_shape():
    labels = np.array([[0, 1], [-1, 0]])
    rgb = categorical_rgb(labels, cluster_palette(labels))
    assert rgb.shape == (2, 2, 3)
    assert rgb_to_hex(rgb[1, 0]) == NOISE_COLOR


def test_palette_begins_with_okabe_and_ito():
    assert categorical_palette()[:3] == ("#0072b2", "#e69f00", "#009e73")
    assert len(set(categorical_palette())) == len(categorical_palette()) >= 32


def test_palette_colors_are_clearly_distinct():
    taken = [*categorical_palette()[:32], NOISE_COLOR, *NAN_COLORS.values(), "#ffffff", "#000000"]
    lab = colors._oklab(np.array([hex_to_rgb(color) for color in taken]))
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    # About 0.02 is a just noticeable difference in OKLab.
    assert distances[np.triu_indices(len(lab), 1)].min() > 0.06


def test_cluster_palette_uses_given_colors_again_and_keeps_noise_gray():
    palette = cluster_palette([-1, 0, 1, 2], ["#FF0000", "#00ff00"])
    assert palette == {-1: NOISE_COLOR, 0: "#ff0000", 1: "#00ff00", 2: "#ff0000"}


@pytest.mark.parametrize("color", ["red", "#12345", "#12345g", "#1234567"])
def test_only_rrggbb_is_a_color(color):
    with pytest.raises(RequestError, match="write it as #rrggbb"):
        cluster_palette([0], [color])


@pytest.mark.parametrize(
    ("name", "values", "colors"),
    [
        ("bandcontrast", [0.0, 255.0], "grey"),
        ("Fe", [np.nan, 0.0, 20.0], "cividis"),
        ("pca_0", [-1.0, np.nan, 2.0], "blue-white-red"),
        ("nothing", [np.nan], "cividis"),
    ],
)
def test_a_map_has_one_usual_color_map(name, values, colors):
    assert usual_color_map(name, values) == colors
