"""``geography``: where on the Earth an embedding's samples lie, and how columns vary over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.geography import (
    SEASONS,
    EarthCells,
    Shares,
    in_place,
    medians,
    months_of,
    place_columns,
    shares,
)
from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.artifacts.stored_embedding import read_embedding
from latentcore.containers import SampleColumns, SampleTable
from latentcore.errors import RequestError
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.readers import open_table
from latentcore.requests.options import coords_option, latents_option, reader_option
from latentcore.requests.verbs import option, verb

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GeographyRequest", "run"]

_TIMES = ("datetime", "date", "time", "timestamp")
_YEARS = (1800, 2300)
_MOST_YEARS = 30
_MONTHS = "months since the year 0"


@dataclass(frozen=True)
class GeographyRequest:
    """Which samples, which embedding of them, and which part of it or of the Earth."""

    latents: str = latents_option()
    embedding: str = option(
        help="embedding of these latents: a run of 'project', or its embedding.parquet",
        kind="file", metavar="RUN",
    )  # fmt: skip
    table: str = option(
        help="table of the samples with latitude and longitude, as 'lat' and 'lon', in degrees",
        kind="table",
    )
    box: tuple[float, ...] | None = option(
        None,
        help="a region of the embedding, U0 from A to B and U1 from C to D: its share of the "
        "samples of each cell of the Earth",
        nargs=4, metavar=("A", "B", "C", "D"), convert=float,
    )  # fmt: skip
    place: tuple[float, ...] | None = option(
        None,
        help="a region of the Earth in degrees: its share of the samples of each bin of the "
        "embedding; WEST may lie beyond EAST, across the date line",
        nargs=4, metavar=("WEST", "EAST", "SOUTH", "NORTH"), convert=float,
    )  # fmt: skip
    median: tuple[str, ...] = option(
        (), help="a column of the table: its median in each bin of the embedding", repeat=True,
        metavar="COLUMN",
    )  # fmt: skip
    time: str | None = option(
        None,
        help="column with the time, for shares by season and year; default: datetime, date, time "
        "or timestamp, where it holds times",
        metavar="COLUMN",
    )
    cell: float = option(
        3.0, help="width of a cell at the equator in degrees; all have the same area",
        convert=float, metavar="DEGREES",
    )  # fmt: skip
    bins: int = option(48, help="bins along each axis of the embedding", convert=int, metavar="N")
    min_count: int = option(
        10, help="cells and bins of fewer samples have no share and no median", convert=int,
        metavar="N",
    )  # fmt: skip
    coords: str | None = coords_option()
    reader: str | None = reader_option()


@dataclass(frozen=True, eq=False)
class _Samples:
    """What is known of each of n samples; NaN where it isn't."""

    coordinates: NDArray[np.float32]
    latitude: NDArray[np.float32]
    longitude: NDArray[np.float32]
    months: NDArray[np.float32] | None
    columns: SampleColumns


@verb("geography", "Hold an embedding against where and when its samples lie.", GeographyRequest)
def run(request: GeographyRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Hold an embedding against where on the Earth, and when, its samples lie.

    Writes ``earth.csv`` (period, latitude, longitude, n and, of a region of the embedding,
    n_region, share, enrichment), ``bins.csv`` (U0, U1, n, the same of a region of the Earth,
    medians of columns), ``report.json``, ``earth.png`` and ``bins.png``; with a region and times
    ``seasons.png`` and ``years.png``.

    Returns
    -------
    dict
        What ``report.json`` holds.
    """
    _refuse(request)
    progress.step(0, 2, "reading")
    samples, notes = _read(request, folder)
    progress.step(1, 2, "counting")
    earth, region = _earth(request, samples, folder, notes)
    bins, place = _bins(request, samples, folder)
    folder.write_csv("earth.csv", earth)
    folder.write_csv("bins.csv", bins)
    both = _embedded(samples) & (EarthCells(1, 1).of(samples.latitude, samples.longitude) >= 0)
    report = {
        "latents": request.latents,
        "embedding": request.embedding,
        "table": request.table,
        "n": len(both),
        "n_used": int(both.sum()),
        "cells": "equal area: equal steps of longitude and of the sine of latitude",
        "cell_degrees": request.cell,
        "min_count": request.min_count,
        "box": request.box,
        "share_of_region": region,
        "place": request.place,
        "share_of_place": place,
        "enrichment": "share of a cell or bin / share of all samples that are used",
        "notes": notes,
    }
    report = dict(from_json(to_json(report)))
    folder.write_json("report.json", report)
    progress.step(2, 2, "writing")
    return report


def _refuse(request: GeographyRequest) -> None:
    if not 0.1 <= request.cell <= 90:
        message = f"A ⟨cell⟩ of {request.cell:g}° can't be counted in. Give 0.1 to 90."
        raise RequestError(message)
    if not 2 <= request.bins <= 1000:
        message = f"{request.bins} ⟨bins⟩ can't be counted in. Give 2 to 1000."
        raise RequestError(message)
    if request.box is not None and not (
        request.box[0] < request.box[1] and request.box[2] < request.box[3]
    ):
        message = "The ⟨box⟩ is empty. Give A below B and C below D."
        raise RequestError(message)
    if request.place is not None and not -90 <= request.place[2] < request.place[3] <= 90:
        message = "The ⟨place⟩ is empty. Give SOUTH below NORTH, both in −90 to 90."
        raise RequestError(message)


def _read(request: GeographyRequest, folder: RunFolder) -> tuple[_Samples, list[str]]:
    latents = read_latents(request.latents, folder, coords=request.coords, reader=request.reader)
    path = Path(request.embedding)
    stored = read_embedding(
        str(path / "embedding.parquet") if path.is_dir() else request.embedding, latents
    )
    folder.add_input(request.embedding, "embedding", stored.fingerprint, "embedding")
    table = open_table(request.table)
    used = "" if table.ref is None else table.ref.reader
    folder.add_input(request.table, used, table.fingerprint, "table")
    names = place_columns(table.names)
    if names is None:
        message = (
            f"⟨table⟩ {Path(request.table).name!r} has no latitude and longitude. Call them 'lat' "
            f"and 'lon'. It has: {', '.join(table.names[:12])}."
        )
        raise RequestError(message)
    time = _time(request, table)
    for name in request.median:
        table.get(name)  # refuses what isn't there
    joined = (table if time is None else _with_months(table, time)).at(latents)
    column = dict(zip(joined.names, joined.values, strict=True))
    samples = _Samples(
        stored.coordinates, column[names[0]], column[names[1]], column.get(_MONTHS), joined
    )
    notes = []
    if joined.unmatched:
        notes.append(f"{joined.unmatched} samples are not in the table, and are left out.")
    if time is None:
        notes.append("The table has no column of times, so nothing is told by season and year.")
    return samples, notes


def _time(request: GeographyRequest, table: SampleTable) -> str | None:
    """Return the column of times; as decimal years, as readers of tables give them."""
    if request.time is not None:
        table.get(request.time)
        if not _holds_times(table, request.time):
            message = (
                f"⟨time⟩ {request.time!r} holds no times. A parquet table holds them as such; in "
                "other tables write decimal years, such as 2012.25."
            )
            raise RequestError(message)
        return request.time
    return next(
        (name for name in table.names if name.lower() in _TIMES and _holds_times(table, name)),
        None,
    )


def _holds_times(table: SampleTable, name: str) -> bool:
    values = table.get(name)
    known = values[np.isfinite(values)]
    return (
        name not in table.categories
        and len(known) > 0
        and bool((known >= _YEARS[0]).all() and (known < _YEARS[1]).all())
    )


def _with_months(table: SampleTable, time: str) -> SampleTable:
    # Whole months survive a join in single precision, decimal years don't to the hour.
    months = months_of(table.get(time))
    return replace(
        table,
        values=np.vstack([table.values, months]),
        names=(*table.names, _MONTHS),
        units=(*table.units, ""),
    )


def _embedded(samples: _Samples) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(samples.coordinates).all(axis=1))


def _earth(
    request: GeographyRequest, samples: _Samples, folder: RunFolder, notes: list[str]
) -> tuple[pd.DataFrame, float | None]:
    """Count by cell of the Earth, and draw; return the region's share of all, too."""
    import pandas as pd

    cells = EarthCells.of_size(request.cell)
    where = np.where(_embedded(samples), cells.of(samples.latitude, samples.longitude), -1)
    if not (where >= 0).any():
        message = "Not one sample that is embedded has a place on the Earth."
        raise RequestError(message)
    chosen = _in_box(request, samples, where >= 0)
    overall = float(chosen[where >= 0].mean())
    held = np.bincount(where[where >= 0])
    enough = int((held >= request.min_count).sum())
    if request.box is not None and 2 * enough < (held > 0).sum():
        notes.append(
            f"Only {enough:,} of {int((held > 0).sum()):,} cells hold {request.min_count} samples; "
            "the others have no share. Widen the ⟨cell⟩."
        )
    tables = []
    for figure, periods in _periods(request, samples.months, where >= 0, notes).items():
        counts = {
            name: shares(np.where(rows, where, -1), chosen, len(cells), request.min_count)
            for name, rows in periods.items()
        }
        drawn = {
            name: one.n / np.where(one.n > 0, 1, np.nan) if request.box is None
            else one.share / overall
            for name, one in counts.items()
        }  # fmt: skip
        if not _draw_earth(f"{figure}.png", cells, drawn, request, folder):
            of = "" if figure == "earth" else f" of one of the {figure}"
            notes.append(
                f"No cell holds {request.min_count} samples{of}, so there is no {figure}.png. "
                "Widen the ⟨cell⟩."
            )
        tables += [_cell_table(name, cells, one, overall) for name, one in counts.items()]
    found = pd.concat(tables, ignore_index=True)
    if request.box is None:
        return found.drop(columns=["n_region", "share", "enrichment"]), None
    return found, overall


def _in_box(
    request: GeographyRequest, samples: _Samples, used: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the samples in the box, none where there is no box; one without any is refused."""
    u0, u1 = samples.coordinates.T
    a, b, c, d = request.box or (np.inf,) * 4
    chosen: NDArray[np.bool_] = (u0 >= a) & (u0 <= b) & (u1 >= c) & (u1 <= d)
    if request.box is not None and not chosen[used].any():
        message = (
            f"No sample lies in the ⟨box⟩. The embedding covers U0 {np.nanmin(u0):.4g} to "
            f"{np.nanmax(u0):.4g} and U1 {np.nanmin(u1):.4g} to {np.nanmax(u1):.4g}."
        )
        raise RequestError(message)
    return chosen


def _draw_earth(
    name: str,
    cells: EarthCells,
    values: Mapping[str, NDArray[np.float64]],
    request: GeographyRequest,
    folder: RunFolder,
) -> bool:
    """Draw a globe of each period; tells whether there was anything to draw."""
    from latentcore.figures.geography import earth_figure

    if not any(np.isfinite(one).any() for one in values.values()):
        return False
    folder.write_figure(name, earth_figure(cells, values, relative=request.box is not None))
    return True


def _periods(
    request: GeographyRequest,
    months: NDArray[np.float32] | None,
    used: NDArray[np.bool_],
    notes: list[str],
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return by figure which rows each of its periods has; seasons and years of a region only."""
    periods = {"earth": {"all": used}}
    if months is None or request.box is None:
        return periods
    month, year = months % 12, np.floor(months / 12)
    season = (month + 1) % 12 // 3
    years = np.unique(year[used & np.isfinite(year)]).astype(int)
    if len(years) == 0:
        return periods
    if len(years) > _MOST_YEARS:
        notes.append(f"Of {len(years)} years only the last {_MOST_YEARS} are told apart.")
    periods["seasons"] = {name: used & (season == i) for i, name in enumerate(SEASONS)}
    periods["years"] = {str(one): used & (year == one) for one in years[-_MOST_YEARS:]}
    return periods


def _cell_table(period: str, cells: EarthCells, found: Shares, overall: float) -> pd.DataFrame:
    import pandas as pd

    latitude, longitude = cells.centers()
    table = pd.DataFrame(
        {
            "period": period,
            "latitude": latitude,
            "longitude": longitude,
            "n": found.n,
            "n_region": found.chosen,
            "share": found.share,
            "enrichment": found.share / (overall or np.nan),
        }
    )
    return table[found.n > 0]


def _bins(
    request: GeographyRequest, samples: _Samples, folder: RunFolder
) -> tuple[pd.DataFrame, float | None]:
    """Count by bin of the embedding, and draw; return the place's share of all, too."""
    import pandas as pd

    from latentcore.figures.geography import bins_figure

    embedded, n = _embedded(samples), request.bins
    edges = [
        np.linspace(axis[embedded].min(), axis[embedded].max(), n + 1)
        for axis in samples.coordinates.T.astype(np.float64)
    ]
    column, row = (
        np.clip(np.searchsorted(edge, axis, side="right") - 1, 0, n - 1)
        for edge, axis in zip(edges, samples.coordinates.T, strict=True)
    )
    on_earth = EarthCells(1, 1).of(samples.latitude, samples.longitude) >= 0
    where = np.where(embedded & on_earth, row * n + column, -1)
    inside = in_place(samples.latitude, samples.longitude, *(request.place or (0, 0, 91, 91)))
    found = shares(where, inside, n * n, request.min_count)
    u0, u1 = ((edge[:-1] + edge[1:]) / 2 for edge in edges)
    table = {"U0": np.tile(u0, n), "U1": np.repeat(u1, n), "n": found.n}
    drawn = {"samples": np.where(found.n > 0, found.n, np.nan)}
    overall = None
    if request.place is not None:
        overall = float(inside[where >= 0].mean())
        if overall == 0:
            message = "No sample that is embedded lies in the ⟨place⟩. Give another one."
            raise RequestError(message)
        table |= {"n_place": found.chosen, "share": found.share}
        table |= {"enrichment": found.share / overall}
        drawn["share of the place"] = found.share
    for name in request.median:
        values = samples.columns.values[samples.columns.names.index(name)]
        middle = medians(where, values, n * n, request.min_count)
        table[f"median_{name}"] = middle
        drawn[f"median of {name}"] = middle
    folder.write_figure("bins.png", bins_figure(edges, drawn))
    return pd.DataFrame(table)[found.n > 0], overall
