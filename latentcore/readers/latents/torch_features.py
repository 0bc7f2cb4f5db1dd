"""Features as ``torch.save`` writes them: ``features.pt``.

A dictionary of ``features`` or ``X`` (n, d), or (n, C, …) which is pooled by its mean over all
but the channels, and beside it, where they are known: ``y`` (n,), the class or measured value of
each; ``paths``, the n files they were made of; ``split``, the partition of each; ``meta``, a
dictionary of how they were made, which is not carried on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, SourceRef, default_sample_ids, partitions_of
from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._coords import fingerprint_with_coords, grid_from_coords
from latentcore.readers._features import labels_and_targets
from latentcore.readers._peek import Peek
from latentcore.readers.torch_files import load_torch, pickled_text
from latentcore.storage import local_path

_VALUES = ("features", "X")
_BESIDE = ("y", "paths", "split", "meta")


@register_reader(LATENTS_READERS, "torch-features")
class TorchFeatures:
    """Reader of files of features."""

    description = "Features written by torch.save: 'features' or 'X' with y, paths, split, meta."
    wants = "a torch.save dictionary with 'features' or 'X', and 'y', 'paths', 'split' or 'meta'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is such a dictionary, from its keys."""
        if not peek.head.startswith(b"PK"):
            return False
        words = pickled_text(peek.path)
        return not words.isdisjoint(_VALUES) and not words.isdisjoint(_BESIDE)

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the features."""
        path = local_path(ref.location)
        content = load_torch(path)
        if not isinstance(content, Mapping) or not any(key in content for key in _VALUES):
            found = ", ".join(map(repr, list(content)[:8])) if isinstance(content, Mapping) else ""
            message = (
                f"{path.name!r} holds {f'the keys {found}' if found else type(content).__name__}, "
                "where a dictionary with 'features' or 'X' was expected."
            )
            raise MalformedFileError(message)
        values = _features(path.name, content)
        n, d = values.shape
        labels, targets = labels_and_targets(path.name, _array(path.name, content, "y"), n)
        ids = _texts(path.name, content, "paths", n)
        return LatentSet(
            values=values,
            sample_ids=default_sample_ids(n) if ids is None else ids,
            dims=np.arange(d, dtype=np.int32),
            grid=grid_from_coords(n, ref),
            partition=partitions_of(_texts(path.name, content, "split", n)),
            labels=labels,
            targets=targets,
            ref=ref,
            fingerprint=fingerprint_with_coords(path, ref),
        )


def _features(name: str, content: Mapping[str, Any]) -> NDArray[np.float32]:
    key = next(key for key in _VALUES if key in content)
    array = _array(name, content, key)
    if array is None or array.dtype.kind not in "iuf" or array.ndim < 2 or 0 in array.shape:
        found = type(content[key]).__name__ if array is None else f"{array.dtype} {array.shape}"
        message = f"{key!r} of {name!r} is {found}; latents are numbers of shape (n, d)."
        raise MalformedFileError(message)
    if array.ndim > 2:
        array = array.reshape(*array.shape[:2], -1).mean(axis=2, dtype=np.float64)
    return array.astype(np.float32)


def _array(name: str, content: Mapping[str, Any], key: str) -> NDArray[np.generic] | None:
    """Return a tensor, or a list of numbers, as an array; None where there is none."""
    import torch

    value = content.get(key)
    if not isinstance(value, torch.Tensor):
        return None if value is None else np.asarray(value)
    if value.layout is not torch.strided or (
        value.numel() * value.element_size() > value.untyped_storage().nbytes()
    ):
        message = (
            f"{key!r} of {name!r}, of shape {tuple(value.shape)}, claims more values than the file "
            "holds, so it is refused. Save it again with torch.save."
        )
        raise UnsafeFileError(message)
    plain = value.detach()
    if plain.dtype in (torch.bfloat16, torch.float16):
        plain = plain.float()
    return cast("NDArray[np.generic]", plain.numpy())


def _texts(name: str, content: Mapping[str, Any], key: str, n: int) -> NDArray[np.str_] | None:
    value = content.get(key)
    if value is None or (isinstance(value, Sequence) and len(value) == 0):
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != n:
        found = f"{len(value)} entries" if isinstance(value, Sequence) else type(value).__name__
        message = f"{key!r} of {name!r} is {found}; a list of {n} is needed, one of each sample."
        raise MalformedFileError(message)
    return np.array([str(entry) for entry in value])
