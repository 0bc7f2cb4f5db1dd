"""``project``: an embedding of latents, with numbers that say how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.projections import PROJECTIONS, Projection, make_projection
from latentcore.artifacts import RunFolder
from latentcore.artifacts.stored_embedding import write_embedding
from latentcore.containers import Embedding, LatentSet
from latentcore.inputs.latents import read_latents
from latentcore.progress import Progress
from latentcore.requests.methods import with_parameters
from latentcore.requests.options import (
    coords_option,
    latents_option,
    reader_option,
    roi_option,
    rows_option,
)
from latentcore.requests.verbs import as_plain, option, option_of, verb

__all__ = ["ProjectRequest", "run"]


@dataclass(frozen=True)
class _ProjectRequest:
    """What to embed, and how."""

    latents: str = latents_option()
    method: str = option("umap", help="how to embed", family=PROJECTIONS)
    components: int = option(
        2, help="how many dimensions the embedding has: 2 or 3", convert=int, metavar="N"
    )
    neighbors: int = option(15, help="size of a neighborhood (UMAP)", convert=int, metavar="N")
    min_dist: float = option(
        0.1, help="how close points may lie, 0 to 1 (UMAP)", convert=float, metavar="R"
    )
    metric: str = option(
        "euclidean",
        help="distance in latent space (UMAP): euclidean, cosine, correlation, manhattan, "
        "chebyshev",
        metavar="NAME",
    )
    fit_on: int | None = option(
        None,
        help="learn from N rows, drawn by the seed, and place the others (UMAP); by default from "
        "all, but at most 200,000",
        convert=int,
        metavar="N",
    )
    fit_partition: str | None = option(
        None,
        help="learn from the rows of this partition only, and place the others (UMAP)",
        metavar="NAME",
    )
    fit_roi: tuple[float, ...] | None = option(
        None,
        help="where not all rows are learned from, learn from those in this ROI first (UMAP)",
        convert=float,
        nargs=4,
        metavar=("X0", "X1", "Y0", "Y1"),
    )
    whiten: bool = option(False, help="give all principal components unit variance first (UMAP)")
    seed: int = option(0, help="the same seed gives the same embedding", convert=int, metavar="N")
    roi: tuple[float, ...] | None = roi_option()
    rows: str | None = rows_option()
    coords: str | None = coords_option()
    reader: str | None = reader_option()


# A new projection brings its own options.
if TYPE_CHECKING:
    ProjectRequest = _ProjectRequest
else:
    ProjectRequest = with_parameters(_ProjectRequest, PROJECTIONS)


@verb("project", "Embed latents in two or three dimensions.", ProjectRequest, pool="embedding")
def run(request: ProjectRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Embed latents in two or three dimensions.

    Writes ``embedding.parquet``, ``embedding.png`` and ``report.json``.

    Returns
    -------
    dict
        What ``report.json`` holds: method, engine, version, parameters, trustworthiness.
    """
    from latentcore.figures.embedding import embedding_figure

    projection = _projection(request)
    progress.step(0, 1, "reading latents")
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        rows=request.rows,
    )  # fmt: skip
    embedding = projection.embed(latents, progress)
    progress.step(0, 1, "scoring the embedding")
    report = _report(request, projection, latents, embedding)
    write_embedding(folder.path("embedding.parquet"), embedding, latents)
    folder.write_figure("embedding.png", embedding_figure(embedding))
    folder.write_json("report.json", report)
    progress.step(1, 1, "writing")
    return report


def _projection(request: ProjectRequest) -> Projection:
    own = {field.name for field in fields(request) if option_of(field).methods}
    return make_projection(request.method, as_plain(request), own)


def _report(
    request: ProjectRequest, projection: Projection, latents: LatentSet, embedding: Embedding
) -> dict[str, Any]:
    from latentcore.analysis.collapse import active_units, has_prior, units_of_spreads
    from latentcore.analysis.projection import neighbour_preservation, trustworthiness

    metric = projection.metric
    asked = {"metric": metric, "seed": request.seed}
    values = latents.values  # of a large file they are read only once so
    trust = trustworthiness(values, embedding.coordinates, metric=metric, seed=request.seed)
    kept = neighbour_preservation(values, embedding.coordinates, metric=metric, seed=request.seed)
    engine, _, version = embedding.engine.rpartition(" ")
    large = latents.stored is not None
    units = units_of_spreads(latents.spreads) if large else active_units(values)
    return {
        "method": embedding.method,
        "engine": engine,
        "version": version,
        "parameters": dict(embedding.parameters),
        "scores": dict(embedding.scores),
        "trustworthiness": trust["value"],
        "trustworthiness_of": {
            **trust,
            **asked,
            "definition": "scikit-learn, Venna and Kaski 2006",
        },
        "neighbour_preservation": kept["value"],
        "neighbour_preservation_of": {**kept, **asked},
        "n_samples": len(latents),
        "n_embedded": int(np.isfinite(embedding.coordinates).all(axis=1).sum()),
        "roi": request.roi,
        "rows": request.rows,
        "collapse": {
            "n_active": units.n_active,
            "n_collapsed": units.n_collapsed,
            "message": units.message if has_prior(latents) else "",
        },
        "table": "embedding.parquet",
        "figure": "embedding.png",
        "note": projection.note,
    }
