"""Principal components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.principal_components import pca, place_by_axes
from latentcore.analysis.projections import PROJECTIONS
from latentcore.containers import Embedding, LatentSet
from latentcore.progress import Progress


@PROJECTIONS.register("pca")
@dataclass(frozen=True)
class PcaProjection:
    """The first principal components; see `latentcore.analysis.principal_components.pca`."""

    note: ClassVar[str] = ""
    metric: ClassVar[str] = "euclidean"

    components: int = 2

    def embed(self, latents: LatentSet, progress: Progress) -> Embedding:
        """Project latents on their first principal axes."""
        return pca(latents, components=self.components, progress=progress)

    @property
    def engine(self) -> str:
        """Empty: axes are axes, whichever version found them."""
        return ""

    def place(
        self,
        values: NDArray[np.float32],
        fitted: Mapping[str, NDArray[np.floating]],
        progress: Progress,
    ) -> NDArray[np.float32]:
        """Project new latents on the same axes."""
        progress.step(0, 1, "PCA: placing rows")
        return place_by_axes(values, fitted)
