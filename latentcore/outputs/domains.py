"""Domains as tables, maps, a figure and a report: what ``domains`` and ``grains`` write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.objects import Domains
from latentcore.artifacts import RunFolder

FILES = (
    "domains.csv",
    "domain_table.csv",
    "domain_borders.csv",
    "domain_maps.csv",
    "domains.png",
)


def write_domains(
    folder: RunFolder,
    domains: Domains,
    report: Mapping[str, Any],
    *,
    values: Mapping[str, NDArray[np.floating]] | None = None,
    columns: Mapping[str, NDArray[np.generic]] | None = None,
    title: str = "",
    called: str = "domain",
) -> dict[str, Any]:
    """Write domains; tables of points are in the row order of their input.

    These are ``domains.csv`` (x, y, domain), ``domain_table.csv``, ``domain_borders.csv``
    (a, b, length, contrast), ``domain_maps.csv`` (x, y, neighbor_distance, deviation,
    border_contrast), ``domains.png`` and ``report.json``; of a collection ``domain_partitions.csv``
    as well, with a row for each scan.

    Parameters
    ----------
    report : Mapping
        What the report says besides the number of domains, points and files.
    values : Mapping of str to ndarray, shape (n,)
        Whose mean and s.d. the table tells of each domain.
    columns : Mapping of str to ndarray, shape (k,)
        What else the table tells of each domain.
    title : str
        Of the figure.
    called : str
        What a domain is called in the figure.

    Returns
    -------
    dict
        What the report holds.
    """
    import pandas as pd

    from latentcore.figures.domains import domain_figure

    x, y = domains.grid.plain_coordinates()
    folder.write_csv("domains.csv", pd.DataFrame({"x": x, "y": y, "domain": domains.labels}))
    table = domains.table(values).assign(**dict(columns or {}))
    folder.write_csv("domain_table.csv", table)
    files = list(FILES)
    if domains.by_scan is not None:
        files.append("domain_partitions.csv")
        folder.write_csv(files[-1], domains.by_scan)
    folder.write_csv("domain_borders.csv", domains.borders)
    maps = {
        "neighbor_distance": domains.neighbor_distance,
        "deviation": domains.deviation,
        "border_contrast": domains.border_contrast,
    }
    folder.write_csv("domain_maps.csv", pd.DataFrame({"x": x, "y": y, **maps}))
    folder.write_figure("domains.png", domain_figure(domains, title=title, called=called))
    full = {
        "n_domains": domains.count,
        "n_points": len(domains.labels),
        "n_in_no_domain": int((domains.labels < 0).sum()),
        **report,
        "grid": {
            "kind": domains.grid.kind,
            "step": domains.grid.step,
            "unit": domains.grid.unit,
        },
        "files": files,
    }
    folder.write_json("report.json", full)
    return full
