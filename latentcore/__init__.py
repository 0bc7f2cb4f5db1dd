"""Look into latent spaces: samples become latents, latents become results.

Examples
--------
>>> import latentcore as lc
>>> with lc.open_samples("demo/demo.h5") as samples:  # doctest: +SKIP
...     patterns = samples.read(slice(0, 16))
>>> latents = lc.open_latents("latents/demo_latents.h5")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from latentcore.version import __version__ as __version__

# OpenMP's threads wait asleep. By default they spin, and where other work wants the same cores
# each short parallel loop then lasts a slice of the scheduler's time: boosted trees of 300 samples
# took 56 s on two busy cores, and 0.5 s so. The libraries read this once, when they are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from latentcore.analysis.clustering import FeatureChoice, cluster
    from latentcore.analysis.exploration import explore
    from latentcore.analysis.principal_components import pca
    from latentcore.analysis.ranking import rank
    from latentcore.analysis.selection import Shape, select
    from latentcore.analysis.statistics import compare, describe
    from latentcore.analysis.umap_embedding import umap
    from latentcore.containers import Clustering, Embedding, LatentSet, Roi, ScanGrid, ScanMaps
    from latentcore.datasets import FeatureDataset, LatentDataset, MeasurementDataset, SampleDataset
    from latentcore.encoders import open_checkpoint
    from latentcore.errors import Cancelled, InputError, LatentError
    from latentcore.preparation import Preparation
    from latentcore.progress import Progress
    from latentcore.readers import open_latents, open_maps, open_samples, open_table, recognize
    from latentcore.workflows import execute

# Where each public name lives. They are looked up when first used, so that the import itself
# stays far below a second: no torch, scikit-learn or h5py.
_HOMES = {
    "Cancelled": "errors",
    "Clustering": "containers",
    "Embedding": "containers",
    "FeatureChoice": "analysis.clustering",
    "FeatureDataset": "datasets",
    "InputError": "errors",
    "LatentDataset": "datasets",
    "LatentError": "errors",
    "LatentSet": "containers",
    "MeasurementDataset": "datasets",
    "Preparation": "preparation",
    "Progress": "progress",
    "Roi": "containers",
    "SampleDataset": "datasets",
    "ScanGrid": "containers",
    "ScanMaps": "containers",
    "Shape": "analysis.selection",
    "cluster": "analysis.clustering",
    "compare": "analysis.statistics",
    "describe": "analysis.statistics",
    "execute": "workflows",
    "explore": "analysis.exploration",
    "open_checkpoint": "encoders",
    "open_latents": "readers",
    "open_maps": "readers",
    "open_samples": "readers",
    "open_table": "readers",
    "pca": "analysis.principal_components",
    "rank": "analysis.ranking",
    "recognize": "readers",
    "select": "analysis.selection",
    "umap": "analysis.umap_embedding",
}

__all__ = [
    "Cancelled",
    "Clustering",
    "Embedding",
    "FeatureChoice",
    "FeatureDataset",
    "InputError",
    "LatentDataset",
    "LatentError",
    "LatentSet",
    "MeasurementDataset",
    "Preparation",
    "Progress",
    "Roi",
    "SampleDataset",
    "ScanGrid",
    "ScanMaps",
    "Shape",
    "cluster",
    "compare",
    "describe",
    "execute",
    "explore",
    "open_checkpoint",
    "open_latents",
    "open_maps",
    "open_samples",
    "open_table",
    "pca",
    "rank",
    "recognize",
    "select",
    "umap",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return importlib.import_module("latentcore.datasets")
    if name not in _HOMES:
        message = f"module 'latentcore' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"latentcore.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
