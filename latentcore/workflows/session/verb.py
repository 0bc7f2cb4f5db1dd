"""``session``: everything that an Explore page shows, as files, and a report that re-opens it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from latentcore.analysis.exploration import describe_view, in_all_rows
from latentcore.artifacts import RunFolder
from latentcore.artifacts.region_files import plain_regions
from latentcore.containers import software_versions
from latentcore.inputs.latents import in_view, read_field
from latentcore.inputs.regions import read_regions
from latentcore.outputs.cluster_snippet import given_parameters
from latentcore.outputs.clustered_points import cluster_points, numbered_as_scan, read_cluster_maps
from latentcore.outputs.clusters import write_clusters
from latentcore.outputs.latent_maps import check_colors, write_latent_maps
from latentcore.progress import Progress
from latentcore.requests.clustering import check_cluster_request, clusterer_of
from latentcore.requests.verbs import verb
from latentcore.workflows.session.distributions import distributions_report
from latentcore.workflows.session.embedding import (
    drawn_embedding,
    embedding_record,
    placed_among,
    write_embedding,
)
from latentcore.workflows.session.inputs import (
    label_panels_of,
    map_specs,
    read_embeddings,
    read_json,
    read_labels,
    read_maps,
    read_selections,
    region_panels_of,
)
from latentcore.workflows.session.report import findings_report, selection_table
from latentcore.workflows.session.request import SessionRequest, shown_dimension
from latentcore.workflows.session.snippet import session_snippet

__all__ = ["REPORT", "SessionRequest", "run"]

REPORT = "session_report.json"


@verb("session", "Write an Explore page's figures, tables and report.", SessionRequest)
def run(request: SessionRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Write an Explore page's figures, tables and report.

    Writes what ``cluster`` and ``map`` write, ``embedding.csv`` and ``.png``, ``selection.csv``
    where something is selected, ``session_report.json`` and ``session_again.py``, which computes
    the report's numbers again.

    Returns
    -------
    dict
        What the report holds.
    """
    selections = read_selections(request.selection)
    view = None if request.view is None else read_json(request.view, "view")
    clusterer = clusterer_of(request)
    check_cluster_request(request)
    dim = shown_dimension(request)
    check_colors(request.cmap, request.limits)
    progress.step(0, 4, "clustering")
    latents = read_field(request.latents, folder, coords=request.coords, reader=request.reader)
    rows = None if request.rows is None else in_view(latents, None, request.rows, folder)
    inside = in_view(latents, request.roi, request.rows)
    in_roi = latents if inside.all() else latents.take(inside)
    clustered = read_cluster_maps(request, latents, folder)
    points = cluster_points(request, clusterer, in_roi, clustered)
    if request.numbers == "scan":
        points = numbered_as_scan(points, request, latents, clustered, inside)
    clusters = write_clusters(folder, request, points)
    progress.step(1, 4, "drawing")
    if latents.grid is not None:
        write_latent_maps(folder, in_roi, (dim,), cmap=request.cmap, limits=request.limits,
                          missing=request.missing_color)  # fmt: skip
    specs, references = map_specs(request, points.sources, latents, folder)
    maps = read_maps(specs, latents)
    embeddings = read_embeddings(request.embedding, latents, rows)
    embedding = drawn_embedding(request, embeddings, latents, folder)
    regions = None if request.regions is None else read_regions(request.regions, folder)
    progress.step(2, 4, "describing")
    found = describe_view(
        latents,
        maps,
        dim=dim,
        inside=inside,
        clustering=in_all_rows(points.clustering, inside),
        selections=selections,
        embeddings={
            **embeddings.panels,
            **region_panels_of(regions, selections, latents),
            **label_panels_of(request.labels or (), regions, selections, latents),
        },
    )
    progress.step(3, 4, "writing")
    if embedding is not None:
        under = placed_among(request, embeddings, folder)
        write_embedding(request, folder, latents, embedding, found, regions, under)
    if any(mask.any() for mask in found.masks.values()):
        labels = read_labels(request, folder, latents)
        table = selection_table(latents, maps, labels, dim, found)
        folder.write_csv("selection.csv", table)
    report = {
        **findings_report(latents, found, clusters, selections),
        "inputs": folder.inputs,
        "seed": request.seed,
        "versions": software_versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "embedding": embedding_record(request, embedding, embeddings),
        "maps": specs,
        "distributions": distributions_report(request, latents, maps, regions, found),
        "regions": None if regions is None else plain_regions(regions),
        "view": view,
    }
    folder.write_json(REPORT, report)
    script = session_snippet(
        request, report, maps=specs, references=references, points=points,
        parameters=given_parameters(clusterer),
    )  # fmt: skip
    folder.write_bytes("session_again.py", script.encode())
    progress.step(4, 4, "writing")
    return report
