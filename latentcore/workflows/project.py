"""``project``: an embedding of latents, with numbers that say how far to trust it."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.projections import PROJECTIONS, Projection, make_projection
from latentcore.analysis.umap_embedding import EACH
from latentcore.artifacts import RunFolder
from latentcore.artifacts.embedding_model import (
    EMBEDDING_MODEL,
    EmbeddingModel,
    write_embedding_model,
)
from latentcore.artifacts.stored_embedding import embedding_table, write_embedding
from latentcore.containers import Embedding, LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.embedding_models import placed_in, refuse_unfit, stored_model
from latentcore.inputs.latents import read_latents
from latentcore.inputs.several import SeveralLatents, read_several
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
    more: tuple[str, ...] = option(
        (),
        help="more latents of the same encoder: one embedding of all, laid out on as many samples "
        "of each (UMAP)",
        positional=True,
        nargs="*",
        kind="latents",
    )
    into: str | None = option(
        None,
        help="place the latents in the embedding that this run of 'project' fitted: its folder. No "
        "other option of the embedding is given then",
        kind="file",
        metavar="RUN",
    )
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
        help="learn from the rows of this partition only, and place the others; * learns from as "
        "many of each, and is the default of several latents (UMAP)",
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
    """Embed latents in two or three dimensions, or place them in an embedding that is there.

    Writes ``embedding.parquet`` (of several latents, and of those placed by ``into``, with a
    column ``source``), ``embedding.png``, ``report.json``, and ``embedding_model.safetensors``,
    by which a later run places others in the same embedding.

    Returns
    -------
    dict
        What ``report.json`` holds: method, engine, version, parameters, trustworthiness.
    """
    progress.step(0, 1, "reading latents")
    several = _read(request, folder)
    latents = several.latents
    notes = list(several.notes)
    if request.into is None:
        projection = _projection(request)
        embedding = projection.embed(latents, progress)
        model = _model(request, several, embedding)
    else:
        _refuse_contradiction(request)
        model = stored_model(request.into, folder)
        notes += refuse_unfit(model, latents, several.names, request.into)
        projection, embedding = _placed(model, latents, progress)
    progress.step(0, 1, "scoring the embedding")
    report = _report(request, projection, latents, embedding)
    report |= {"sources": several.counts, "into": request.into, "notes": notes}
    path = folder.path("embedding.parquet")
    if request.more or request.into is not None:
        several.labeled(embedding_table(embedding, latents)).to_parquet(path, index=False)
    else:
        write_embedding(path, embedding, latents)
    if model.fitted:
        write_embedding_model(folder.path(EMBEDDING_MODEL), model)
        report["model"] = EMBEDDING_MODEL
    _draw(request, several, embedding, model, folder)
    folder.write_json("report.json", report)
    progress.step(1, 1, "writing")
    return report


def _read(request: ProjectRequest, folder: RunFolder) -> SeveralLatents:
    given: dict[str, Any] = {
        "coords": request.coords,
        "reader": request.reader,
        "roi": request.roi,
        "rows": request.rows,
    }
    if not request.more:
        return SeveralLatents.of(read_latents(request.latents, folder, **given), request.latents)
    return read_several([request.latents, *request.more], folder, **given)


def _model(
    request: ProjectRequest, several: SeveralLatents, embedding: Embedding
) -> EmbeddingModel:
    own = {field.name for field in fields(PROJECTIONS.get(embedding.method))}
    # As it was fitted: neighbors may have been lowered to what the rows allow.
    parameters = {**as_plain(request), **embedding.parameters}
    return EmbeddingModel(
        method=embedding.method,
        parameters={name: value for name, value in parameters.items() if name in own},
        engine=embedding.engine,
        encoder=several.encoder,
        dims=tuple(several.latents.dims.tolist()),
        sources=several.names,
        fitted=embedding.fitted,
    )


def _refuse_contradiction(request: ProjectRequest) -> None:
    """Refuse options of a new embedding: the one that is there has its own."""
    kept = {"latents", "more", "into", "roi", "rows", "coords", "reader"}
    given = [
        f"⟨{field.name}⟩"
        for field in fields(request)
        if field.name not in kept
        and field.default is not MISSING
        and getattr(request, field.name) != field.default
    ]
    if given:
        message = (
            f"{' and '.join(given)} say how to make a new embedding, but ⟨into⟩ names one that is "
            "there. Leave them out, or ⟨into⟩."
        )
        raise RequestError(message)


def _placed(
    model: EmbeddingModel, latents: LatentSet, progress: Progress
) -> tuple[Projection, Embedding]:
    encoded = latents.encoded
    projection, found = placed_in(model, latents.values[encoded], progress)
    coordinates = np.full((len(latents), found.shape[1]), np.nan, np.float32)
    coordinates[encoded] = found
    embedding = Embedding(
        coordinates=coordinates,
        sample_ids=latents.sample_ids,
        method=model.method,
        parameters={**model.parameters, "n_used": int(encoded.sum())},
        engine=model.engine or f"numpy {np.__version__}",
    )
    return projection, embedding


def _draw(
    request: ProjectRequest, several: SeveralLatents, embedding: Embedding, model: EmbeddingModel,
    folder: RunFolder,
) -> None:  # fmt: skip
    from latentcore.figures.embedding import embedding_figure, over_reference

    if request.into is not None and "places" in model.fitted:
        figure = over_reference(embedding, model.fitted["places"])
    elif request.more:
        labels, names = several.codes, dict(enumerate(several.names))
        figure = embedding_figure(embedding, labels=labels, names=names, label="source")
    else:
        figure = embedding_figure(embedding)
    folder.write_figure("embedding.png", figure)


def _projection(request: ProjectRequest) -> Projection:
    own = {field.name for field in fields(request) if option_of(field).methods}
    asked = dict(as_plain(request))
    if request.more and request.fit_partition is None:
        asked["fit_partition"] = EACH
    return make_projection(request.method, asked, own)


def _report(
    request: ProjectRequest, projection: Projection, latents: LatentSet, embedding: Embedding
) -> dict[str, Any]:
    from latentcore.analysis.collapse import active_units, has_prior, units_of_spreads
    from latentcore.analysis.embedding_quality import neighbour_preservation, trustworthiness

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
