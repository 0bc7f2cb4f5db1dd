"""Write ``features.pt``, for those who go on in PyTorch.

The layout is described by its reader, `latentcore.readers.latents.torch_features`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.containers import LatentSet


def write_features(
    path: Path, latents: LatentSet, meta: Mapping[str, object], *, shape: tuple[int, ...] = ()
) -> None:
    """Write the latents of the encoded samples.

    Parameters
    ----------
    latents : LatentSet
        Rows without a latent are left out; ``paths`` names those that are there.
    meta : Mapping
        How they were made, JSON-like.
    shape : tuple of int
        (C, …) of a latent that is a whole feature map: ``latents`` holds them in this shape.
    """
    import torch

    kept = latents.take(np.flatnonzero(latents.encoded))
    features = torch.from_numpy(np.ascontiguousarray(kept.values))
    # Both names are in use; in the file they share their numbers.
    content: dict[str, object] = {"features": features, "X": features}
    if shape:
        content["latents"] = features.view(-1, *shape)
    if kept.labels is not None:
        content["y"] = torch.from_numpy(kept.labels.astype(np.int64))
    content["paths"] = kept.sample_ids.tolist()
    if kept.partition is not None:
        content["split"] = kept.partition.each.tolist()
    content["meta"] = from_json(to_json(dict(meta)))
    torch.save(content, path)
