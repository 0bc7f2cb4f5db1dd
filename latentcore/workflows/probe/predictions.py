"""What a classifier says of every sample, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.containers import LatentSet

_MOST_COLUMNS = 12


def predictions_table(
    latents: LatentSet,
    names: Sequence[str],
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    *,
    rows: NDArray[np.int64] | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return the prediction and its probability of every sample, in the latents' row order.

    Parameters
    ----------
    names : sequence of str
        Of the m classes.
    predicted : ndarray of int64, shape (n,)
        −1 without a latent.
    probabilities : ndarray of float64, shape (n, m)
    rows : ndarray of int64, shape (n,), optional
        Which rows of the file these are, where they are not all.
    before, after : Mapping, optional
        Columns to stand before the prediction and after its probability.
    """
    table: dict[str, Any] = {
        "row": np.arange(len(latents)) if rows is None else rows,
        "sample_id": latents.sample_ids,
    }
    if latents.grid is not None:
        table["x"], table["y"] = latents.grid.plain_coordinates()
    table |= {
        **(before or {}),
        "predicted": np.array([*names, ""], object)[predicted],  # −1 is the last
        "probability": probabilities.max(axis=1),
        **(after or {}),
    }
    if len(names) <= _MOST_COLUMNS:
        table |= {f"p_{name}": probabilities[:, number] for number, name in enumerate(names)}
    return pd.DataFrame(table)
