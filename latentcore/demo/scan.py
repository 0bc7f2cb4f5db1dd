"""Put the demo scan together: patterns, band contrast, elements, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.demo.detector import record_patterns
from latentcore.demo.microstructure import PORE, Microstructure, grow
from latentcore.demo.rotations import bunge_degrees
from latentcore.errors import RequestError

_OFFSET = (120, 40)
_SMALLEST = (8, 8)
_MOST_PIXELS = 1 << 31
# Mass percent (Fe, Ni, O) of pore, nickel-like and iron-like phase. A pore shows its walls
# through a veil of oxide.
_COMPOSITION = np.array([[41.0, 38.0, 11.0], [6.0, 91.5, 0.6], [94.0, 3.5, 1.1]])
_ELEMENTS = ("Fe", "Ni", "O")
# X-rays come from a larger volume than the bands: the maps are blurred by so many steps.
_XRAY_SIGMA = 0.9
# Band contrast 255 is this contrast of the bands with the background, (s.d. / mean).
_FULL_CONTRAST = 0.13
_LOWEST = 12
_BACKGROUND_DEGREE = 4
# Products of the polynomials in y and in x up to that degree together.
_LOW_DEGREES = np.tri(_BACKGROUND_DEGREE + 1, dtype=np.float32)[::-1]
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class DemoScan:
    """A scan of n points in row-major order.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, 1, H, W)
    coords : ndarray of int32, shape (n, 2)
        [x, y] in scan steps.
    bandcontrast : ndarray of int32, shape (n,)
        0 to 255, measured from the patterns.
    elements : dict of str to ndarray of float64, shape (n,)
        Mass percent.
    grain_id, phase_id : ndarray of int32, shape (n,)
        The truth: pores are grain -1 and phase 0; phase 1 is fcc nickel, 2 is bcc iron.
    euler_degrees : ndarray of float64, shape (n, 3)
        Bunge's φ1, Φ, φ2; zero in pores.
    gb_distance_px : ndarray of float64, shape (n,)
        Distance to the nearest grain boundary, in scan steps.
    shape : tuple of int
        (rows, columns) of the scan.
    """

    images: NDArray[np.uint8]
    coords: NDArray[np.int32]
    bandcontrast: NDArray[np.int32]
    elements: dict[str, NDArray[np.float64]]
    grain_id: NDArray[np.int32]
    phase_id: NDArray[np.int32]
    euler_degrees: NDArray[np.float64]
    gb_distance_px: NDArray[np.float64]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.images)


def make_demo_scan(
    seed: int = 0, *, columns: int = 80, rows: int = 64, pattern_size: int = 60
) -> DemoScan:
    """Make the demo scan; the same arguments give the same scan.

    Parameters
    ----------
    columns, rows : int
        Size of the scan, at least 8 × 8.
    pattern_size : int
        Pixels per side of a pattern, at least 8.

    Raises
    ------
    RequestError
        If a size makes no sense.
    """
    _check_sizes(seed, columns, rows, pattern_size)
    growth, camera, xrays = np.random.default_rng(seed).spawn(3)
    specimen = grow(columns, rows, growth)
    patterns = record_patterns(specimen, columns, pattern_size, camera)
    euler = bunge_degrees(specimen.orientation())
    euler[specimen.phase == PORE] = 0
    y, x = np.indices((rows, columns)).reshape(2, -1)
    return DemoScan(
        images=patterns[:, None],
        coords=np.column_stack([x + _OFFSET[0], y + _OFFSET[1]]).astype(np.int32),
        bandcontrast=_band_contrast(patterns),
        elements=_elements(specimen, (rows, columns), xrays),
        grain_id=specimen.grain,
        phase_id=specimen.phase,
        euler_degrees=euler,
        gb_distance_px=specimen.boundary_distance,
        shape=(rows, columns),
    )


def _check_sizes(seed: int, columns: int, rows: int, pattern_size: int) -> None:
    too_small = columns < _SMALLEST[0] or rows < _SMALLEST[1] or pattern_size < 8
    if too_small or columns * rows * pattern_size**2 > _MOST_PIXELS or seed < 0:
        message = (
            f"A demo scan of {columns} × {rows} points with patterns of {pattern_size} × "
            f"{pattern_size} pixels and seed {seed} was asked for. It needs at least 8 × 8 points "
            f"of 8 × 8 pixels, at most {_MOST_PIXELS:,} pixels in all, and a seed from 0."
        )
        raise RequestError(message)


def _band_contrast(patterns: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Measure the contrast of the bands, 0 to 255.

    What a polynomial of degree 4 describes is background, what is finer than a pixel is
    noise. Between them lie the bands: their variance relative to the background, less what the
    noise has left there.
    """
    size = patterns.shape[1]
    fine, line = _smoothing(size, 1.0), _polynomials(size)
    passed = _noise_passed(fine)
    contrast = np.empty(len(patterns))
    for start in range(0, len(patterns), _BLOCK):
        gray = patterns[start : start + _BLOCK].astype(np.float32)
        level = gray.mean(axis=(1, 2))
        gray -= line @ ((line.T @ gray @ line) * _LOW_DEGREES) @ line.T
        smooth = fine @ gray @ fine.T
        signal = smooth.var(axis=(1, 2)) - passed * (gray - smooth).var(axis=(1, 2))
        contrast[start : start + _BLOCK] = np.sqrt(np.maximum(signal, 0)) / level
    share = contrast / _FULL_CONTRAST
    return np.clip(np.rint(_LOWEST + (255 - _LOWEST) * share), 0, 255).astype(np.int32)


def _polynomials(size: int) -> NDArray[np.float32]:
    """Return orthonormal polynomials along one axis, by degree, shape (size, degrees)."""
    line = np.linspace(-1, 1, size)
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(line, _BACKGROUND_DEGREE))
    return np.asarray(basis, np.float32)


def _noise_passed(fine: NDArray[np.float32]) -> float:
    """Return the variance of smoothed white noise over that of what the smoothing took away."""
    kept = float((fine**2).sum(axis=1).mean()) ** 2
    itself = float(np.diag(fine).mean()) ** 2
    return kept / (1 - 2 * itself + kept)


def _smoothing(size: int, sigma: float) -> NDArray[np.float32]:
    """Return the matrix that smooths along one axis: as a product it is faster than a filter."""
    place = np.arange(size)
    weights = np.exp(-((place[:, None] - place[None]) ** 2) / (2 * sigma**2))
    normal: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normal


def _elements(
    specimen: Microstructure, shape: tuple[int, int], rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    composition = _COMPOSITION[specimen.phase]
    by_grain = rng.normal(0, 0.9, (len(specimen.grain_phase), 1)) * [1.0, -1.0, 0.1]
    composition = composition + by_grain[np.maximum(specimen.grain, 0)]
    rows, columns = (_smoothing(size, _XRAY_SIGMA).astype(np.float64) for size in shape)
    measured = {}
    for index, name in enumerate(_ELEMENTS):
        blurred = (rows @ composition[:, index].reshape(shape) @ columns.T).ravel()
        counted = blurred + rng.normal(0, 1, len(blurred)) * np.sqrt(0.05 + 0.012 * blurred)
        measured[name] = np.round(np.clip(counted, 0, 100), 2)
    return measured
