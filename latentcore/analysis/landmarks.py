"""Which rows a UMAP of very many is laid out on: its landmarks, among which others are placed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, Roi, ScanGrid
from latentcore.errors import RequestError

FEWEST_FOR_UMAP = 5
# More rows take hours and show no more; nenya learns from as many.
MOST_FITTED = 200_000
# A small file must not leave the layout of the others with a handful of rows.
_FEWEST_OF_EACH = 2_000
# Puts a 0 between any two bits of a number below 2³².
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def fitted_rows(
    latents: LatentSet,
    rows: NDArray[np.int64],
    most: int,
    partition: str | None,
    first: NDArray[np.bool_] | None,
    seed: int,
) -> NDArray[np.int64]:
    """Return which of the encoded rows are learned from, as places among them, ascending."""
    places = np.arange(len(rows))
    if partition is not None:
        present = [] if latents.partition is None else sorted(latents.partition.names)
        if latents.partition is None or partition not in present:
            has = f"the partitions {', '.join(present)}" if present else "no partitions"
            message = f"UMAP shall learn from partition {partition!r}, but the latents have {has}."
            raise RequestError(message)
        places = np.flatnonzero(latents.partition.mask([partition])[rows])
    if len(places) < FEWEST_FOR_UMAP:
        message = (
            f"Only {len(places)} rows of partition {partition!r} have a latent; UMAP must be "
            f"fitted on at least {FEWEST_FOR_UMAP}."
        )
        raise RequestError(message)
    if most >= len(places):
        return places
    if first is None:
        return places[_landmarks(latents.grid, rows[places], most, seed)]
    wanted, others = places[first[places]], places[~first[places]]
    if len(wanted) > most:
        return wanted[_landmarks(latents.grid, rows[wanted], most, seed)]
    if len(wanted) < most:
        more = _landmarks(latents.grid, rows[others], most - len(wanted), seed)
        return np.sort(np.concatenate([wanted, others[more]]))
    return wanted


def balanced_rows(
    latents: LatentSet, rows: NDArray[np.int64], most: int, seed: int, notes: list[str]
) -> NDArray[np.int64]:
    """Return places among the encoded rows, ascending: as many of each partition."""
    assert latents.partition is not None
    parted = latents.partition.take(rows).alphabetical
    counts = parted.count()
    each = min(max(1, most // len(counts)), max(int(counts.min()), _FEWEST_OF_EACH))
    parts = []
    for code, n in enumerate(counts.tolist()):
        places = np.flatnonzero(parted.codes == code)
        drawn = np.random.default_rng([seed, code]).permutation(n)[:each]
        parts.append(places[drawn])
    if each < counts.max():
        listed = ", ".join(
            f"{min(each, n):,} of {n:,} of {name}"
            for name, n in zip(parted.names, counts.tolist(), strict=True)
        )
        notes.append(f"laid out on a balanced sample: {listed}")
    return np.sort(np.concatenate(parts))


def rows_first(
    latents: LatentSet, rows: NDArray[np.int64], roi: tuple[float, ...] | None
) -> NDArray[np.bool_] | None:
    """Return which of the encoded rows lie in the ROI that landmarks are of first."""
    if roi is None:
        return None
    if latents.grid is None:
        message = "UMAP shall learn from a ROI first, but these latents have no places on a scan."
        raise RequestError(message)
    return Roi.from_bounds(roi).mask(latents.grid)[rows]


def _landmarks(
    grid: ScanGrid | None, rows: NDArray[np.int64], most: int, seed: int
) -> NDArray[np.int64]:
    """Return places among rows, ascending: evenly over the scan, and as dense as the latents are.

    The rows are put in an order that runs through the scan cell by cell (Morton's), and taken in
    equal steps from a start drawn by the seed; without a scan, their order is drawn as well.
    """
    rng = np.random.default_rng(seed)
    if grid is None:
        order = rng.permutation(len(rows))
    else:
        order = np.argsort(_morton(grid.row[rows], grid.col[rows]), kind="stable")
    step = len(rows) / most
    return np.sort(order[((np.arange(most) + rng.random()) * step).astype(np.int64)])


def _morton(row: NDArray[np.integer], col: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return numbers along a curve of Z's: those near in number are near in the scan."""
    return _spread_bits(row) << np.uint64(1) | _spread_bits(col)


def _spread_bits(numbers: NDArray[np.integer]) -> NDArray[np.uint64]:
    spread = numbers.astype(np.uint64)
    for shift, mask in _SPREAD:
        spread = (spread | spread << np.uint64(shift)) & np.uint64(mask)
    return spread
