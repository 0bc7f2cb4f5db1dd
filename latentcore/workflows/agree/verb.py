"""``agree``: latent dimensions, or a label map, held against labels from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import (
    FEWEST_POINTS,
    MISSING,
    Agreement,
    agree,
    cluster_dimension,
)
from latentcore.analysis.clusterers import Clusterer, make_clusterer
from latentcore.analysis.features import Scaling
from latentcore.analysis.samples import sample_size
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Roi
from latentcore.errors import RequestError
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.requests.options import sample_asked
from latentcore.requests.verbs import verb
from latentcore.workflows.agree.labels import read_reference
from latentcore.workflows.agree.maps import compare_maps
from latentcore.workflows.agree.reference import (
    KnownLabels,
    known_labels,
    roi_record,
    unmatched_notes,
)

if TYPE_CHECKING:
    import pandas as pd

from latentcore.workflows.agree.request import AgreeRequest

__all__ = ["AgreeRequest", "run"]

_MOST, _USUAL = 1_000_000, 20_000


@verb("agree", "Hold latent dimensions, or a label map, against reference labels.", AgreeRequest)
def run(request: AgreeRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Hold latent dimensions, or a label map, against reference labels.

    Of latents, writes ``agreement.csv`` (dim, ari, nmi, k_latent, k_reference, n, reason, best
    first), ``clusters.csv`` (x, y, or sample_id; reference, cluster_d<D> of the top dimensions) and
    on a scan grid a figure of each. Of a label map, writes ``contingency.csv`` and figures. Both
    write ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    if (request.latents is None) == (request.labels is None):
        message = "Give either latents or ⟨labels⟩ MAP: one of them is held against the reference."
        raise RequestError(message)
    if request.top < 0:
        message = f"⟨top⟩ must be 0 or more, but is {request.top}."
        raise RequestError(message)
    if request.labels is not None:
        return compare_maps(request.labels, request.reference, request.roi, folder, progress)
    return _latents(request, folder, progress)


def _latents(request: AgreeRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    clusterer = make_clusterer(
        "gmm",
        {
            "k_min": request.k_min, "k_max": request.k_max, "criterion": request.criterion,
            "seed": request.seed,
        },
    )  # fmt: skip
    progress.step(0, 1, "reading latents and reference")
    latents = read_latents(
        str(request.latents), folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    whole, n = latents, len(latents)
    reference = read_reference(request.reference, whole, folder)
    latents = _drawn(whole, request)
    sampled = len(latents) < n
    roi = None if request.roi is None else Roi.from_bounds(request.roi)
    progress.step(0, 1, "clustering the reference")
    known = known_labels(reference, latents, roi, clusterer=clusterer, scaling=_scaling(request),
                         whole=whole)  # fmt: skip
    found = agree(
        latents.values, latents.dims, known.labels, clusterer=clusterer, scaling=_scaling(request),
        order=_order(latents), drawn_from=n if sampled else None, seed=request.seed,
        progress=progress,
    )  # fmt: skip
    order = found.order(request.metric)
    table = _table(found, known).iloc[order]
    if table[request.metric].isna().all():
        message = f"No dimension could be compared. Of the first: {found.reasons[0]}"
        raise RequestError(message)
    top = [int(dim) for dim in table["dim"][table["reason"] == ""][: request.top]]
    report = _report(request, latents, known, table, top)
    if sampled:
        report["sample"] = {"n": len(latents), "of": n, "seed": request.seed}
        report["notes"].append(_sampled_note(len(latents), n, request))
    folder.write_csv("agreement.csv", table)
    drawn = n <= _MOST or not sampled
    _write_top(request, folder, latents, known, clusterer, table, top, drawn=drawn)
    folder.write_json("report.json", report)
    return report


def _scaling(request: AgreeRequest) -> Scaling:
    return "none" if request.scaling == "none" else "standard"


def _drawn(latents: LatentSet, request: AgreeRequest) -> LatentSet:
    """Draw some of the points, in their order; which ones depends on seed and places only."""
    size = sample_size(
        len(latents), sample_asked(request.sample), most=_MOST, usual=_USUAL, fewest=FEWEST_POINTS
    )
    if size is None:
        return latents
    chosen = np.random.default_rng(request.seed).permutation(len(latents))[:size]
    if latents.grid is not None:
        chosen = np.argsort(latents.grid.node, kind="stable")[chosen]
    return latents.take(np.sort(chosen))


def _order(latents: LatentSet) -> NDArray[np.int64] | None:
    return None if latents.grid is None else latents.grid.node


def _sampled_note(n: int, of: int, request: AgreeRequest) -> str:
    said = f"{n:,} of {of:,} points were compared (seed {request.seed}); ari_se and nmi_se are the "
    said += "standard errors that this leaves."
    if of > _MOST and request.top:
        said += " So few make no map: choose an ROI, or --sample all, to see the clusters drawn."
    return said


def _table(found: Agreement, known: KnownLabels) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(
        {
            "dim": found.dims,
            "ari": found.ari,
            "nmi": found.nmi,
            "k_latent": found.k_latent,
            "k_reference": known.k,
            "n": found.n,
            "reason": found.reasons,
        }
    )
    if found.errors is not None:
        table[["ari_se", "nmi_se"]] = found.errors
    return table


def _report(
    request: AgreeRequest,
    latents: LatentSet,
    known: KnownLabels,
    table: pd.DataFrame,
    top: list[int],
) -> dict[str, Any]:
    import sklearn

    without = table[table["reason"] != ""]
    return {
        "latents": request.latents,
        "roi": roi_record(request.roi, latents.grid),
        "metric": request.metric,
        "k_reference": known.k,
        "reference": {"map": request.reference, **known.record},
        "clusters": {
            "method": "gmm",
            "k_min": request.k_min,
            "k_max": request.k_max,
            "criterion": request.criterion,
            "scaling": request.scaling,
            "seed": request.seed,
            "sample": request.sample,
            "engine": f"scikit-learn {sklearn.__version__}",
        },
        "top": table[table["dim"].isin(top)][["dim", "ari", "nmi", "k_latent"]].to_dict("records"),
        "n": len(latents),
        "n_dims": len(table),
        "unmatched": known.unmatched,
        "unmatched_reference": known.unmatched_reference,
        "without_score": {
            str(dim): reason for dim, reason in zip(without["dim"], without["reason"], strict=True)
        },
        "notes": unmatched_notes(
            known.unmatched, known.unmatched_reference, len(latents), "latents"
        ),
    }


def _write_top(
    request: AgreeRequest,
    folder: RunFolder,
    latents: LatentSet,
    known: KnownLabels,
    clusterer: Clusterer,
    table: pd.DataFrame,
    top: list[int],
    *,
    drawn: bool,
) -> None:
    """Write the clusters of the reference and of the best dimensions, and their maps."""
    import pandas as pd

    from latentcore.figures.agreement import labeled_maps_figure

    grid = latents.grid
    labels: dict[str, Any] = (
        {"sample_id": latents.sample_ids.astype(object)}
        if grid is None
        else dict(zip("xy", grid.plain_coordinates(), strict=True))
    )
    labels["reference"] = _shown(known.labels, known.texts)
    for dim in top:
        values = latents.dimension(dim)
        paired = np.isfinite(values) & (known.labels != MISSING)
        found = cluster_dimension(
            np.where(paired, values, np.nan), dim, clusterer=clusterer, scaling=_scaling(request),
            order=_order(latents),
        )  # fmt: skip
        own = np.where(paired, found.labels, np.int32(MISSING))
        labels[f"cluster_d{dim}"] = _shown(own, {})
        if not drawn or grid is None:
            continue
        row = table[table["dim"] == dim].iloc[0]
        figure = labeled_maps_figure(
            grid,
            values,
            [("its clusters", own, {}), ("reference", known.labels, known.texts)],
            latent_label=f"latent {dim}",
            title=f"Latent {dim}: ARI {row['ari']:.3f}, NMI {row['nmi']:.3f}",
            missing=MISSING,
        )
        folder.write_figure(f"latent_vs_ref_d{dim}.png", figure)
    folder.write_csv("clusters.csv", pd.DataFrame(labels))


def _shown(labels: NDArray[np.integer], texts: dict[int, str]) -> list[Any]:
    """Return labels as they are written: text where they have names, empty where missing."""
    return [None if label == MISSING else texts.get(label, str(label)) for label in labels.tolist()]
