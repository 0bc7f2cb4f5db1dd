"""What ``session`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.errors import RequestError
from latentcore.figures.colors import COLORMAPS
from latentcore.requests.clustering import ClusterRequest
from latentcore.requests.verbs import option

COLORINGS = "cluster, latent, latent=DIM, region, similarity, map=MAP, orientation=MAP"


@dataclass(frozen=True)
class SessionRequest(ClusterRequest):
    """What an Explore page shows: clusters, embedding, ROI, selections, maps."""

    also: tuple[str, ...] | None = option(
        None,
        help="maps to be described as well: MAP, or NAME=MAP to call it otherwise",
        nargs="+",
        kind="map",
    )
    labels: tuple[str, ...] | None = option(
        None,
        help="maps of labels (phases, grains) for selection.csv: MAP, or NAME=MAP",
        nargs="+",
        kind="map",
    )
    embedding: str | None = option(
        None, help="embedding.parquet of 'project'; 2-D PCA if not given", kind="file"
    )
    draw_pca: bool = option(
        False, help="draw the PCA although strokes were drawn in the embedding that is given"
    )
    color: str = option("cluster", help=f"what colors embedding.png: {COLORINGS}")
    color_cmap: str = option(
        "viridis", help="color map of embedding.png, unless it is colored by latent", metavar="NAME"
    )
    color_limits: tuple[float, ...] | None = option(
        None, help="color limits of embedding.png, unless it is colored by latent", nargs=2,
        convert=float, metavar=("LO", "HI"),
    )  # fmt: skip
    numbers: str = option(
        "own",
        help="scan: clusters have the numbers of those of the whole scan that they share most "
        "points with; own: as the method numbers them in the ROI",
        choices=("own", "scan"),
    )
    pinned: int | None = option(
        None, help="row of the sample that similarity is measured to", convert=int, metavar="ROW"
    )
    selection: str | None = option(
        None,
        help="brush strokes as JSON, or a file of it: "
        '{"A": [{"panel": "map", "kind": "box", "points": [[x, y], [x, y]], "mode": "replace"}]}',
        kind="state",
    )
    regions: str | None = option(
        None,
        help="regions of the scan as JSON: for the report, selections of them, and the color of "
        "their points in embedding.png",
        kind="file",
    )
    distributions: str | None = option(
        None,
        help="quantities in groups for the report, as JSON: [[dimension or map, groups], ...]; "
        "groups are @clusters, @regions, @selections or one of the labels",
        kind="state",
    )
    active: str = option(
        "A", help="the selection that stands out in embedding.png", choices=("A", "B")
    )
    cmap: str = option(
        "viridis", help=f"color map of the latent: {', '.join(COLORMAPS)}", metavar="NAME"
    )
    limits: tuple[float, ...] | None = option(
        None, help="color limits of the latent", nargs=2, convert=float, metavar=("LO", "HI")
    )
    view: str | None = option(
        None, help="what a page wants to find again in the report, as JSON", kind="state"
    )


def shown_dimension(request: SessionRequest) -> int:
    """Return the latent dimension in view, whatever is clustered.

    Raises
    ------
    RequestError
        If there is none.
    """
    if request.dim is None:
        message = "A session shows one latent dimension: give ⟨dim⟩, also beside ⟨dims⟩."
        raise RequestError(message)
    return request.dim
