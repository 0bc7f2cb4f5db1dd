"""Python text that computes a result again, for a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import Scaling

_CLUSTER = '''\
"""Compute the labels of one clustering again."""

import latentcore as lc
from latentcore.analysis.clusterers import make_clusterer

{latents}
maps = lc.open_maps({map_location!r})
values, unmatched = maps.at(latents.grid)
clustering = lc.cluster(
    latents.{column},
    values[maps.names.index({map_column!r})],
    clusterer=make_clusterer({method!r}, {parameters!r}),
    scaling={scaling!r},
    order=latents.grid.node,  # so that the order of rows in the file doesn't matter
)
labels = clustering.labels
'''


def cluster_snippet(
    location: str,
    *,
    dim: int | None,
    map_location: str,
    map_column: str,
    clusterer: Clusterer,
    scaling: Scaling,
    roi: Sequence[float] | None = None,
    coords: str | None = None,
    reader: str | None = None,
) -> str:
    """Return Python text that computes the labels of a clustering again.

    Parameters
    ----------
    location : str
        The latents.
    dim : int or None
        None where the file holds a single dimension and doesn't say which.
    map_location, map_column : str
        Where band contrast is, and the map's name there.
    scaling : {"standard", "none"}
    roi : sequence of float, optional
        (x0, x1, y0, y1).
    coords, reader : str, optional
        As for `latentcore.open_latents`.

    Returns
    -------
    str
        Leaves ``labels``, int32 (n,), in the latents' row order, and ``clustering``. Paths are
        as they were given, so it runs where the run was started.
    """
    return _CLUSTER.format(
        latents=_opening(location, {"coords": coords, "reader": reader}, roi),
        map_location=map_location,
        map_column=map_column,
        column="values[:, 0]" if dim is None else f"dimension({dim})",
        method=clusterer.name,
        parameters=given_parameters(clusterer),
        scaling=scaling,
    )


def _opening(location: str, options: dict[str, str | None], roi: Sequence[float] | None) -> str:
    opened = [repr(location), *(f"{name}={value!r}" for name, value in options.items() if value)]
    if roi is None:
        return f"latents = lc.open_latents({', '.join(opened)})"
    return (
        f"roi = {tuple(float(bound) for bound in roi)!r}  # x0, x1, y0, y1; half-open\n"
        f"latents = lc.open_latents({', '.join(opened)}, roi=roi)\n"
        "latents = latents.take(lc.Roi.from_bounds(roi).mask(latents.grid))"
    )


def given_parameters(clusterer: Clusterer) -> dict[str, object]:
    """Return the parameters that differ from the method's defaults, and its seed."""
    return {
        declared.name: getattr(clusterer, declared.name)
        for declared in dataclasses.fields(clusterer)
        if declared.name == "seed" or getattr(clusterer, declared.name) != declared.default
    }
