"""Principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from latentcore.analysis.projection import pca
from latentcore.analysis.projections import PROJECTIONS
from latentcore.containers import Embedding, LatentSet
from latentcore.progress import Progress


@PROJECTIONS.register("pca")
@dataclass(frozen=True)
class PcaProjection:
    """The first principal components; see `latentcore.analysis.projection.pca`."""

    note: ClassVar[str] = ""
    metric: ClassVar[str] = "euclidean"

    components: int = 2

    def embed(self, latents: LatentSet, progress: Progress) -> Embedding:
        """Project latents on their first principal axes."""
        return pca(latents, components=self.components, progress=progress)
