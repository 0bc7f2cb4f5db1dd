"""``cluster``: clusters of latents and maps, and what they are made of."""

from __future__ import annotations

from typing import Any

from latentcore.artifacts import RunFolder
from latentcore.inputs.latents import read_latents
from latentcore.outputs.clustered_points import cluster_points, read_cluster_maps
from latentcore.outputs.clusters import write_clusters
from latentcore.progress import Progress
from latentcore.requests.clustering import (
    ClusterRequest,
    check_cluster_request,
    clusterer_of,
    needed_dims,
)
from latentcore.requests.verbs import verb

__all__ = ["ClusterRequest", "run"]


@verb("cluster", "Cluster (latent, band contrast), or any latents and maps.", ClusterRequest)
def run(request: ClusterRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Cluster (latent, band contrast), or any latents and maps.

    Writes what `latentcore.outputs.clusters.write_clusters` writes.

    Returns
    -------
    dict
        What the report holds.
    """
    clusterer = clusterer_of(request)
    check_cluster_request(request)
    progress.step(0, 1, "reading latents and maps")
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        dims=needed_dims(request), rows=request.rows,
    )  # fmt: skip
    maps = read_cluster_maps(request, latents, folder)
    points = cluster_points(request, clusterer, latents, maps, progress)
    return write_clusters(folder, request, points)
