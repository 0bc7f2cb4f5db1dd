"""Python text that computes a session's numbers again, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latentcore.analysis.clustering import latent_name
from latentcore.outputs.clustered_points import ClusteredPoints
from latentcore.requests.clustering import chosen_dims, sample_of
from latentcore.workflows.session.request import SessionRequest, shown_dimension

_TEXT = '''\
"""Compute the numbers of a session report again."""

import latentcore as lc
from latentcore.analysis.clusterers import make_clusterer
from latentcore.workflows.session import digest, read_maps, read_panels, read_selections

latents = lc.open_latents({latents})
selections = read_selections({selection!r})
assert latents.fingerprint == {fingerprint!r}, "the latents are not those of the report"
{rows}found = lc.explore(
    latents,
    read_maps({maps!r}, latents),
    dim={dim},
    {clustered},
    clusterer=make_clusterer({method!r}, {parameters!r}),
    scaling={scaling!r},
    sample={sample!r},{numbers}
    roi={roi},{in_rows}
    selections=selections,
    embeddings=read_panels({embedding!r}, latents, {regions!r}, selections{of_rows}{of_labels}),
)
labels, masks, statistics = found.clustering.labels, found.masks, found.statistics

# The report's fingerprints of the same arrays: equal where the same library versions are used.
print("labels equal:", digest(labels) == {labels_sha256!r})
for slot, expected in {rows_sha256!r}.items():
    print(f"selection {{slot}}: {{masks[slot].sum()}} points, equal:",
          digest(masks[slot].nonzero()[0].astype("int64")) == expected)
for name, value in statistics["ROI"].values.items():
    print(f"{{name}} in the ROI: {{value.mean:.6g}} ± {{value.sd:.3g}}, n = {{value.n_finite}}")
'''


_ROWS = """\
from latentcore.inputs.latents import in_view

rows = in_view(latents, None, {!r})
"""


def session_snippet(
    request: SessionRequest,
    report: Mapping[str, Any],
    *,
    maps: Mapping[str, str],
    references: Sequence[str],
    points: ClusteredPoints,
    parameters: Mapping[str, object],
) -> str:
    """Return Python text that computes a session's numbers again.

    Parameters
    ----------
    report : Mapping
        What the session's report holds.
    maps : Mapping of str to str
        Name of each map → ``FILE:COLUMN``.
    references : sequence of str
        Those of them that are clustered.
    points : ClusteredPoints
        The clusters.
    parameters : Mapping
        Those of the clusterer that were given.

    Returns
    -------
    str
        Leaves ``labels``, ``masks`` and ``statistics`` in the latents' row order.
    """
    options = {"coords": request.coords, "reader": request.reader}
    opened = [
        repr(request.latents),
        *(f"{name}={text!r}" for name, text in options.items() if text),
    ]
    numbers = points.clustering.parameters.get("numbers")
    roi = None if request.roi is None else f"lc.Roi.from_bounds({tuple(request.roi)!r})"
    return _TEXT.format(
        latents=", ".join(opened),
        fingerprint=report["latents_fingerprint"],
        maps=dict(maps),
        dim=request.dim,
        clustered=_clustered(request, references, points),
        method=request.method,
        parameters=dict(parameters),
        scaling=request.scaling,
        sample=sample_of(request),
        numbers=f"\n    numbers={numbers!r},  # as in the whole scan" if numbers else "",
        roi=roi,
        rows=_ROWS.format(request.rows) if request.rows else "",
        in_rows="\n    rows=rows," if request.rows else "",
        of_rows=", rows" if request.rows else "",
        of_labels=f", labels={request.labels!r}" if request.labels else "",
        selection=request.selection,
        embedding=request.embedding,
        regions=request.regions,
        labels_sha256=report["clusters"]["labels_sha256"],
        rows_sha256={slot: one["rows_sha256"] for slot, one in report["selections"].items()},
    )


def _clustered(request: SessionRequest, references: Sequence[str], points: ClusteredPoints) -> str:
    """Return the argument that says what is clustered."""
    names = dict(zip(points.units, references, strict=True))
    weights = {names.get(name, name): weight for name, weight in points.features.weights.items()}
    if request.dims is None and not weights and request.learn_from is None:
        return f"reference={references[0]!r}"
    dims = chosen_dims(request) if request.dims is not None else (shown_dimension(request),)
    if "latent" in weights:
        weights[latent_name(shown_dimension(request))] = weights.pop("latent")
    chosen = f"dims={dims!r}, maps={tuple(references)!r}, weights={weights!r}"
    if request.learn_from is not None:
        chosen += f", learn_from={request.learn_from!r}"
    return f"features=lc.FeatureChoice({chosen})"
