"""Latents of some partitions of their file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet
from latentcore.errors import RequestError


def rows_in(latents: LatentSet, names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the rows of some partitions, ascending; None where all are meant.

    Raises
    ------
    RequestError
        If the file has no partitions, or none of a name.
    """
    if not names:
        return None
    known = [] if latents.partition is None else sorted(latents.partition.names)
    unknown = [name for name in names if name not in known]
    if unknown:
        there = f"It has: {', '.join(known)}." if known else "It has none at all."
        message = f"The latents have no partition {unknown[0]!r}. {there} Name one of these."
        raise RequestError(message if known else message.removesuffix(" Name one of these."))
    assert latents.partition is not None
    return np.flatnonzero(latents.partition.mask(names))
