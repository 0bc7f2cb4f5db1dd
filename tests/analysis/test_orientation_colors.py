"""Colors of orientations: known corners, and no change under any symmetry operation."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from latentcore.analysis.orientation_colors import (
    direction_along_z,
    direction_colors,
    key_picture,
    orientation_colors,
    with_symmetry,
)
from latentcore.containers import CrystalSymmetry, ScanGrid, ScanMaps
from latentcore.errors import RequestError

CUBIC, HEXAGONAL = CrystalSymmetry("m-3m"), CrystalSymmetry("6/mmm")
RED, GREEN, BLUE = np.eye(3)
SPHERE = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3)
ANGLE = st.floats(0, 2 * np.pi)


def _group(*generators: Rotation) -> list[Rotation]:
    """Return every product of the generators."""
    found = [Rotation.identity()]
    for one in found:
        for generator in generators:
            product = one * generator
            if all((product * other.inv()).magnitude() > 1e-6 for other in found):
                found.append(product)
    return found


CUBIC_GROUP = _group(
    Rotation.from_rotvec([0, 0, np.pi / 2]),
    Rotation.from_rotvec(np.array([1, 1, 1]) * 2 * np.pi / 3 / np.sqrt(3)),
)
HEXAGONAL_GROUP = _group(
    Rotation.from_rotvec([0, 0, np.pi / 3]), Rotation.from_rotvec([np.pi, 0, 0])
)


def _bunge(phi1: float, polar: float, phi2: float) -> Rotation:
    """Return Bunge's rotation of the sample's axes onto the crystal's: about z, x', z''."""
    return Rotation.from_euler("ZXZ", [phi1, polar, phi2])


def test_groups_are_whole() -> None:
    assert (len(CUBIC_GROUP), len(HEXAGONAL_GROUP)) == (24, 12)


@pytest.mark.parametrize(
    ("direction", "color"),
    [([0, 0, 1], RED), ([1, 0, 1], GREEN), ([1, 1, 1], BLUE), ([0, -3, 0], RED),
     ([-1, 1, 0], GREEN), ([-1, 1, -1], BLUE)],
)  # fmt: skip
def test_cubic_corners(direction: list[float], color: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(direction_colors([direction], CUBIC)[0], color, atol=1e-6)


@pytest.mark.parametrize("x_axis", ["a", "a*"])
def test_hexagonal_corners(x_axis: str) -> None:
    symmetry = CrystalSymmetry("6/mmm", x_axis)
    along_x, across = direction_colors([[1, 0, 0], [0, 1, 0]], symmetry)
    np.testing.assert_allclose(direction_colors([[0, 0, -2]], symmetry)[0], RED, atol=1e-6)
    # x is [2-1-10] where it is taken along a, and [10-10] where it is taken along a*.
    np.testing.assert_allclose(along_x, GREEN if x_axis == "a" else BLUE, atol=1e-6)
    np.testing.assert_allclose(across, BLUE if x_axis == "a" else GREEN, atol=1e-6)


@given(polar=ANGLE, phi1=ANGLE, phi2=ANGLE)
def test_direction_is_that_of_the_rotation(phi1: float, polar: float, phi2: float) -> None:
    wanted = _bunge(phi1, polar, phi2).inv().apply([0, 0, 1])
    np.testing.assert_allclose(direction_along_z([polar], [phi2])[0], wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("symmetry", "group"),
    [(CUBIC, CUBIC_GROUP), (HEXAGONAL, HEXAGONAL_GROUP),
     (CrystalSymmetry("6/mmm", "a*"), HEXAGONAL_GROUP)],
)  # fmt: skip
@given(direction=SPHERE)
def test_symmetry_leaves_the_color(
    symmetry: CrystalSymmetry, group: list[Rotation], direction: tuple[float, float, float]
) -> None:
    equal = np.stack([one.apply(direction) for one in group])
    colors = direction_colors(np.concatenate([equal, -equal]), symmetry)
    assert np.isfinite(colors).all()
    # The square root makes colors steep at the corners, where rounding shows.
    np.testing.assert_allclose(colors, np.broadcast_to(colors[0], colors.shape), atol=2e-4)


@given(direction=SPHERE)
def test_colors_are_as_bright_as_can_be(direction: tuple[float, float, float]) -> None:
    (color,) = direction_colors([direction], CUBIC)
    assert color.max() == pytest.approx(1)
    assert color.min() >= 0


def test_different_directions_have_different_colors() -> None:
    steps = np.linspace(0, 1, 12)
    inside = [(x, x * y, 1.0) for x, y in itertools.product(steps[1:], steps)]
    colors = direction_colors(inside, CUBIC)
    apart = np.linalg.norm(colors[:, None] - colors[None], axis=-1)
    np.fill_diagonal(apart, 1)
    assert apart.min() > 0.005


def test_what_is_no_direction_has_no_color() -> None:
    colors = direction_colors([[np.nan, 0, 1], [0, 0, 0], [0, 0, 1]], CUBIC)
    assert np.isnan(colors[:2]).all()
    assert np.isfinite(colors[2]).all()


def test_unknown_laue_class_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no color key for the Laue class '4/mmm'"):
        direction_colors([[0, 0, 1]], CrystalSymmetry("4/mmm"))


def _maps(unit: str, symmetries: dict[int, CrystalSymmetry]) -> ScanMaps:
    angles = np.zeros((3, 5), np.float32)
    angles[1] = np.array([0, np.pi / 2, np.pi / 4, 0, np.nan])
    if unit == "°":
        angles = np.degrees(angles)
    phase = np.array([[1, 2, 1, 0, 1]], np.float32)
    return ScanMaps(
        values=np.concatenate([angles, phase]),
        names=("phi1", "Phi", "phi2", "phase"),
        units=(unit, unit, unit, ""),
        grid=ScanGrid.from_coordinates(np.arange(5), np.zeros(5)),
        symmetries=symmetries,
    )


@pytest.mark.parametrize("unit", ["rad", "°"])
def test_each_phase_has_its_own_key(unit: str) -> None:
    colors = orientation_colors(_maps(unit, {1: CUBIC, 2: HEXAGONAL}))
    assert colors is not None
    # Phi = 90° turns y of the crystal along z: [01-10], a blue one.
    np.testing.assert_allclose(colors[:3], [RED, BLUE, GREEN], atol=1e-3)
    assert np.isnan(colors[3:]).all()


def test_no_known_symmetry_no_colors() -> None:
    assert orientation_colors(_maps("rad", {})) is None
    assert orientation_colors(_maps("rad", {7: CUBIC})) is None


@pytest.mark.parametrize("laue", ["m-3m", "6/mmm"])
def test_key_shows_the_corners_where_they_belong(laue: str) -> None:
    picture = key_picture(laue, 200).astype(float) / 255
    assert picture.shape[1:] == (200, 4)
    np.testing.assert_allclose(picture[-1, 0], [*RED, 1], atol=0.01)
    np.testing.assert_allclose(picture[-1, -1], [*GREEN, 1], atol=0.01)
    opaque = picture[picture[..., 3] == 1]
    assert np.abs(opaque[:, :3] - BLUE).max(axis=1).min() < 0.15
    assert 0.3 < picture[..., 3].mean() < 0.8


def test_symmetry_may_be_assumed_where_the_file_says_none() -> None:
    assumed = with_symmetry(_maps("rad", {}), CUBIC)
    assert assumed.symmetries == {1: CUBIC, 2: CUBIC}
    colors = orientation_colors(assumed)
    assert colors is not None
    np.testing.assert_allclose(colors[:2], [RED, RED], atol=1e-3)
    only = replace(_maps("rad", {}), values=np.zeros((4, 5), np.float32))
    assert with_symmetry(only, HEXAGONAL).symmetries == {0: HEXAGONAL}
