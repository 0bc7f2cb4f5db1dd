"""Which rows of a file a request means: ``--rows``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.errors import RequestError, cause
from latentcore.storage import content_fingerprint, local_path


def rows_mask(
    location: str, parts: list[NDArray[np.int64]], n: int, folder: RunFolder | None = None
) -> NDArray[np.bool_]:
    """Read which of n rows are meant: row numbers, which count within each part, or a mask.

    Parameters
    ----------
    parts : list of ndarray of int64
        The rows of each partition, or all rows.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    RequestError
        If the file can't be read, or names rows that don't exist.
    """
    path = local_path(location)
    if folder is not None:
        folder.add_input(location, "rows", content_fingerprint(path), "rows")
    rows = _row_numbers(path)
    if rows.dtype == np.bool_ and rows.shape == (n,):
        return rows
    longest = max(map(len, parts))
    if rows.dtype == np.bool_ and rows.shape == (longest,) and len(parts) == 1:
        rows = np.flatnonzero(rows)
    if rows.dtype.kind not in "iu" or rows.ndim != 1 or len(rows) == 0:
        message = (
            f"⟨rows⟩ {path.name!r} holds {rows.dtype} of shape {rows.shape}; it needs whole "
            f"numbers of shape (m,), or a mask of shape ({n},)."
        )
        raise RequestError(message)
    outside = rows[(rows < 0) | (rows >= longest)]
    if len(outside):
        what = "the file" if len(parts) == 1 and longest == n else "the longest partition"
        message = (
            f"⟨rows⟩ {path.name!r} names row {int(outside[0])}, but {what} has rows 0 to "
            f"{longest - 1}."
        )
        raise RequestError(message)
    mask = np.zeros(n, np.bool_)
    numbers = rows.astype(np.int64)
    for part in parts:
        mask[part[numbers[numbers < len(part)]]] = True
    return mask


def _row_numbers(path: Path) -> NDArray[Any]:
    try:
        if path.suffix == ".npy":
            loaded: NDArray[Any] = np.load(path, allow_pickle=False)
            return loaded
        texts = path.read_text(encoding="utf-8").split()
        if texts and texts[0].isidentifier():
            texts = texts[1:]  # the name of a column
        return np.array([int(text) for text in texts], np.int64)
    except (OSError, ValueError, OverflowError, EOFError) as error:
        message = (
            f"⟨rows⟩ {path.name!r} can't be read: {cause(error)}. It must be an .npy of row "
            "numbers or of a mask, or text with one row number per line."
        )
        raise RequestError(message) from error
