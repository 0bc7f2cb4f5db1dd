"""Where a crystal's Kikuchi bands lie and how bright they are: a geometrical model.

A set of lattice planes (hkl) sends a band of half-width θ about the great circle of its plane,
sin θ = λ / 2d with d = a / √(h² + k² + l²) and the wavelength λ of electrons of 20 keV. The band is
brighter than its surroundings, its rims brightest, with a dark line outside, as the profiles of
the dynamical theory are (A. Winkelmann et al., *Ultramicroscopy* 107 (2007) 414). Bands add up,
so that zone axes shine. Planes are weighted by |F|², with the scattering of a screened nucleus
(Wentzel's potential; L. Reimer, *Scanning Electron Microscopy*, 1998, section 3.1.4) and a
Debye–Waller factor; extinct planes are those of the lattice.

The rim away from the incident beam is brighter, the near one darker: the excess–deficiency
effect (A. Winkelmann, *Ultramicroscopy* 108 (2008) 1546). It depends on how the crystal sits in
the chamber, hence it is kept as a vector field of which the detector takes a component.

Both are tabulated on half a sphere in Lambert's equal-area projection, as master patterns are
(P. G. Callahan and M. De Graef, *Microsc. Microanal.* 19 (2013) 1255).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from latentcore.demo.rotations import component

Floats = NDArray[np.float32]

# h / √(2 m e V (1 + e V / 2 m c²)) at V = 20 kV, in nm.
_WAVELENGTH_NM = 0.0085885
_BOHR_RADIUS_NM = 0.0529177
# Blur of the band edges, in radians of the angle to the plane: half a pixel of the detector.
_SOFTNESS = 0.008
# Farther than so many times the softness from its edge, a band adds nothing.
_REACH = 7
# Brightness of the rims and depth of the dark lines beside the band's own height of 1.
_RIM = 0.45
_DARK_LINE = 0.55
_MASTER_SIZE = 641


@dataclass(frozen=True)
class Crystal:
    """A cubic crystal of one element.

    Attributes
    ----------
    lattice_nm : float
        Lattice parameter a.
    debye_waller_nm2 : float
        B of exp(−B (sin θ / λ)²), at room temperature.
    centering : str
        ``"F"`` (h, k, l all even or all odd) or ``"I"`` (h + k + l even).
    largest_norm : int
        Largest h² + k² + l² of a plane with a visible band.
    """

    name: str
    lattice_nm: float
    atomic_number: int
    debye_waller_nm2: float
    centering: str
    largest_norm: int


# Lattice parameters and B: International Tables for Crystallography, and L.-M. Peng et al.,
# Acta Cryst. A 52 (1996) 456.
FCC_NICKEL = Crystal("Ni", 0.35236, 28, 0.0035, "F", 20)
BCC_IRON = Crystal("Fe", 0.28665, 26, 0.0033, "I", 14)


@dataclass(frozen=True, eq=False)
class MasterPattern:
    """Band brightness over half a sphere of crystal directions.

    Attributes
    ----------
    values : ndarray of float32, shape (4, size * size)
        Brightness (zero mean, unit s.d. over the sphere), then the three components of the
        excess–deficiency field. The first is even in the direction, the others are odd.
    size : int
        Pixels per side of the projection.
    """

    values: Floats
    size: int

    def look_up(self, directions: Floats, toward: Floats) -> Floats:
        """Return the brightness seen along crystal directions.

        Parameters
        ----------
        directions : ndarray of float32, shape (3, n, p)
            Unit vectors, p for each of n crystals.
        toward : ndarray of float32, shape (n, 3)
            For each crystal the direction away from the incident beam, in its own frame.

        Returns
        -------
        ndarray of float32, shape (n, p)
        """
        x, y, z = directions
        upper = np.where(z < 0, np.float32(-1), np.float32(1))
        half = np.float32((self.size - 1) / 2)
        scale = half * upper / np.sqrt(1 + np.abs(z))
        column = (x * scale + (half + 0.5)).astype(np.int32)
        row = (y * scale + (half + 0.5)).astype(np.int32)
        place = row * self.size + column
        lopsided = component(self.values[1:, place], toward)
        lopsided *= upper
        lopsided += self.values[0, place]
        return lopsided


@lru_cache(maxsize=4)
def master_pattern(crystal: Crystal) -> MasterPattern:
    """Sum the bands of all planes over half a sphere of directions."""
    normals, half_widths, weights = _reflectors(crystal)
    directions = _lambert_directions(_MASTER_SIZE)  # (3, size * size)
    values = np.zeros((4, directions.shape[1]), np.float32)
    for normal, half_width, weight in zip(normals, half_widths, weights, strict=True):
        sine = component(directions[:, None], normal[None])[0]
        near = np.flatnonzero(np.abs(sine) < half_width + _REACH * _SOFTNESS)
        sine = sine[near]
        rims = np.sign(sine) * _line(np.abs(sine), half_width, _SOFTNESS)
        values[0, near] += weight * _profile(np.abs(sine), half_width)
        values[1:, near] += normal[:, None] * (weight * rims)
    upper = directions[2] >= 0
    deviation = values[0, upper].std()
    values[0] -= values[0, upper].mean()
    return MasterPattern(values / deviation, _MASTER_SIZE)


def _reflectors(crystal: Crystal) -> tuple[Floats, Floats, Floats]:
    """Return unit normals (k, 3), sines of the Bragg angles (k,) and weights (k,)."""
    planes = np.array(_planes(crystal), np.float64)
    norm = np.sqrt((planes**2).sum(axis=1))
    spacing = crystal.lattice_nm / norm
    sine = _WAVELENGTH_NM / (2 * spacing)
    radius = 0.885 * _BOHR_RADIUS_NM * crystal.atomic_number ** (-1 / 3)
    scattering = 1 / ((2 * np.pi / spacing) ** 2 + radius**-2)
    damping = np.exp(-crystal.debye_waller_nm2 / (2 * spacing) ** 2)
    weights = (scattering * damping) ** 2
    weights /= weights.max()
    return (
        (planes / norm[:, None]).astype(np.float32),
        sine.astype(np.float32),
        weights.astype(np.float32),
    )


def _planes(crystal: Crystal) -> list[tuple[int, ...]]:
    """Return the planes that scatter, one of each (hkl) and (-h -k -l)."""
    most = int(np.sqrt(crystal.largest_norm))
    return [
        plane
        for plane in product(range(-most, most + 1), repeat=3)
        if plane > (0, 0, 0)
        and sum(index * index for index in plane) <= crystal.largest_norm
        and _scatters(plane, crystal.centering)
    ]


def _scatters(plane: tuple[int, ...], centering: str) -> bool:
    if centering == "F":
        return len({index % 2 for index in plane}) == 1
    return sum(plane) % 2 == 0


def _profile(sine: Floats, half_width: np.float32) -> Floats:
    """Return the brightness across a band, at sines of the angle to its plane, shape as given."""
    inside = 0.5 - 0.5 * np.tanh((sine - half_width) / np.float32(_SOFTNESS))
    rim = _line(sine, half_width, _SOFTNESS)
    dark = _line(sine, half_width + np.float32(2 * _SOFTNESS), 1.3 * _SOFTNESS)
    return np.asarray(inside + _RIM * rim - _DARK_LINE * dark, np.float32)


def _line(sine: Floats, place: np.float32, width: float) -> Floats:
    return np.asarray(np.exp(-(((sine - place) / np.float32(width)) ** 2)), np.float32)


def _lambert_directions(size: int) -> Floats:
    """Return the unit vector of each pixel of the projection, shape (3, size * size).

    Its corners lie beyond the equator; the formula holds there too, so the rim needs no care.
    """
    line = np.linspace(-1, 1, size)
    column, row = np.meshgrid(line, line)
    square = column**2 + row**2
    stretch = np.sqrt(2 - square)
    directions = np.stack([column * stretch, row * stretch, 1 - square])
    return np.asarray(directions.reshape(3, -1), np.float32)
