"""Grains, phases, twins and pores of the demo's specimen, on a scan grid.

Grains are a Laguerre tessellation (Voronoi cells with weights), whose sizes spread as those of
annealed metals do (A. Lyckegaard et al., *Adv. Eng. Mater.* 13 (2011) 165). Some nickel grains hold
an annealing twin: a lamella turned by 60° about a ⟨111⟩ axis, bounded by the trace of that very
{111} plane. Pores sit on grain boundaries, as in reduced or sintered metal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.demo.rotations import about_axis, from_vectors, random_rotations

PORE, NICKEL, IRON = 0, 1, 2

_POINTS_PER_GRAIN = 270
_IRON_SHARE = 0.36
_TWINNED_SHARE = 0.4
_PORE_AREA_SHARE = 0.03
# Amplitude of the waves of grain boundaries, in scan steps; twin boundaries are straight.
_WAVINESS = 0.9
# Half-width of the mixed zone along a boundary, in scan steps: the size of the volume that the
# beam diffracts from.
_BEAM_SIGMA = 0.6
# Orientation turns by so much per scan step inside a grain (s.d.), in degrees.
_GRADIENT_DEGREES = 0.035
# Of random fields: how many waves, and how long they are in scan steps.
_WAVES = 6
_WAVELENGTHS = (12.0, 36.0)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Microstructure:
    """What lies at each of n scan points, row-major, and the crystals of k grains.

    Attributes
    ----------
    grain, phase : ndarray of int32, shape (n,)
        Grain -1 and phase 0 are pores.
    neighbor : ndarray of int32, shape (n,)
        The grain beyond the nearest boundary.
    boundary_distance : ndarray of float64, shape (n,)
        To that boundary, in scan steps.
    grain_phase : ndarray of int32, shape (k,)
    grain_orientation : ndarray of float64, shape (k, 3, 3)
        At the grain's center, sample to crystal.
    spin : ndarray of float64, shape (n, 3)
        Rotation vector by which a point's crystal is turned against its grain's center.
    """

    grain: Ints
    phase: Ints
    neighbor: Ints
    boundary_distance: Floats
    grain_phase: Ints
    grain_orientation: Floats
    spin: Floats

    @property
    def neighbor_weight(self) -> Floats:
        """Share of the neighbor's pattern in each point's, 0 to 0.5, shape (n,)."""
        weight = 0.5 * np.exp(-((self.boundary_distance / (2 * _BEAM_SIGMA)) ** 2) * 2)
        return np.where((weight > 0.01) & (self.phase != PORE), weight, 0.0)

    def orientation(self) -> Floats:
        """Return each point's orientation, sample to crystal; a pore's is the identity."""
        own = self.grain_orientation[np.maximum(self.grain, 0)]
        turned: Floats = from_vectors(self.spin) @ own
        turned[self.phase == PORE] = np.eye(3)
        return turned


@dataclass(frozen=True, eq=False)
class _Cells:
    """Grains while they grow: which cell owns each point, and how far the next one is."""

    owner: Ints
    neighbor: Ints
    distance: Floats
    centers: Floats
    phase: Ints
    orientation: Floats


def grow(columns: int, rows: int, rng: np.random.Generator) -> Microstructure:
    """Grow a specimen on a grid of columns × rows points."""
    y, x = np.indices((rows, columns)).reshape(2, -1)
    places = np.column_stack([x, y]).astype(np.float64)
    cells = _tessellate(places, columns, rows, rng)
    cells = _twin(cells, places, rng)
    pore = _pores(cells, places, rng)
    grain = np.where(pore, -1, cells.owner).astype(np.int32)
    phase = np.where(pore, PORE, cells.phase[cells.owner]).astype(np.int32)
    return Microstructure(
        grain=grain,
        phase=phase,
        neighbor=cells.neighbor,
        boundary_distance=cells.distance,
        grain_phase=cells.phase,
        grain_orientation=cells.orientation,
        spin=_spin(cells, places, rng),
    )


def _tessellate(places: Floats, columns: int, rows: int, rng: np.random.Generator) -> _Cells:
    k = max(4, round(len(places) / _POINTS_PER_GRAIN))
    spacing = np.sqrt(len(places) / k)
    centers = _spread(k, columns, rows, 0.62 * spacing, rng)
    radii = rng.uniform(0.1, 0.55, k) * spacing
    warped = places + _WAVINESS * smooth_fields(places, 2, rng)
    power = ((warped[:, None] - centers[None]) ** 2).sum(axis=2) - radii**2  # (n, k)
    owner = power.argmin(axis=1)
    index = np.arange(len(places))
    between = np.linalg.norm(centers[owner][:, None] - centers[None], axis=2)
    distance = (power - power[index, owner][:, None]) / (2 * np.maximum(between, 1e-9))
    distance[index, owner] = np.inf
    neighbor = distance.argmin(axis=1)
    phase = np.full(k, NICKEL, np.int32)
    phase[rng.permutation(k)[: max(1, round(_IRON_SHARE * k))]] = IRON
    return _Cells(
        owner.astype(np.int32),
        neighbor.astype(np.int32),
        distance[index, neighbor],
        centers,
        phase,
        random_rotations(k, rng),
    )


def _spread(k: int, columns: int, rows: int, apart: float, rng: np.random.Generator) -> Floats:
    """Return k random centers that keep some distance from each other, shape (k, 2)."""
    centers: list[Floats] = []
    while len(centers) < k:
        candidate = rng.uniform((-0.5, -0.5), (columns - 0.5, rows - 0.5))
        if all(np.hypot(*(candidate - other)) >= apart for other in centers):
            centers.append(candidate)
        apart *= 0.995  # a full specimen takes the last grains a little closer
    return np.array(centers)


def _twin(cells: _Cells, places: Floats, rng: np.random.Generator) -> _Cells:
    nickel = np.flatnonzero(cells.phase == NICKEL)
    for grain in nickel[rng.random(len(nickel)) < _TWINNED_SHARE]:
        cells = _add_lamella(cells, places, int(grain), rng)
    return cells


def _add_lamella(cells: _Cells, places: Floats, grain: int, rng: np.random.Generator) -> _Cells:
    """Turn a strip of a grain into its twin, a grain of its own."""
    axis = rng.choice([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]).astype(np.float64)
    normal = cells.orientation[grain].T @ (axis / np.sqrt(3))  # in the sample's frame
    across = np.array([normal[0], -normal[1]])  # y points down on the map, up on the specimen
    across /= max(np.linalg.norm(across), 1e-9)
    inside = cells.owner == grain
    if inside.sum() < _POINTS_PER_GRAIN / 3:
        return cells
    middle = places[inside].mean(axis=0)
    along = (places - middle) @ across
    offset = along - rng.uniform(-0.25, 0.25) * np.ptp(along[inside])
    half = rng.uniform(0.13, 0.2) * np.ptp(along[inside])
    edge = np.abs(np.abs(offset) - half)
    lamella = inside & (np.abs(offset) <= half)
    twin = len(cells.phase)
    # Inside the grain and its twin the lamella's edge may be the nearest boundary.
    nearer = inside & (edge < cells.distance)
    beyond = np.where(lamella, grain, twin)
    return replace(
        cells,
        owner=np.where(lamella, twin, cells.owner).astype(np.int32),
        neighbor=np.where(nearer, beyond, cells.neighbor).astype(np.int32),
        distance=np.where(nearer, edge, cells.distance),
        centers=np.vstack([cells.centers, cells.centers[grain]]),
        phase=np.append(cells.phase, np.int32(NICKEL)),
        orientation=np.concatenate(
            [cells.orientation, (about_axis(axis, 60) @ cells.orientation[grain])[None]]
        ),
    )


def _pores(cells: _Cells, places: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which points are pores: ellipses on the boundaries, up to a share of the area."""
    pore = np.zeros(len(places), np.bool_)
    on_boundary = np.flatnonzero(cells.distance < 0.7)
    wanted = _PORE_AREA_SHARE * len(places)
    while len(on_boundary) and pore.sum() < wanted:
        from_center = places - places[rng.choice(on_boundary)]
        turn = rng.uniform(0, np.pi)
        long, wide = rng.uniform(1.0, 2.9), rng.uniform(0.55, 0.95)
        u = from_center @ [np.cos(turn), np.sin(turn)]
        v = from_center @ [-np.sin(turn), np.cos(turn)]
        pore |= (u / long) ** 2 + (v / (long * wide)) ** 2 <= 1
    return pore


def _spin(cells: _Cells, places: Floats, rng: np.random.Generator) -> Floats:
    """Return how the lattice bends within each grain: a rotation that grows linearly."""
    bend = np.deg2rad(rng.normal(0, _GRADIENT_DEGREES, (len(cells.phase), 3, 2)))
    offset = places - cells.centers[cells.owner]  # (n, 2)
    spin: Floats = np.einsum("nij,nj->ni", bend[cells.owner], offset)
    return spin


def smooth_fields(
    places: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return fields that are sums of a few random plane waves, each of unit variance.

    Parameters
    ----------
    places : ndarray of float64, shape (n, 2)
        In scan steps; the wavelengths are 12 to 36 of them.

    Returns
    -------
    ndarray of float64, shape (n, count)
    """
    fields = np.zeros((len(places), count))
    for _ in range(_WAVES):
        direction = rng.standard_normal((2, count))
        direction *= 2 * np.pi / (np.linalg.norm(direction, axis=0) * rng.uniform(*_WAVELENGTHS))
        fields += np.sin(places @ direction + rng.uniform(0, 2 * np.pi, count))
    return np.asarray(fields * np.sqrt(2 / _WAVES))
