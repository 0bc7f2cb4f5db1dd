"""UMAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.projections import PROJECTIONS
from latentcore.analysis.umap_embedding import place_by_umap, umap, umap_version
from latentcore.containers import Embedding, LatentSet
from latentcore.progress import Progress


@PROJECTIONS.register("umap")
@dataclass(frozen=True)
class UmapProjection:
    """UMAP of the latents; see `latentcore.analysis.umap_embedding.umap`."""

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

    @property
    def engine(self) -> str:
        """Name and version of the library."""
        return umap_version()

    def place(
        self,
        values: NDArray[np.float32],
        fitted: Mapping[str, NDArray[np.floating]],
        progress: Progress,
    ) -> NDArray[np.float32]:
        """Place new latents among the landmarks; see `place_by_umap`."""
        return place_by_umap(
            values, fitted, neighbors=self.neighbors, min_dist=self.min_dist, metric=self.metric,
            seed=self.seed, progress=progress,
        )  # fmt: skip
