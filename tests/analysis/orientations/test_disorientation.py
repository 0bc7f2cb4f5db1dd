"""Disorientation under the Laue groups, and mean orientations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from latentcore.analysis.orientations.disorientation import disorientation, mean_orientations
from latentcore.analysis.orientations.rotations import (
    from_euler,
    multiply,
    proper_rotations,
    to_euler,
)
from latentcore.containers import CrystalSymmetry
from latentcore.containers.crystals import (
    LAUE_GROUPS,
    laue_of_point_group,
    laue_of_space_group,
)
from latentcore.errors import RequestError

# SciPy's names of the groups of proper rotations; its C2 turns about z, ours about b along y.
SCHOENFLIES = {
    "-1": "C1", "mmm": "D2", "4/m": "C4", "4/mmm": "D4", "-3": "C3", "-3m": "D3", "6/m": "C6",
    "6/mmm": "D6", "m-3": "T", "m-3m": "O",
}  # fmt: skip
RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.uniform(0, 2 * np.pi, (2, 3, 200))


def group_of(laue: str) -> Rotation:
    if laue == "2/m":
        return Rotation.create_group("C2", axis="Y")
    return Rotation.create_group(SCHOENFLIES[laue])


@pytest.mark.parametrize("laue", LAUE_GROUPS)
def test_angles_are_those_of_scipys_groups(laue: str) -> None:
    wanted = group_of(laue)
    own = proper_rotations(CrystalSymmetry(laue))
    assert len(own) == len(wanted)
    turns = Rotation.from_euler("ZXZ", FIRST.T), Rotation.from_euler("ZXZ", SECOND.T)
    both = [np.degrees((one.inv() * turns[0].inv() * turns[1] * other).magnitude())
            for one in wanted for other in wanted]  # fmt: skip
    found = disorientation(from_euler(*FIRST), from_euler(*SECOND), own)
    np.testing.assert_allclose(found, np.min(both, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("laue", "largest", "corner"),
    [
        # Corners of the fundamental zones as Rodrigues vectors: Morawiec, Orientations and
        # Rotations, 2004; the prism of a dihedral group has 2n sides at 1, its top at tan(π/2n).
        ("m-3m", 62.80, (np.sqrt(2) - 1, np.sqrt(2) - 1, 3 - 2 * np.sqrt(2))),
        ("m-3", 90.00, (1, 0, 0)),
        ("6/mmm", 93.84, (1, np.tan(np.pi / 12), np.tan(np.pi / 12))),
        ("4/mmm", 98.42, (1, np.tan(np.pi / 8), np.tan(np.pi / 8))),
        ("-3m", 104.48, (1, np.tan(np.pi / 6), np.tan(np.pi / 6))),
        ("mmm", 120.00, (1, 1, 1)),
    ],
)
def test_the_largest_disorientation_is_the_published_one(laue, largest, corner) -> None:
    group = proper_rotations(CrystalSymmetry(laue))
    straight = np.array([[1.0, 0, 0, 0]])
    rodrigues = np.array([[1.0, *corner]])
    at_corner = disorientation(straight, rodrigues / np.linalg.norm(rodrigues), group)[0]
    assert at_corner == pytest.approx(largest, abs=0.005)
    random = RNG.normal(size=(20_000, 4))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    found = disorientation(np.tile(straight, (20_000, 1)), random, group)
    assert at_corner - 6 < found.max() <= at_corner + 1e-9


def test_twins_and_trigonal_axes() -> None:
    # Σ3: 60° about [111]; the tension twin of magnesium: 86.3° about an a axis.
    start = from_euler(0.3, 0.7, 1.1)
    for laue, angle, axis in (("m-3m", 60, (1, 1, 1)), ("6/mmm", 86.3, (1, 0, 0))):
        half = np.radians(angle) / 2
        turn = np.array([np.cos(half), *(np.sin(half) * np.array(axis) / np.linalg.norm(axis))])
        twin = multiply(start, turn)
        group = proper_rotations(CrystalSymmetry(laue))
        assert disorientation(start[None], twin[None], group)[0] == pytest.approx(angle)
    # Half a turn about x is a symmetry of −3m where a lies along x, and none where a* does.
    half_turn, straight = np.array([[0, 1.0, 0, 0]]), np.array([[1.0, 0, 0, 0]])
    angles = {
        (laue, x): disorientation(straight, half_turn, proper_rotations(CrystalSymmetry(laue, x)))
        for laue in ("-3m", "-31m") for x in ("a", "a*")
    }  # fmt: skip
    assert angles["-3m", "a"] == angles["-31m", "a*"] == 0
    assert angles["-3m", "a*"] == angles["-31m", "a"] == pytest.approx(60)


def test_euler_angles_come_back() -> None:
    angles = RNG.uniform(0, 1, (3, 50)) * np.array([[2 * np.pi], [np.pi], [2 * np.pi]])
    np.testing.assert_allclose(to_euler(from_euler(*angles)), angles.T, atol=1e-12)
    level = to_euler(from_euler([0.4], [0.0], [0.5]))
    assert level[0, 0] + level[0, 2] == pytest.approx(0.9)
    assert np.isnan(from_euler([np.nan], [0.0], [0.5])).all()


@pytest.mark.parametrize("laue", ["m-3m", "6/mmm", "2/m"])
def test_the_mean_does_not_ask_which_equivalent_a_file_holds(laue: str) -> None:
    centers = Rotation.random(3, random_state=1)
    grain = RNG.integers(0, 3, 300)
    away = RNG.normal(0, np.radians(2), (300, 3))
    away -= np.stack([away[grain == one].mean(axis=0) for one in range(3)])[grain]
    equivalents = Rotation.concatenate([*group_of(laue)])[RNG.integers(0, len(group_of(laue)), 300)]
    seen = (centers[grain] * Rotation.from_rotvec(away) * equivalents).as_quat(scalar_first=True)
    group = proper_rotations(CrystalSymmetry(laue))
    means = mean_orientations(seen * RNG.choice([-1, 1], (300, 1)), grain, 4, group)
    assert np.isnan(means[3]).all()
    off = disorientation(means[:3], centers.as_quat(scalar_first=True), group)
    assert off.max() < 0.02
    # SciPy's mean of the same orientations, none of them turned to an equivalent.
    plain = (centers[grain] * Rotation.from_rotvec(away))[grain == 1].mean()
    assert disorientation(
        means[1:2], plain.as_quat(scalar_first=True)[None], group
    ) == pytest.approx(0, abs=1e-5)


def test_which_laue_group() -> None:
    numbers = {1: "-1", 14: "2/m", 62: "mmm", 88: "4/m", 139: "4/mmm", 148: "-3", 167: "-3m",
               176: "6/m", 194: "6/mmm", 205: "m-3", 225: "m-3m", 162: "-31m",
               152: "-3m"}  # fmt: skip
    assert {number: laue_of_space_group(number) for number in numbers} == numbers
    assert laue_of_space_group(0) is laue_of_space_group(231) is None
    texts = {"Cubic (Oh) [m3m]": "m-3m", "6/m m m": "6/mmm", "-42m": "4/mmm", "32": "-3m",
             "23": "m-3", "mm2": "mmm", "312": "-31m", "Laue": None, "": None}  # fmt: skip
    assert {text: laue_of_point_group(text) for text in texts} == texts
    with pytest.raises(RequestError, match=r"no Laue group 'm3'. The eleven are -1, 2/m"):
        proper_rotations(CrystalSymmetry("m3"))
