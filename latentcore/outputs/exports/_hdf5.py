"""Names and texts in HDF5 files."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

from latentcore.outputs.exports.scan import unused


def dataset_name(text: str, taken: Container[str] = ()) -> str:
    """Return a name that a dataset may have: a slash would make a group of it."""
    name = "".join(sign if sign.isprintable() else " " for sign in text).replace("/", "_").strip()
    return unused(name if name.strip(".") else "unnamed", taken)


def one_text(text: str) -> NDArray[np.bytes_]:
    """Return a text as the h5ebsd layouts have it: bytes of fixed length, of the shape (1,)."""
    return np.array([text.encode("ascii", "replace")])
