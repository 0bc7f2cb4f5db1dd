"""What the samples of a scan are called: patterns on a scan grid, otherwise samples."""

from __future__ import annotations

from latentcore.containers import ScanGrid
from latentcore.errors import InputError
from pages.scan import loading
from pages.scan.state import ScanState

__all__ = ["grid_of", "one_sample", "samples_word"]


def samples_word(grid: ScanGrid | None) -> str:
    """Return ``"patterns"`` where there is a scan grid, else ``"samples"``."""
    return "samples" if grid is None else "patterns"


def one_sample(grid: ScanGrid | None) -> str:
    """Return ``"pattern"`` where there is a scan grid, else ``"sample"``."""
    return samples_word(grid).removesuffix("s")


def grid_of(scan: ScanState) -> ScanGrid | None:
    """Return the grid of the scan in view, None as well where its files can't be read."""
    try:
        return loading.scan_grid(scan)
    except InputError:
        return None
