"""A reader of ``.ctf`` and ``.ang`` by the formats' facts, with nothing of the library in it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class EbsdText:
    """A file's header, its phases as their lines or blocks say, and its rows."""

    header: dict[str, str]
    phases: list[dict[str, str]]
    rows: pd.DataFrame


_ANG_COLUMNS = ("phi1", "PHI", "phi2", "x", "y", "IQ", "CI", "Phase index", "SEM", "Fit")


def read_ctf(path: Path) -> EbsdText:
    """Read a Channel Text File; decimal commas become points."""
    lines = path.read_text(encoding="latin-1").splitlines()
    assert lines[0] == "Channel Text File"
    start = next(place for place, line in enumerate(lines) if line.startswith("Phases"))
    header = dict(line.split("\t", 1) for line in lines[1:start] if "\t" in line)
    count = int(lines[start].split("\t")[1])
    names = ("lengths", "angles", "name", "laue", "space_group")
    phases = [
        dict(zip(names, line.split("\t"), strict=False))
        for line in lines[start + 1 : start + 1 + count]
    ]
    table = "\n".join(lines[start + 1 + count :]).replace(",", ".")
    return EbsdText(header, phases, pd.read_csv(io.StringIO(table), sep="\t"))


def read_ang(path: Path) -> EbsdText:
    """Read an ``.ang``; columns without a title are called by their place, from 0."""
    lines = path.read_text(encoding="latin-1").splitlines()
    header: dict[str, str] = {}
    phases: list[dict[str, str]] = []
    for line in (line[1:].strip() for line in lines if line.startswith("#")):
        key, _, value = line.replace(":", " ", 1).partition(" ")
        words = value.split()
        if key.split("\t")[0] == "Phase" and len(words) == 1 and words[0].isdecimal():
            phases.append({"number": words[0]})
        elif phases and "XSTEP" not in header:
            name, *rest = line.split(None, 1)[:2] or [""]
            phases[-1].setdefault(name, "".join(rest).strip())
        header[key] = value.strip()
    rows = pd.DataFrame(
        [list(map(float, line.split())) for line in lines if line and not line.startswith("#")]
    )
    titles = [one.strip() for one in header.get("COLUMN_HEADERS", "").split(",") if one.strip()]
    titles = titles or list(_ANG_COLUMNS[: rows.shape[1]])
    rows.columns = [*titles, *map(str, range(len(titles), rows.shape[1]))]
    return EbsdText(header, phases, rows)
