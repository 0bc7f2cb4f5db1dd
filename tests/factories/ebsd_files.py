"""Writers of the text maps of EBSD and of Channel 5, by the formats' facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CTF_TITLES = ("Phase", "X", "Y", "Bands", "Error", "Euler1", "Euler2", "Euler3", "MAD", "BC", "BS")
NICKEL = "3.52;3.52;3.52\t90;90;90\tNickel\t11\t225"


def ctf_text(
    coords: NDArray[np.generic],
    contrast: Sequence[float],
    *,
    titles: Sequence[str] = CTF_TITLES,
    phases: Sequence[str] = (NICKEL,),
    header: str = "",
    end: str = "\r\n",
    **columns: object,
) -> str:
    """Return a ``.ctf``: one phase, or the rows' own ``Phase=``, ``Error=`` … columns.

    Parameters
    ----------
    header : str
        Instead of that of the grid.
    """
    n = len(coords)
    cells, rows = coords.max(axis=0) + 1 if n else (0, 0)
    grid = header or f"JobMode\tGrid\nXCells\t{cells:g}\nYCells\t{rows:g}\nXStep\t1\nYStep\t1"
    head = ["Channel Text File", "Prj\ta.cpr", "Author\t", *grid.split("\n"), "AcqE1\t0",
            "AcqE2\t0", "AcqE3\t0", "Euler angles refer to Sample Coordinate system (CS0)!\tMag\t4",
            f"Phases\t{len(phases)}", *phases, "\t".join(titles)]  # fmt: skip
    known = {"Phase": 1, "X": coords[:, 0], "Y": coords[:, 1], "Bands": 8, "Error": 0,
             "Euler1": 10.5, "Euler2": 20.5, "Euler3": 30.5, "MAD": 0.5, "BC": contrast, "BS": 7,
             **columns}  # fmt: skip
    table = [np.broadcast_to(np.asarray(known.get(title, 3)), n) for title in titles]
    body = ["\t".join(str(cell) for cell in row) for row in zip(*table, strict=True)]
    return end.join([*head, *body, ""])


def write_ctf(path: Path, coords: NDArray[np.generic], contrast: Sequence[float]) -> None:
    """Write a ``.ctf`` of one phase."""
    path.write_text(ctf_text(coords, contrast), encoding="latin-1", newline="")


def ang_rows(
    x: NDArray[np.floating], y: NDArray[np.floating], quality: Sequence[float], **columns: object
) -> NDArray[np.float64]:
    """Return the ten columns of an ``.ang``; ``phase=``, ``ci=``, ``phi1=`` change one."""
    known = {"phi1": 0.1, "Phi": 0.2, "phi2": 0.3, "x": x, "y": y, "iq": quality, "ci": 0.5,
             "phase": 0, "sem": 9, "fit": 1.5, **columns}  # fmt: skip
    return np.column_stack(
        [np.broadcast_to(np.asarray(one, float), len(x)) for one in known.values()]
    )


ANG_PHASE = (
    "# Phase {}\n# MaterialName  \t{}\n# Symmetry  43\n# LatticeConstants 3.52 3.52 3.52 90 90 90\n"
)


def ang_text(
    rows: NDArray[np.float64],
    *,
    phases: Sequence[str] = ("Nickel",),
    grid: str = "",
    more: str = "",
) -> str:
    """Return an ``.ang`` in columns of fixed width, as OIM writes them."""
    named = "".join(ANG_PHASE.format(number, name) for number, name in enumerate(phases, 1))
    head = f"# TEM_PIXperUM          1.000000\n{named}{grid}#\n# OPERATOR: \ta\n{more}"
    return head + "".join("".join(f"{cell:11.5f}" for cell in row) + "\n" for row in rows)


def ang_grid(columns: int, rows: int, *, even: int = 0, kind: str = "SqrGrid") -> str:
    """Return the lines of a header about its grid, with steps of 1."""
    return (
        f"# GRID: {kind}\n# XSTEP: 1.0\n# YSTEP: 1.0\n# NCOLS_ODD: {columns}\n"
        f"# NCOLS_EVEN: {even or columns}\n# NROWS: {rows}\n"
    )


def write_ang(path: Path, coords: NDArray[np.generic], quality: Sequence[float]) -> None:
    """Write an ``.ang`` of one phase."""
    cells, rows = coords.max(axis=0) + 1
    text = ang_text(ang_rows(coords[:, 0], coords[:, 1], quality), grid=ang_grid(cells, rows))
    path.write_text(text)


CRC_FIELDS = (3, 4, 5, 6, 7, 8, 10, 11, 12)
_SIZES = dict.fromkeys(range(7, 12), "u1")


def cpr_text(
    cells: tuple[int, int],
    fields: Sequence[int] = CRC_FIELDS,
    windows: Sequence[str] = (),
    **job: object,
) -> str:
    """Return a ``.cpr`` of one phase; entries of ``[Job]`` may be others."""
    entries = {"GridDistX": 1.0, "GridDistY": 1.0, "xCells": cells[0], "yCells": cells[1], **job}
    listed = "".join(f"Field{place}={one}\n" for place, one in enumerate(fields, 1))
    titled = "".join(f"Window{place}={one}\n" for place, one in enumerate(windows, 1))
    return (
        "[General]\nVersion=5.0\nAuthor=ä\nJobMode=RegularGrid\n[Job]\n"
        + "".join(f"{key}={value}\n" for key, value in entries.items() if value is not None)
        + "[Acquisition Surface]\nEuler1=0\nEuler2=0\nEuler3=0\n"
        f"[Fields]\nCount={len(fields)}\n{listed}[Phases]\nCount=1\n"
        "[Phase1]\nStructureName=Nickel\na=3.52\nb=3.52\nc=3.52\nalpha=90\nbeta=90\ngamma=90\n"
        f"LaueGroup=11\nSpaceGroup=225\n[EDX Windows]\nCount={len(windows)}\n{titled}"
    )


def crc_records(n: int, fields: Sequence[int] = CRC_FIELDS, **columns: object) -> NDArray[np.void]:
    """Return packed records: a phase, then the fields by their ids (``f7=`` for field 7)."""
    kinds = [("phase", "u1"), *((f"f{one}", _SIZES.get(one, "<f4")) for one in fields)]
    records = np.zeros(n, kinds)
    for name, one in {"phase": 1, "f3": 0.5, "f4": 0.25, "f5": 0.125, **columns}.items():
        if name in records.dtype.names:
            records[name] = one
    return records


def write_channel5(path: Path, coords: NDArray[np.generic], contrast: Sequence[float]) -> None:
    """Write a ``.cpr`` and the ``.crc`` beside it."""
    cells, rows = (int(one) for one in coords.max(axis=0) + 1)
    path.write_text(cpr_text((cells, rows)), encoding="latin-1")
    crc_records(len(coords), f7=contrast).tofile(path.with_suffix(".crc"))
