"""The violins and boxes of a session in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.distributions import Box, box, boxes
from latentcore.analysis.exploration import Exploration
from latentcore.analysis.panel_ids import codes_of
from latentcore.containers import NO_VALUE, OUTSIDE, LatentSet, RegionSet, ScanPoints, cluster_name
from latentcore.errors import RequestError
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.workflows.session.inputs import SLOTS, named_specs, read_json
from latentcore.workflows.session.request import SessionRequest

CLUSTERS, REGIONS, SELECTIONS = "@clusters", "@regions", "@selections"
# Labels and what they are called; None where groups are the view and the selections.
_Groups = tuple[NDArray[np.integer], Mapping[int, str]] | None


def distributions_report(
    request: SessionRequest,
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    regions: RegionSet | None,
    found: Exploration,
) -> list[dict[str, Any]]:
    """Return the numbers of each box that is asked for, as `Box` has them."""
    asked = [] if request.distributions is None else read_json(request.distributions, "list")
    report = []
    for what, by in asked:
        values = latents.dimension(what) if isinstance(what, int) else _named(maps, what, "map")
        groups = _groups(by, request, latents, regions, found)
        if groups is None:
            drawn = _of_selections(values, found)
        else:
            drawn = boxes(values, *groups, found.inside)
        report.append({"of": what, "by": by, "groups": [asdict(one) for one in drawn]})
    return report


def _named(there: Mapping[str, Any], name: str, what: str) -> Any:
    if name in there:
        return there[name]
    message = f"There is no {what} {name!r} for violins. There are: {', '.join(there) or 'none'}."
    raise RequestError(message)


def _groups(
    by: str,
    request: SessionRequest,
    latents: LatentSet,
    regions: RegionSet | None,
    found: Exploration,
) -> _Groups:
    if by == SELECTIONS:
        return None
    if by == CLUSTERS:
        labels = found.clustering.told_apart(found.inside)
        present = set(np.unique(labels).tolist()) - {OUTSIDE, NO_VALUE}
        return labels, {label: cluster_name(label) for label in present}
    if by == REGIONS:
        shown = None if regions is None else regions.visible
        if not shown:
            message = "There are no regions for violins: ⟨regions⟩ names none that is shown."
            raise RequestError(message)
        placed = shown.place(ScanPoints.of_latents(latents))
        return shown.labels(placed), {-1: "in no region", **dict(enumerate(shown.names))}
    spec = _named({name or spec: spec for name, spec in named_specs(request.labels)}, by, "label")
    read = read_columns(spec, latents)
    (values,), _ = columns_at(read, latents)
    names = read.categories.get(read.names[0], {})
    there = np.unique(codes_of(values)[np.isfinite(values)]).tolist()
    return codes_of(values), {code: names.get(code, str(code)) for code in there}


def _of_selections(values: NDArray[np.floating], found: Exploration) -> Iterator[Box]:
    yield box("in view", values[found.inside])
    for slot in SLOTS:
        if found.masks[slot].any():
            yield box(slot, values[found.masks[slot] & found.inside])
