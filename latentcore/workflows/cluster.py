"""``cluster``: clusters of (latent, band contrast), and what they are made of."""

from __future__ import annotations

from typing import Any

from latentcore.artifacts import RunFolder
from latentcore.inputs.latents import read_latents
from latentcore.inputs.maps import read_one_map
from latentcore.outputs.clusters import check_request, cluster_points, write_clusters
from latentcore.progress import Progress
from latentcore.requests.clustering import ClusterRequest, clusterer_of
from latentcore.requests.verbs import verb

__all__ = ["ClusterRequest", "run"]


@verb("cluster", "Cluster (latent, band contrast).", ClusterRequest)
def run(request: ClusterRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Cluster (latent, band contrast).

    Writes what `latentcore.outputs.clusters.write_clusters` writes.

    Returns
    -------
    dict
        What the report holds.
    """
    clusterer = clusterer_of(request)
    check_request(request)
    progress.step(0, 1, "reading latents and map")
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        dims=(request.dim,),
    )  # fmt: skip
    maps = read_one_map(request.map, folder)
    points = cluster_points(request, clusterer, latents, maps, progress)
    return write_clusters(folder, request, points)
