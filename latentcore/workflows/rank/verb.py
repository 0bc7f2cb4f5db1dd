"""``rank``: which latent dimensions follow a reference map, by seven metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentcore.analysis.rank_table import scores_table, top_dims
from latentcore.analysis.ranking import metric_names, rank
from latentcore.analysis.references import SYNTHESES
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Ranking, Roi
from latentcore.errors import RequestError
from latentcore.figures.colors import COLORMAPS, is_diverging
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.requests.options import coords_option, latents_option, reader_option, roi_option
from latentcore.requests.verbs import option, verb
from latentcore.workflows.rank.figures import draw_ranking
from latentcore.workflows.rank.references import JoinedReference, read_reference_map
from latentcore.workflows.rank.report import ranking_report, reference_table, unique_dims
from latentcore.workflows.rank.seed_names import write_seed_ranking
from latentcore.workflows.rank.uncertainty import UNCERTAINTY, find_uncertainty

__all__ = ["RankRequest", "run"]


@dataclass(frozen=True)
class RankRequest:
    """What to rank, against what, and how."""

    latents: str = latents_option()
    map: str = option(
        help="reference: FILE, FILE:COLUMN, or several columns for a synthesis; joined by x and y",
        kind="map",
    )
    metric: tuple[str, ...] | None = option(
        None, help="a metric to rank by; all seven if not given", repeat=True,
        choices=metric_names, metavar="NAME",
    )  # fmt: skip
    synthesis: str | None = option(
        None,
        help="sum: weighted sum of maps, each scaled 0–1 over the ROI; rgb: luminance of three",
        choices=SYNTHESES,
    )
    weights: tuple[float, ...] | None = option(
        None, help="of each column of a sum; equal if not given", nargs="+", convert=float,
        metavar="W",
    )  # fmt: skip
    trend_degree: int = option(
        1,
        help="degree of the polynomial in x and y that pp_spatial removes: 1, 2 or 3",
        convert=int,
        metavar="D",
    )
    roi: tuple[float, ...] | None = roi_option()
    uncertainty: tuple[str, ...] | None = option(
        None,
        help="metrics that get intervals and p-values, or 'none'; pearson if not given, where it "
        "takes seconds",
        nargs="+",
        metavar="NAME",
    )
    level: float = option(
        0.95, help="of the intervals, between 0 and 1", convert=float, metavar="P"
    )
    resamples: int = option(
        200, help="random halves of the map behind each interval", convert=int, metavar="N"
    )
    surrogates: int = option(
        199, help="maps without meaning behind each p-value", convert=int, metavar="N"
    )
    null: str | None = option(
        None,
        help="those maps: the reference shifted, or random with its variogram; shifted if it has "
        "no gaps",
        choices=("shift", "variogram"),
    )
    top: int = option(
        3,
        help="how many dimensions of each metric are listed and drawn; 0: no figures",
        convert=int,
        metavar="N",
    )
    cmap: str = option("viridis", help=f"color map: {', '.join(COLORMAPS)}", metavar="NAME")
    seed_names: bool = option(
        False, help="also write tables, arrays and maps under the names of the seed system"
    )
    seed: int = option(0, help="the same seed gives the same scores", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()


@verb("rank", "Rank latent dimensions by how they follow a reference map.", RankRequest)
def run(request: RankRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Rank latent dimensions by how they follow a reference map.

    Writes ``latent_scores.csv`` (dim, a column per metric, n, reason; strongest Pearson first),
    ``latent_uncertainty.csv`` (dim, metric, score, lower, upper, p, p_corrected), ``reference.csv``
    (x, y, reference) and ``report.json``; for each of the top dimensions ``latent_d<D>_roi.npy``
    (float32, row-major over the ROI) and ``latent_d<D>_vs_reference.png``; for all of them
    ``top_dimensions.png`` and ``ranks_by_metric.png``.

    Returns
    -------
    dict
        What the report holds.

    Raises
    ------
    InputError
        If the inputs can't be read or joined, or the parameters make no sense for them.
    """
    _check(request)
    progress.step(0, 1, "reading latents and reference")
    roi = None if request.roi is None else Roi.from_bounds(request.roi)
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    joined = read_reference_map(
        request.map, latents, folder, roi=roi, synthesis=request.synthesis, weights=request.weights
    )
    ranking = _rank(request, latents, joined, progress)
    uncertainty = find_uncertainty(request, latents, joined, ranking, progress)
    top = {metric: top_dims(ranking, metric, request.top) for metric in ranking.scores}
    report = ranking_report(request, latents, joined, ranking, top)
    report["uncertainty"] = uncertainty.report()
    report["notes"] += uncertainty.notes
    report["note_codes"] = [note.code for note in report["notes"]]
    folder.write_csv("latent_scores.csv", scores_table(ranking))
    if report["uncertainty"] is not None:
        folder.write_csv(UNCERTAINTY, uncertainty.table(ranking))
    folder.write_csv("reference.csv", reference_table(latents, joined.reference))
    _write_vectors(folder, latents, top)
    draw_ranking(request, folder, latents, joined, ranking, top, progress)
    if request.seed_names:
        write_seed_ranking(request, folder, latents, joined.reference, ranking, report, top)
    folder.write_json("report.json", report)
    return report


def _check(request: RankRequest) -> None:
    """Refuse what makes no sense before anything is read."""
    is_diverging(request.cmap)
    if request.top < 0:
        message = f"⟨top⟩ must be 0 or more, but is {request.top}."
        raise RequestError(message)


def _rank(
    request: RankRequest, latents: LatentSet, joined: JoinedReference, progress: Progress
) -> Ranking:
    assert latents.grid is not None  # else nothing could be joined
    ranking = rank(
        latents.values,
        joined.reference.values,
        latents.grid.x,
        latents.grid.y,
        dims=latents.dims,
        metrics=request.metric,
        trend_degree=request.trend_degree,
        seed=request.seed,
        progress=progress,
    )
    if all(np.isnan(scores).all() for scores in ranking.scores.values()):
        message = (
            f"Not one of {len(ranking.dims)} dimensions can be scored. Latent {ranking.dims[0]}: "
            f"{ranking.reasons[0]}. Choose a larger ROI, or other latents."
        )
        raise RequestError(message)
    return ranking


def _write_vectors(folder: RunFolder, latents: LatentSet, top: dict[str, list[int]]) -> None:
    """Write each top dimension over the ROI, row-major with x fastest."""
    assert latents.grid is not None
    order = np.argsort(latents.grid.node, kind="stable")
    for dim in unique_dims(top):
        np.save(folder.path(f"latent_d{dim}_roi.npy"), latents.dimension(dim)[order])
