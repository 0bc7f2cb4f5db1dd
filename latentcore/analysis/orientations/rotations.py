"""Rotations as quaternions: from Euler angles, products, and the Laue groups' proper rotations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import CrystalSymmetry
from latentcore.containers.crystals import BETWEEN_A, LAUE_GROUPS
from latentcore.errors import RequestError

Quaternions = NDArray[np.float64]

_Turn = tuple[int, tuple[float, float, float]]
_TWO_X: _Turn = (2, (1, 0, 0))
_THREE_DIAGONAL: _Turn = (3, (1, 1, 1))
# Generators of the proper rotations: how many turns make a full one, and the axis. Crystal axes
# are Cartesian: z along c, x along a or a*; the twofold axis of 2/m is b, along y.
_GENERATORS: Mapping[str, tuple[_Turn, ...]] = {
    "-1": (),
    "2/m": ((2, (0, 1, 0)),),
    "mmm": ((2, (0, 0, 1)), _TWO_X),
    "4/m": ((4, (0, 0, 1)),),
    "4/mmm": ((4, (0, 0, 1)), _TWO_X),
    "-3": ((3, (0, 0, 1)),),
    "-3m": ((3, (0, 0, 1)), _TWO_X),
    "6/m": ((6, (0, 0, 1)),),
    "6/mmm": ((6, (0, 0, 1)), _TWO_X),
    "m-3": ((2, (0, 0, 1)), _THREE_DIAGONAL),
    "m-3m": ((4, (0, 0, 1)), _THREE_DIAGONAL),
}
_SIXTH_OF_PI = np.pi / 6


def from_euler(phi1: ArrayLike, polar: ArrayLike, phi2: ArrayLike) -> Quaternions:
    """Return orientations from Bunge's angles φ1, Φ, φ2 in rad.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        NaN where an angle is not finite.
    """
    phi1, polar, phi2 = (np.asarray(angle, np.float64) for angle in (phi1, polar, phi2))
    with np.errstate(invalid="ignore"):
        both, apart, half = (phi1 + phi2) / 2, (phi1 - phi2) / 2, polar / 2
        parts = (
            np.cos(half) * np.cos(both), np.sin(half) * np.cos(apart),
            np.sin(half) * np.sin(apart), np.cos(half) * np.sin(both),
        )  # fmt: skip
    return np.stack(parts, axis=-1)


def to_euler(rotations: Quaternions) -> NDArray[np.float64]:
    """Return Bunge's angles of orientations in rad, shape (n, 3).

    φ1 and φ2 are in [0, 2π), Φ in [0, π]; where Φ is 0 only the sum of the others counts.
    """
    w, x, y, z = rotations.T
    both, apart = np.arctan2(z, w), np.arctan2(y, x)
    polar = 2 * np.arctan2(np.hypot(x, y), np.hypot(w, z))
    turn = 2 * np.pi
    return np.stack([(both + apart) % turn, polar, (both - apart) % turn], axis=-1)


def multiply(first: Quaternions, second: Quaternions) -> Quaternions:
    """Return the products first·second, shapes (…, 4) that broadcast."""
    w, x, y, z = np.moveaxis(first, -1, 0)
    t, u, v, s = np.moveaxis(second, -1, 0)
    parts = (
        w * t - x * u - y * v - z * s, w * u + x * t + y * s - z * v,
        w * v - x * s + y * t + z * u, w * s + x * v - y * u + z * t,
    )  # fmt: skip
    return np.stack(parts, axis=-1)


def inverse(rotations: Quaternions) -> Quaternions:
    """Return the inverse rotations."""
    turned: Quaternions = rotations * np.array([1.0, -1.0, -1.0, -1.0])
    return turned


@cache
def proper_rotations(symmetry: CrystalSymmetry) -> Quaternions:
    """Return the proper rotations of a Laue group, made from its generators.

    Parameters
    ----------
    symmetry : CrystalSymmetry
        Which axis is x matters for −3m alone: the others' twofold axes lie along both.

    Returns
    -------
    ndarray of float64, shape (g, 4)
        1 to 24 rotations, one of each pair ±q, the identity first.

    Raises
    ------
    RequestError
        If there is no such Laue group.
    """
    name = "-3m" if symmetry.laue == BETWEEN_A else symmetry.laue
    if name not in _GENERATORS:
        message = (
            f"There is no Laue group {symmetry.laue!r}. The eleven are {', '.join(LAUE_GROUPS)}."
        )
        raise RequestError(message)
    generators = [_turn(*one) for one in _GENERATORS[name]]
    group = np.array([[1.0, 0.0, 0.0, 0.0]])
    while True:
        products = [group, *(multiply(group, one) for one in generators)]
        larger = _distinct(np.concatenate(products))
        if len(larger) == len(group):
            break
        group = larger
    if name == "-3m" and (symmetry.laue == BETWEEN_A) != (symmetry.hexagonal_x == "a*"):
        about_z = np.array([np.cos(_SIXTH_OF_PI / 2), 0, 0, np.sin(_SIXTH_OF_PI / 2)])
        group = multiply(multiply(about_z, group), inverse(about_z))
    group.setflags(write=False)
    return group


def _turn(times: int, axis: tuple[float, float, float]) -> Quaternions:
    unit = np.array(axis) / np.linalg.norm(axis)
    return np.concatenate([[np.cos(np.pi / times)], np.sin(np.pi / times) * unit])


def _distinct(rotations: Quaternions) -> Quaternions:
    """Return each rotation once, in the order of their first place; q and −q are one."""
    kept: list[Quaternions] = []
    for one in rotations:
        if all(abs(one @ other) < 1 - 1e-9 for other in kept):
            kept.append(one)
    return np.array(kept)
