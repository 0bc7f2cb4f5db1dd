"""Python text that computes a result again, for a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.features import Scaling
from latentcore.analysis.samples import Sample

# Users keep what is written: these names stay in the modules that it imports them from.
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
    scaling={scaling!r},{sample}
    order=latents.grid.node,  # so that the order of rows in the file doesn't matter
)
{numbers}labels = clustering.labels
'''

_FEATURES = '''\
"""Compute the labels of one clustering again."""

import latentcore as lc
from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.clustering import FeatureChoice, chosen_features, cluster_features

{latents}


def column(location, name):
{column}


maps = {maps}
choice = FeatureChoice(dims={dims!r}, maps=tuple(maps), weights={weights!r}{learn})
clustering = cluster_features(
    chosen_features(choice, latents, maps),
    clusterer=make_clusterer({method!r}, {parameters!r}),
    scaling={scaling!r},{sample}
)
{numbers}labels = clustering.labels
'''


_OF_MAP = """\
    maps = lc.open_maps(location)
    return maps.at(latents.grid)[0][maps.names.index(name)]"""
_OF_TABLE = "    return lc.open_table(location).at(latents).get(name)"

_NUMBERS = """\
from latentcore.analysis.cluster_numbers import renumbered

clustering = renumbered(clustering, {!r})  # as in the whole scan
"""


def cluster_snippet(
    location: str,
    *,
    dims: tuple[int, ...] | None,
    maps: Mapping[str, tuple[str, str]],
    weights: Mapping[str, float],
    published_pair: bool,
    on_grid: bool = True,
    nameless: bool,
    clusterer: Clusterer,
    scaling: Scaling,
    learn_from: str | None = None,
    sample: Sample = "all",
    numbers: Mapping[int, int] | None = None,
    roi: Sequence[float] | None = None,
    rows: str | None = None,
    coords: str | None = None,
    reader: str | None = None,
) -> str:
    """Return Python text that computes the labels of a clustering again.

    Parameters
    ----------
    location : str
        The latents.
    dims : tuple of int or None
        None stands for all.
    maps : Mapping of str to (str, str)
        For each map what it is called among the features, its file, and its name there.
    weights : Mapping of str to float
        By the features' names.
    published_pair : bool
        Whether it is one dimension and one map of a scan, unweighted.
    on_grid : bool
        Whether the latents lie on a scan grid, and `maps` are maps of it.
    nameless : bool
        Whether the file holds a single dimension and doesn't say which.
    scaling : {"standard", "none"}
    learn_from : str, optional
        The partition that is learned from.
    sample : int, "all" or None
        See `latentcore.analysis.cluster_samples.fit_rows`.
    numbers : Mapping of int to int, optional
        See `latentcore.analysis.cluster_numbers.renumbered`.
    roi : sequence of float, optional
        (x0, x1, y0, y1).
    rows : str, optional
        A file of row numbers or of a mask.
    coords, reader : str, optional
        As for `latentcore.open_latents`.

    Returns
    -------
    str
        Leaves ``labels``, int32 (n,), in the latents' row order, and ``clustering``. Paths are
        as they were given, so it runs where the run was started.
    """
    opening = _opening(location, {"coords": coords, "reader": reader}, roi, rows)
    said = {
        "method": clusterer.name,
        "parameters": given_parameters(clusterer),
        "scaling": scaling,
        "sample": "" if sample == "all" else f"\n    sample={sample!r},",
        "numbers": _NUMBERS.format(dict(numbers)) if numbers else "",
    }
    if published_pair and dims is not None:
        ((map_location, map_column),) = maps.values()
        return _CLUSTER.format(
            latents=opening,
            map_location=map_location,
            map_column=map_column,
            column="values[:, 0]" if nameless else f"dimension({dims[0]})",
            **said,
        )
    if nameless:
        opening = f"{_RENAMING[0]}{opening}{_RENAMING[1].format(dims=dims)}"
    columns = (f"    {name!r}: column{source!r}," for name, source in maps.items())
    return _FEATURES.format(
        latents=opening,
        column=_OF_MAP if on_grid else _OF_TABLE,
        maps="\n".join(("{", *columns, "}")) if maps else "{}",
        dims=dims,
        weights=dict(weights),
        learn="" if learn_from is None else f", learn_from={learn_from!r}",
        **said,
    )


# The file doesn't say which dimension it holds.
_RENAMING = (
    "import dataclasses\n\nimport numpy as np\n\n",
    "\nlatents = dataclasses.replace(latents, dims=np.array({dims}, np.int32))",
)


def _opening(
    location: str,
    options: dict[str, str | None],
    roi: Sequence[float] | None,
    rows: str | None = None,
) -> str:
    opened = [repr(location), *(f"{name}={value!r}" for name, value in options.items() if value)]
    if roi is not None:
        opened.append("roi=roi")
    lines = [f"latents = lc.open_latents({', '.join(opened)})"]
    if roi is not None:
        bounds = tuple(float(bound) for bound in roi)
        lines.insert(0, f"roi = {bounds!r}  # x0, x1, y0, y1; half-open")
    if rows is not None:
        lines.insert(0, "from latentcore.inputs.latents import in_view\n")
        where = "None" if roi is None else "roi"
        lines.append(f"latents = latents.take(in_view(latents, {where}, {rows!r}))")
    elif roi is not None:
        lines.append("latents = latents.take(lc.Roi.from_bounds(roi).mask(latents.grid))")
    return "\n".join(lines)


def given_parameters(clusterer: Clusterer) -> dict[str, object]:
    """Return the parameters that differ from the method's defaults, and its seed."""
    return {
        declared.name: getattr(clusterer, declared.name)
        for declared in dataclasses.fields(clusterer)
        if declared.name == "seed" or getattr(clusterer, declared.name) != declared.default
    }
