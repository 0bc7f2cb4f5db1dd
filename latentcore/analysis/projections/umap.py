"""UMAP."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

from latentcore.analysis.projection import umap
from latentcore.analysis.projections import PROJECTIONS
from latentcore.containers import Embedding, LatentSet
from latentcore.progress import Progress


@PROJECTIONS.register("umap")
@dataclass(frozen=True)
class UmapProjection:
    """UMAP of the latents; see `latentcore.analysis.projection.umap`."""

    note: ClassVar[str] = (
        "Points that are near in latent space lie near in a UMAP; distances between its groups, "
        "their sizes and densities mean little."
    )

    components: int = 2
    neighbors: int = 15
    min_dist: float = 0.1
    metric: str = "euclidean"
    fit_on: int | None = None
    fit_partition: str | None = None
    fit_roi: tuple[float, ...] | None = None
    whiten: bool = False
    seed: int = 0

    def embed(self, latents: LatentSet, progress: Progress) -> Embedding:
        """Learn an embedding and place all latents in it."""
        return umap(latents, **asdict(self), progress=progress)
