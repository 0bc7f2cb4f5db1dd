"""How long text maps of a million rows take to open, beside plain reads of the same columns.

    python -m benchmarks.bench_text_maps [ROWS]

``.ctf`` beside pandas and pyarrow, ``.ang`` beside pandas, which alone reads runs of blanks. Ours
also finds the grid, turns angles into degrees, names phases and fingerprints the file.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from pyarrow import csv

from latentcore.readers import open_maps

_ROUNDS = 5
_CTF = (
    "Channel Text File\r\nPrj\ta\r\nAuthor\t\r\nJobMode\tGrid\r\nXCells\t{0}\r\nYCells\t{1}\r\n"
    "XStep\t0.5\r\nYStep\t0.5\r\nAcqE1\t0\r\nAcqE2\t0\r\nAcqE3\t0\r\nEuler angles\tMag\t400\r\n"
    "Phases\t1\r\n3.2;3.2;5.2\t90;90;120\tMagnesium\t9\t194\r\n"
    "Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS\r\n"
)
_ANG = (
    "# TEM_PIXperUM 1.0\n# Phase 1\n# MaterialName Nickel\n# Symmetry 43\n# GRID: SqrGrid\n"
    "# XSTEP: 0.5\n# YSTEP: 0.5\n# NCOLS_ODD: {0}\n# NCOLS_EVEN: {0}\n# NROWS: {1}\n#\n"
)


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write a scan of about so many points as ``.ctf`` and ``.ang``."""
    random = np.random.default_rng(0)
    columns = int(np.sqrt(rows))
    y, x = (axis.ravel() * 0.5 for axis in np.mgrid[: rows // columns, :columns])
    n = len(x)
    bands, contrast, slope = (random.integers(0, most, n) for most in (10, 255, 255))
    degrees = random.uniform(0, (360, 180, 360), (n, 3))
    mad = random.uniform(0, 1.3, n)
    ctf, ang = folder / "scan.ctf", folder / "scan.ang"
    table = np.column_stack([np.ones(n), x, y, bands, 0 * x, degrees, mad, contrast, slope])
    form = "%d\t%.4f\t%.4f\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.4f\t%d\t%d"
    header = _CTF.format(columns, rows // columns)
    _save(ctf, header, table, form, "\r\n")
    table = np.column_stack([np.radians(degrees), x, y, contrast, mad, 0 * x, slope, mad])
    form = "%9.5f %9.5f %9.5f %12.5f %12.5f %7.1f %6.3f %2d %6d %6.3f"
    _save(ang, _ANG.format(columns, rows // columns), table, form, "\n")
    return ctf, ang


def _save(path: Path, header: str, table: np.ndarray, form: str, end: str) -> None:
    with path.open("w", newline="") as file:
        file.write(header)
        np.savetxt(file, table, fmt=form, newline=end)


def compare(name: str, ours: Callable[[], object], plain: dict[str, Callable[[], object]]) -> None:
    """Print how long both take and their ratios, turn by turn in one process.

    Seconds by the clock depend on what else the cores do; those of the processor don't, but count
    both cores where two parse at once.
    """
    clocks = {"clock": time.perf_counter, "processor": time.process_time}
    taken: dict[str, dict[str, list[float]]] = {
        clock: {key: [] for key in ("ours", *plain)} for clock in clocks
    }
    for _ in range(_ROUNDS):
        for key, call in (("ours", ours), *plain.items()):
            start = {clock: now() for clock, now in clocks.items()}
            call()
            for clock, now in clocks.items():
                taken[clock][key].append(now() - start[clock])
    for clock, seconds in taken.items():
        own = median(seconds["ours"])
        for key in plain:
            other = median(seconds[key])
            print(
                f"{name}, {clock}: ours {own:.2f} s, {key} {other:.2f} s, ratio {own / other:.2f}"
            )


def main() -> None:
    """Print the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        ctf, ang = write(Path(folder), rows)
        lines, comments = _CTF.count("\r\n") - 1, _ANG.count("\n")
        compare(
            ".ctf",
            lambda: _opened(ctf),
            {
                "pandas": lambda: pd.read_csv(ctf, sep="\t", skiprows=lines),
                "pyarrow": lambda: csv.read_csv(
                    ctf, csv.ReadOptions(skip_rows=lines), csv.ParseOptions(delimiter="\t")
                ),
            },
        )
        compare(
            ".ang",
            lambda: _opened(ang),
            {"pandas": lambda: pd.read_csv(ang, sep=r"\s+", skiprows=comments, header=None)},
        )


def _opened(path: Path) -> object:
    path.touch()  # else the fingerprint of the last round is remembered
    return open_maps(path)


if __name__ == "__main__":
    main()
