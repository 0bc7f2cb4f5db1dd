"""What an EBSD camera records of a specimen: patterns with background, mixing and noise.

Geometry: the specimen is tilted by 70°, the screen is vertical. A pixel sees the direction of
its place relative to the pattern center (gnomonic projection); the pattern center moves as the
beam scans (S. I. Wright et al., *Microsc. Microanal.* 17 (2011) 316 for the conventions).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.demo.band_model import BCC_IRON, FCC_NICKEL, master_pattern
from latentcore.demo.microstructure import IRON, NICKEL, PORE, Microstructure, smooth_fields
from latentcore.demo.rotations import about_axis, turn

Floats = NDArray[np.float32]

_SPECIMEN_TILT = 70.0
# Pattern center from the left and the top, and the distance of the screen, in screen widths.
_CENTER = (0.50, 0.34, 0.72)
# How far it moves over the whole scan.
_CENTER_DRIFT = 0.012
_CONTRAST = {NICKEL: 0.115, IRON: 0.135}
_LOPSIDED = 0.45
_BRIGHTNESS = {PORE: 0.52, NICKEL: 1.0, IRON: 0.95}
_EXPOSURE = 160.0
# Fall of the beam current over the scan, and shading by the specimen's relief (s.d.).
_DRIFT = 0.06
_RELIEF = 0.05
_ELECTRONS_PER_GRAY = 1.2
_READ_NOISE = 3.5
_BATCH = 128


def record_patterns(
    specimen: Microstructure, columns: int, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Record one pattern per scan point.

    Parameters
    ----------
    specimen : Microstructure
        n points, row-major with `columns` per row.
    size : int
        Pixels per side.

    Returns
    -------
    ndarray of uint8, shape (n, size, size)
    """
    n = len(specimen.grain)
    orientation = specimen.orientation()
    weight = specimen.neighbor_weight
    grain_quality = rng.normal(1, 0.07, len(specimen.grain_phase))
    level, tilt = _illumination(specimen.phase, columns, rng)
    glow, slopes = _background(size)
    patterns = np.empty((n, size * size), np.uint8)
    for start in range(0, n, _BATCH):
        rows = np.arange(start, min(start + _BATCH, n))
        directions = _directions(rows, columns, n, size)
        bands = _bands(specimen.phase[rows], orientation[rows], directions)
        bands *= _contrast(specimen, rows, grain_quality)[:, None]
        _mix_neighbors(bands, specimen, rows, weight[rows], directions)
        shade = tilt[rows, :1] * slopes[0] + tilt[rows, 1:] * slopes[1]
        background = level[rows, None] * (glow * (1 + shade))
        patterns[rows] = _expose(bands, background, rng)
    return patterns.reshape(n, size, size)


def _directions(rows: NDArray[np.integer], columns: int, n: int, size: int) -> Floats:
    """Return the unit vector that each pixel sees, in the specimen's frame: (3, b, p)."""
    x, y = rows % columns / columns - 0.5, rows // columns / max(1, n // columns) - 0.5
    center_x, center_y, distance = _CENTER
    pixel = (np.arange(size) + 0.5) / size
    right = pixel[None, :] - (center_x + _CENTER_DRIFT * x)[:, None]
    up = (center_y + _CENTER_DRIFT * y)[:, None] - pixel[None, :]
    seen = np.empty((3, len(rows), size, size), np.float32)
    seen[0] = right[:, None, :]
    seen[1] = up[:, :, None]
    seen[2] = (distance + 0.4 * _CENTER_DRIFT * y)[:, None, None]
    seen /= np.sqrt(seen[0] ** 2 + seen[1] ** 2 + seen[2] ** 2)
    return turn(_screen_to_specimen().astype(np.float32)[None], seen.reshape(3, len(rows), -1))


def _screen_to_specimen() -> NDArray[np.float64]:
    """Return the rotation from (right, up, toward the screen) to the specimen's frame."""
    return about_axis(np.array([1.0, 0.0, 0.0]), 90 - _SPECIMEN_TILT)


def _bands(
    phase: NDArray[np.integer], orientation: NDArray[np.float64], directions: Floats
) -> Floats:
    """Return the bands of crystals, zero where there is none: (b, p)."""
    bands = np.zeros(directions.shape[1:], np.float32)
    # Away from the incident beam, which comes from above and is scattered downwards.
    up = _screen_to_specimen() @ [0.0, _LOPSIDED, 0.0]
    for number, crystal in ((NICKEL, FCC_NICKEL), (IRON, BCC_IRON)):
        here = np.flatnonzero(phase == number)
        if len(here):
            g = orientation[here].astype(np.float32)
            toward = (g @ up).astype(np.float32)
            in_crystal = turn(g, directions[:, here])
            bands[here] = master_pattern(crystal).look_up(in_crystal, toward)
    return bands


def _contrast(
    specimen: Microstructure, rows: NDArray[np.integer], grain_quality: NDArray[np.float64]
) -> Floats:
    """Return the contrast of each point's bands: by phase, and by its grain's polish."""
    by_phase = np.array([0.0, _CONTRAST[NICKEL], _CONTRAST[IRON]])
    quality = grain_quality[np.maximum(specimen.grain[rows], 0)]
    return np.asarray(by_phase[specimen.phase[rows]] * quality, np.float32)


def _mix_neighbors(
    bands: Floats,
    specimen: Microstructure,
    rows: NDArray[np.integer],
    weight: NDArray[np.float64],
    directions: Floats,
) -> None:
    """Add the neighbor grain's bands where the beam straddles a boundary, in place."""
    near = np.flatnonzero(weight > 0)
    if len(near) == 0:
        return
    neighbor = specimen.neighbor[rows[near]]
    phase = specimen.grain_phase[neighbor]
    other = _bands(phase, specimen.grain_orientation[neighbor], directions[:, near])
    other *= np.array([0.0, _CONTRAST[NICKEL], _CONTRAST[IRON]], np.float32)[phase][:, None]
    share = weight[near].astype(np.float32)[:, None]
    # Defects along a boundary scatter too: both crystals lose contrast there.
    bands[near] = ((1 - share) * bands[near] + share * other) * (1 - 0.35 * share)


def _illumination(
    phase: NDArray[np.integer], columns: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return each point's gray level (n,) and the tilt of its background in x and y (n, 2).

    The beam current drifts during the scan, and the specimen's relief shades the screen.
    """
    n = len(phase)
    places = np.column_stack([np.arange(n) % columns, np.arange(n) // columns]).astype(np.float64)
    relief = smooth_fields(places, 3, rng)
    drift = 0.5 - np.arange(n) / n
    level = np.array([_BRIGHTNESS[PORE], _BRIGHTNESS[NICKEL], _BRIGHTNESS[IRON]])[phase]
    level *= _EXPOSURE * (1 + _DRIFT * drift + _RELIEF * relief[:, 0] + rng.normal(0, 0.01, n))
    return level.astype(np.float32), (_RELIEF * relief[:, 1:]).astype(np.float32)


def _background(size: int) -> tuple[Floats, Floats]:
    """Return the diffuse background (p,), about 1 at its brightest, and two slopes (2, p)."""
    pixel = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(pixel, pixel, indexing="ij")
    glow = np.exp(-(x**2 / (2 * 0.52**2) + (y + 0.1) ** 2 / (2 * 0.47**2)))
    background = (0.25 + 0.75 * glow) * (0.98 - 0.18 * y)
    slopes = 2 * np.stack([x.ravel(), y.ravel()])
    return background.astype(np.float32).ravel(), slopes.astype(np.float32)


def _expose(bands: Floats, background: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return gray values: background times bands, with shot and read noise.

    At hundreds of electrons per pixel Poisson's distribution is Gaussian, which is drawn faster.
    """
    gray = (1 + bands) * background
    variance = np.maximum(gray, 0) / _ELECTRONS_PER_GRAY + _READ_NOISE**2
    gray += np.sqrt(variance) * rng.standard_normal(gray.shape, np.float32)
    recorded: NDArray[np.uint8] = np.clip(np.rint(gray), 0, 255).astype(np.uint8)
    return recorded
