"""How samples of different shapes become a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from latentcore.errors import RequestError


class Item(NamedTuple):
    """A sample and what is known of it.

    Attributes
    ----------
    features : Tensor or tuple of Tensor
    y : Tensor
    """

    features: Any
    y: torch.Tensor


class Padded(NamedTuple):
    """Samples of different shapes in one tensor.

    Attributes
    ----------
    values : Tensor, shape (b, …)
        The largest on every axis; zeros beyond a sample.
    mask : Tensor of bool, the same shape
        Where a sample's own values are.
    """

    values: torch.Tensor
    mask: torch.Tensor


def padded(items: Sequence[Any]) -> Any:
    """Make a batch of samples that differ in size: ``DataLoader(…, collate_fn=padded)``.

    Parameters
    ----------
    items : sequence
        Tensors or tuples of tensors, or an `Item` of each with its y: what `FeatureDataset` gives.

    Returns
    -------
    Padded, or a tuple of one for each array of a sample; with y an `Item` of that and y
    """
    return _collated(items, _padded)


def as_lists(items: Sequence[Any]) -> Any:
    """Make a batch whose samples stay as they are, in a list: ``collate_fn=as_lists``.

    Returns
    -------
    list of Tensor, or a tuple of one for each array of a sample; with y an `Item` of that and y
    """
    return _collated(items, list)


def _collated(items: Sequence[Any], together: Any) -> Any:
    paired = all(isinstance(item, Item) for item in items)
    samples = [item.features for item in items] if paired else list(items)
    if isinstance(samples[0], tuple):
        made: Any = tuple(together(arrays) for arrays in zip(*samples, strict=True))
    else:
        made = together(samples)
    return Item(made, torch.stack([item.y for item in items])) if paired else made


def _padded(samples: Sequence[torch.Tensor]) -> Padded:
    if len({sample.ndim for sample in samples}) > 1:
        message = "Samples of different numbers of axes can't be padded. Use collate_fn=as_lists."
        raise RequestError(message)
    shape = [max(sides) for sides in zip(*(sample.shape for sample in samples), strict=True)]
    values = torch.zeros((len(samples), *shape), dtype=samples[0].dtype)
    mask = torch.zeros(values.shape, dtype=torch.bool)
    for place, sample in enumerate(samples):
        own = tuple(slice(side) for side in sample.shape)
        values[place][own], mask[place][own] = sample, True
    return Padded(values, mask)
