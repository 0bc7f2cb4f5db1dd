"""Featurized data: samples of different lengths pooled to one length, and what belongs to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import (
    InputRecord,
    LatentSet,
    Provenance,
    SourceRef,
    default_sample_ids,
    partitions_of,
)
from latentcore.errors import MalformedFileError, RequestError
from latentcore.storage import content_fingerprint, local_path

POOLINGS = ("mean", "max", "sum")


def pooling_of(options: Mapping[str, object]) -> str:
    """Return the pooling among a reader's options; the mean where none is named."""
    method = options.get("pooling") or "mean"
    if method not in POOLINGS:
        message = f"There is no pooling {method!r} of rows. There are: {', '.join(POOLINGS)}."
        raise RequestError(message)
    return str(method)


def pool_segments(
    rows: NDArray[np.float64], lengths: NDArray[np.int64], method: str
) -> NDArray[np.float64]:
    """Pool rows that belong to samples of different lengths.

    Parameters
    ----------
    rows : ndarray of float64, shape (Σ lengths, w)
        Those of the first sample, then those of the second, …
    lengths : ndarray of int64, shape (n,)
    method : str
        ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    ndarray of float64, shape (n, w)
        NaN where a sample has no rows.
    """
    pooled = np.full((len(lengths), rows.shape[1]), np.nan)
    filled = np.flatnonzero(lengths)
    if len(filled) == 0:
        return pooled
    starts = (np.cumsum(lengths) - lengths)[filled]
    operation = np.maximum if method == "max" else np.add
    pooled[filled] = operation.reduceat(rows, starts, axis=0)
    if method == "mean":
        pooled[filled] /= lengths[filled, None]
    return pooled


def feature_latents(
    ref: SourceRef,
    values: NDArray[np.float32],
    y: NDArray[np.generic] | None,
    *,
    pooling: str | None,
    partition: NDArray[np.str_] | None = None,
) -> LatentSet:
    """Return featurized data as latents.

    Parameters
    ----------
    values : ndarray of float32, shape (n, d)
    y : ndarray or None
        See `labels_and_targets`.
    pooling : str or None
        How samples were pooled to one length: it is part of what they are.
    """
    path = local_path(ref.location)
    labels, targets = labels_and_targets(path.name, y, len(values))
    fingerprint = content_fingerprint(path)
    made: dict[str, object] = {} if pooling is None else {"pooling": pooling}
    return LatentSet(
        values=values,
        sample_ids=default_sample_ids(len(values)),
        dims=np.arange(values.shape[1], dtype=np.int32),
        partition=partitions_of(partition),
        labels=labels,
        targets=targets,
        ref=replace(ref, options={**ref.options, **made}),
        fingerprint=fingerprint if pooling is None else f"{fingerprint}:{pooling}",
        provenance=Provenance(
            verb=ref.reader,
            request=made,
            inputs=(InputRecord(ref.location, ref.reader, fingerprint, "latents"),),
        ),
    )


def labels_and_targets(
    name: str, y: NDArray[np.generic] | None, n: int
) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None]:
    """Tell whether ``y`` holds classes (whole numbers of one column) or measured values.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    y : ndarray or None, shape (n,), (n, 1) or (n, k)

    Returns
    -------
    labels : ndarray of int32, shape (n,), or None
    targets : ndarray of float64, shape (n,) or (n, k), or None
    """
    if y is None:
        return None, None
    if y.ndim not in (1, 2) or len(y) != n or y.dtype.kind not in "buif":
        message = (
            f"'y' of {name!r} is {y.dtype} of shape {y.shape}; numbers of shape ({n},) or "
            f"({n}, k) are needed, one row for each sample."
        )
        raise MalformedFileError(message)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    whole = y.dtype.kind in "bui" and y.ndim == 1
    limits = np.iinfo(np.int32)
    if whole and (len(y) == 0 or (limits.min <= int(y.min()) and int(y.max()) <= limits.max)):
        return y.astype(np.int32), None
    return None, y.astype(np.float64)
