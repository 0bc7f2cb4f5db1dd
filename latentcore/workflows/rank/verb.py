"""``rank``: which latent dimensions follow a reference map, by seven metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.rank_table import scores_table, top_dims
from latentcore.analysis.ranking.sampled import SampledRanking, rank_latents
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Roi
from latentcore.errors import RequestError
from latentcore.figures.colors import is_diverging
from latentcore.inputs.latents import is_bare_array, read_field, within_roi
from latentcore.progress import Progress
from latentcore.requests.notes import Note
from latentcore.requests.options import sample_asked
from latentcore.requests.verbs import verb
from latentcore.workflows.rank.across import write_across
from latentcore.workflows.rank.figures import draw_ranking
from latentcore.workflows.rank.references import JoinedReference, read_reference_map
from latentcore.workflows.rank.report import (
    ranking_report,
    reference_table,
    sample_report,
    unique_dims,
)
from latentcore.workflows.rank.request import RankRequest
from latentcore.workflows.rank.seed_names import write_seed_ranking
from latentcore.workflows.rank.uncertainty import UNCERTAINTY, find_uncertainty

__all__ = ["RankRequest", "run"]


@verb("rank", "Rank latent dimensions by how they follow a reference map.", RankRequest)
def run(request: RankRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Rank latent dimensions by how they follow a reference map.

    Writes ``latent_scores.csv`` (dim, a column per metric, n, reason; strongest Pearson first; of a
    sample also ``<metric>_se``),
    ``latent_uncertainty.csv`` (dim, metric, score, lower, upper, p, p_corrected), ``reference.csv``
    (x and y or sample_id, reference of the points scored) and ``report.json``; for each of the top
    dimensions ``latent_d<D>_roi.npy`` (float32, row-major over the ROI) and
    ``latent_d<D>_vs_reference.png``; for all of them ``top_dimensions.png`` and
    ``ranks_by_metric.png``. With ``across``, ``partition_scores.csv`` (partition, dim, a column per
    metric, n) and ``left_out_scores.csv`` (metric, partition, dim, score_others, score, rank,
    best_dim, best).

    Returns
    -------
    dict
        What the report holds.
    """
    _check(request)
    progress.step(0, 1, "reading latents and reference")
    roi = None if request.roi is None else Roi.from_bounds(request.roi)
    field = read_field(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    latents = within_roi(field, request.roi)
    _check_places(request, latents)
    joined = read_reference_map(
        request.map, latents, folder, roi=roi, synthesis=request.synthesis, weights=request.weights
    )
    found = _rank(request, latents, joined, progress)
    ranking = found.ranking
    uncertainty = find_uncertainty(request, latents, joined, found, progress)
    top = {metric: top_dims(ranking, metric, request.top) for metric in ranking.scores}
    report = ranking_report(request, latents, joined, ranking, top)
    report["sample"] = sample_report(found)
    report["uncertainty"] = uncertainty.report()
    if found.note:
        report["notes"].insert(0, Note("sample", found.note))
    report["notes"] += uncertainty.notes
    if request.across:
        report["across"] = write_across(request, folder, latents, joined.reference.values, progress)
    report["note_codes"] = [note.code for note in report["notes"]]
    folder.write_csv("latent_scores.csv", scores_table(ranking, found.errors))
    if report["uncertainty"] is not None:
        folder.write_csv(UNCERTAINTY, uncertainty.table(ranking))
    folder.write_csv("reference.csv", reference_table(latents, joined.reference, found.rows))
    _write_vectors(folder, latents, top)
    draw_ranking(request, folder, latents, joined, found, top, progress)
    if request.seed_names:
        # A bare array has places in the ROI only.
        whole = latents if is_bare_array(field) and not request.coords else field
        write_seed_ranking(request, folder, latents, whole, joined.reference, ranking, report, top)
    folder.write_json("report.json", report)
    return report


def _check(request: RankRequest) -> None:
    """Refuse what makes no sense before anything is read."""
    is_diverging(request.cmap)
    if request.top < 0:
        message = f"⟨top⟩ must be 0 or more, but is {request.top}."
        raise RequestError(message)


def _check_places(request: RankRequest, latents: LatentSet) -> None:
    if latents.grid is None and request.seed_names:
        message = "⟨seed_names⟩ are of maps, but the latents have no coordinates. Leave it out."
        raise RequestError(message)
    if latents.grid is not None and request.groups is not None:
        message = (
            "⟨groups⟩ are of samples without a grid; on a scan whole squares are drawn. Leave it "
            "out."
        )
        raise RequestError(message)


def _rank(
    request: RankRequest, latents: LatentSet, joined: JoinedReference, progress: Progress
) -> SampledRanking:
    found = rank_latents(
        latents,
        joined.reference.values,
        sample=sample_asked(request.sample),
        metrics=request.metric,
        trend_degree=request.trend_degree,
        seed=request.seed,
        progress=progress,
    )
    ranking = found.ranking
    if all(np.isnan(scores).all() for scores in ranking.scores.values()):
        message = (
            f"Not one of {len(ranking.dims)} dimensions can be scored. Latent {ranking.dims[0]}: "
            f"{ranking.reasons[0]}. Choose a larger ROI, or other latents."
        )
        raise RequestError(message)
    return found


def _write_vectors(folder: RunFolder, latents: LatentSet, top: dict[str, list[int]]) -> None:
    """Write each top dimension over the ROI, row-major with x fastest; off a grid in file order."""
    order: NDArray[np.intp] | slice = slice(None)
    if latents.grid is not None:
        order = np.argsort(latents.grid.node, kind="stable")
    for dim in unique_dims(top):
        np.save(folder.path(f"latent_d{dim}_roi.npy"), latents.dimension(dim)[order])
