"""From a feature map to one vector per sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentcore.errors import RequestError

if TYPE_CHECKING:
    import torch

POOLINGS = ("mean", "max", "flatten")


def check_pooling(method: str) -> str:
    """Return the name of a pooling.

    Raises
    ------
    RequestError
        If there is none of that name.
    """
    if method not in POOLINGS:
        message = f"There is no pooling {method!r}. There are: {', '.join(POOLINGS)}."
        raise RequestError(message)
    return method


def pooled(features: torch.Tensor, method: str) -> torch.Tensor:
    """Pool a feature map over all but its channels.

    Parameters
    ----------
    features : Tensor, shape (b, C, h, w), (b, C, T, h, w) or (b, d)
        Vectors already stay as they are.
    method : str
        ``"mean"``, ``"max"``, or ``"flatten"``, which keeps every value, channels slowest.

    Returns
    -------
    Tensor of float32, shape (b, C), or (b, C·T·h·w) for ``"flatten"``
    """
    features = features.float()
    if features.ndim == 2 or method == "flatten":
        return features.flatten(1)
    places = features.flatten(2)
    return places.mean(dim=2) if method == "mean" else places.amax(dim=2)


def pooled_dim(feature_shape: tuple[int, ...], method: str) -> int:
    """Return d, the number of values that `pooled` makes of features of a shape (C, …)."""
    return math.prod(feature_shape) if method == "flatten" else feature_shape[0]
