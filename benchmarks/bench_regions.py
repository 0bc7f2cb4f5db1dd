"""How often intervals of differences between regions hold the truth, and how long they take.

    python -m benchmarks.bench_regions

Gaussian fields of known correlation, the same mean everywhere: a 95 % interval should hold the
difference 0 in 95 of 100 fields. Beside it the plain Welch interval, which takes neighbors as
independent.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.regions.difference import differences
from latentcore.containers import ScanGrid

SIDE = 80
FIELDS = 200
Y, X = np.mgrid[:SIDE, :SIDE]
GRID = ScanGrid.from_coordinates(X.ravel(), Y.ravel())


def fields(length: float, kind: str) -> NDArray[np.float64]:
    """Return fields with a correlation of 1/e at about `length`, shape (FIELDS, SIDE²)."""
    from scipy import ndimage

    random = np.random.default_rng(0)
    found = np.empty((FIELDS, SIDE * SIDE))
    k = np.hypot(*np.meshgrid(*[2 * np.pi * np.fft.fftfreq(3 * SIDE)] * 2, indexing="ij"))
    for number in range(FIELDS):
        white = random.standard_normal((3 * SIDE, 3 * SIDE))
        if length and kind == "smooth":
            white = ndimage.gaussian_filter(white, length / 2, mode="wrap")
        elif length:
            white = np.fft.ifft2(np.fft.fft2(white) * (1 + (k * length) ** 2) ** -0.75).real
        found[number] = white[SIDE : 2 * SIDE, SIDE : 2 * SIDE].ravel()
    found /= found.std()
    return found


def regions() -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return pairs of regions of several shapes, each shape (SIDE²,)."""
    from scipy import ndimage

    bumps = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal((SIDE, SIDE)), 3)
    pairs = {
        "halves of the map": (X < 40, X >= 40),
        "squares of 30": ((X < 30) & (Y < 30), (X >= 45) & (Y >= 45)),
        "squares of 12": ((X < 12) & (Y < 12), (X >= 40) & (X < 52) & (Y < 12)),
        "stripes of 8": (X // 8 % 2 == 0, X // 8 % 2 == 1),
        "many blobs": (bumps > np.quantile(bumps, 0.8), bumps < np.quantile(bumps, 0.2)),
    }
    return {name: (a.ravel(), b.ravel()) for name, (a, b) in pairs.items()}


def main() -> None:
    """Print a line for each kind of field and pair of regions."""
    for kind, lengths in (("white", (0,)), ("smooth", (3, 7, 14)), ("rough", (3, 6, 12))):
        for length in lengths:
            values = fields(length, kind)
            for name, (a, b) in regions().items():
                # The second region is noisier, so that one spread for both would be wrong.
                fields_of = {str(n): np.where(b, 2 * v, v) for n, v in enumerate(values)}
                found = list(differences(fields_of, a, b, GRID).values())
                told = [one for one in found if not one.reason]
                if not told:
                    print(f"{kind} {length:2d}  {name:18s} no interval in any")
                    continue
                held, area, plain = (
                    np.mean([low <= truth <= high for (low, high), truth in side])
                    for side in (
                        [(one.interval, 0) for one in told],
                        [(one.auc_interval, 0.5) for one in told],
                        [(one.comparison.interval, 0) for one in told],
                    )
                )
                print(
                    f"{kind} {length:2d}  {name:18s} held {held:.2f} (AUC {area:.2f}, Welch "
                    f"{plain:.2f}), p < 0.05 in {np.mean([one.p < 0.05 for one in told]):.2f}, no "
                    f"interval in {1 - len(told) / len(found):.2f}",
                    flush=True,
                )
    y, x = np.mgrid[:266, :495]
    large = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    quantities = dict(enumerate(np.random.default_rng(0).standard_normal((8, len(large)))))
    start = time.perf_counter()
    differences(quantities, (x < 240).ravel(), (x >= 240).ravel(), large)  # type: ignore[arg-type]
    print(f"131,670 points: {(time.perf_counter() - start) / 8:.2f} s per quantity and pair")


if __name__ == "__main__":
    main()
