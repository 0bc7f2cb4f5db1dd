"""Maps that were computed from patterns, as a table, figures and a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import ScanGrid

TABLE = "pattern_maps.csv"


def write_pattern_maps(
    folder: RunFolder,
    grid: ScanGrid,
    values: Mapping[str, NDArray[np.float64]],
    about: Mapping[str, Mapping[str, Any]],
    report: Mapping[str, Any],
) -> dict[str, Any]:
    """Write maps, in the patterns' row order.

    These are ``pattern_maps.csv`` (x, y and a column for each map), a figure for each map and
    ``report.json``.

    Parameters
    ----------
    values : Mapping of str to ndarray, shape (n,)
        By the name of the map.
    about : Mapping of str to Mapping
        For each map its title and definition, and what else the report says of it.
    report : Mapping
        What the report says besides.

    Returns
    -------
    dict
        What the report holds.
    """
    import pandas as pd

    from latentcore.figures.maps import map_figure

    x, y = grid.plain_coordinates()
    folder.write_csv(TABLE, pd.DataFrame({"x": x, "y": y, **values}))
    maps: dict[str, Any] = {}
    for number, (name, one) in enumerate(values.items()):
        figure = _figure_name(number, name, maps)
        folder.write_figure(
            figure, map_figure(grid, one, label=name, title=about[name]["title"], cmap="grey")
        )
        finite = one[np.isfinite(one)]
        spread = {"mean": float(finite.mean()), "sd": float(finite.std())} if len(finite) else {}
        maps[name] = {**about[name], "n_finite": len(finite), **spread, "figure": figure}
    full = {"n_points": len(grid), "maps": maps, **report, "table": TABLE}
    folder.write_json("report.json", full)
    return full


def _figure_name(number: int, name: str, before: Mapping[str, Any]) -> str:
    """Return a file's name that no other map of this folder has, whatever its name holds."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
    # Some file systems take upper and lower case for the same.
    alone = plain.lower() not in [other.lower() for other in before]
    return f"{plain}.png" if plain == name and alone else f"{plain}_{number}.png"
