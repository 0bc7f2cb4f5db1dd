"""From a feature map to one vector per sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentcore.errors import RequestError

if TYPE_CHECKING:
    import torch

POOLINGS = ("mean", "max", "mean_hw_keep_t", "max_hw_keep_t", "flatten")
_KEEPS_TIMES = "_hw_keep_t"


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
        ``"mean"``, ``"max"``; ``"mean_hw_keep_t"`` or ``"max_hw_keep_t"``, those of each time of a
        clip; or ``"flatten"``, which keeps every value. Where times or places are kept, channels
        are slowest.

    Returns
    -------
    Tensor of float32, shape (b, C), (b, C·T) where times are kept, or (b, C·T·h·w) for
    ``"flatten"``
    """
    features = features.float()
    if features.ndim == 2 or method == "flatten":
        return features.flatten(1)
    by_time = method.endswith(_KEEPS_TIMES) and features.ndim == 5
    places = features.flatten(3 if by_time else 2)
    values = places.amax(dim=-1) if method.startswith("max") else places.mean(dim=-1)
    return values.flatten(1)


def pooled_dim(feature_shape: tuple[int, ...], method: str) -> int:
    """Return d, the number of values that `pooled` makes of features of a shape (C, …)."""
    if method == "flatten":
        return math.prod(feature_shape)
    by_time = method.endswith(_KEEPS_TIMES) and len(feature_shape) == 4
    times = feature_shape[1] if by_time else 1
    return feature_shape[0] * times
