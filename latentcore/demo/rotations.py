"""Crystal orientations as matrices.

A matrix g takes a direction from the sample's frame to the crystal's, Bunge's passive convention
(H.-J. Bunge, *Texture Analysis in Materials Science*, 1982, section 2.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


def random_rotations(n: int, rng: np.random.Generator) -> Floats:
    """Return n rotations, uniform over all orientations, shape (n, 3, 3).

    Normalized Gaussian 4-vectors are uniform unit quaternions (Marsaglia, *Ann. Math. Stat.* 43,
    1972, 645).
    """
    quaternions = rng.standard_normal((n, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    angle = 2 * np.arccos(np.clip(quaternions[:, 0], -1, 1))
    axis = quaternions[:, 1:] / np.linalg.norm(quaternions[:, 1:], axis=1, keepdims=True)
    return from_vectors(axis * angle[:, None])


def about_axis(axis: Floats, degrees: float) -> Floats:
    """Return the rotation about one axis, shape (3, 3)."""
    unit = axis / np.linalg.norm(axis)
    turn: Floats = from_vectors(unit[None] * np.deg2rad(degrees))[0]
    return turn


def from_vectors(vectors: Floats) -> Floats:
    """Return the matrices of rotation vectors (axis times angle in radians), (n, 3) → (n, 3, 3).

    Rodrigues' formula.
    """
    angle = np.linalg.norm(vectors, axis=1)
    axis = vectors / np.maximum(angle, 1e-12)[:, None]
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    cross -= cross.transpose(0, 2, 1)
    sine, versine = np.sin(angle)[:, None, None], (1 - np.cos(angle))[:, None, None]
    rotations: Floats = np.eye(3) + sine * cross + versine * (cross @ cross)
    return rotations


def bunge_degrees(g: Floats) -> Floats:
    """Return Euler angles (φ1, Φ, φ2) in degrees, (n, 3, 3) → (n, 3); φ1 and φ2 in [0, 360)."""
    phi1 = np.arctan2(g[:, 2, 0], -g[:, 2, 1])
    phi = np.arccos(np.clip(g[:, 2, 2], -1, 1))
    phi2 = np.arctan2(g[:, 0, 2], g[:, 1, 2])
    angles: Floats = np.rad2deg(np.column_stack([phi1, phi, phi2]))
    angles[:, [0, 2]] %= 360
    return angles


def turn(matrices: Singles, directions: Singles) -> Singles:
    """Turn p directions by each of b matrices: (b, 3, 3) and (3, b, p) → (3, b, p)."""
    return np.stack([component(directions, matrices[:, axis]) for axis in range(3)])


def component(directions: Singles, along: Singles) -> Singles:
    """Return the scalar products of directions with b vectors: (3, b, p) and (b, 3) → (b, p).

    Written out, because the threads of a BLAS wait for each other longer than such a thin
    product takes.
    """
    found: Singles = directions[0] * along[:, 0, None]
    found += directions[1] * along[:, 1, None]
    found += directions[2] * along[:, 2, None]
    return found
