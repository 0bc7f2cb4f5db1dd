"""From a feature map to one vector per sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentcore.errors import RequestError

if TYPE_CHECKING:
    import torch

POOLINGS = ("mean", "max", "mean_hw_keep_t", "flatten")


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
        ``"mean"``, ``"max"``; ``"mean_hw_keep_t"``, the mean of each time of a clip; or
        ``"flatten"``, which keeps every value. Where times or places are kept, channels are
        slowest.

    Returns
    -------
    Tensor of float32, shape (b, C), (b, C·T) for ``"mean_hw_keep_t"``, or (b, C·T·h·w) for
    ``"flatten"``
    """
    features = features.float()
    if features.ndim == 2 or method == "flatten":
        return features.flatten(1)
    if method == "mean_hw_keep_t" and features.ndim == 5:
        return features.mean(dim=(-2, -1)).flatten(1)
    places = features.flatten(2)
    return places.amax(dim=2) if method == "max" else places.mean(dim=2)


def pooled_dim(feature_shape: tuple[int, ...], method: str) -> int:
    """Return d, the number of values that `pooled` makes of features of a shape (C, …)."""
    if method == "flatten":
        return math.prod(feature_shape)
    times = feature_shape[1] if method == "mean_hw_keep_t" and len(feature_shape) == 4 else 1
    return feature_shape[0] * times
