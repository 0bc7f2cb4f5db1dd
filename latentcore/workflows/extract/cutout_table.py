"""The table of what each cutout shows besides its pattern, beside its latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from latentcore.analysis.cutout_statistics import cutout_statistics, default_crop, dt_bins
from latentcore.artifacts import RunFolder
from latentcore.inputs.samples import ChosenSamples
from latentcore.progress import Progress


def write_cutout_table(
    folder: RunFolder, one: ChosenSamples, crop: int | None, progress: Progress
) -> dict[str, Any]:
    """Write ``<input stem>_cutouts.parquet``: a row for each sample that belongs to the result.

    Its columns are sample_id, partition and row therein (where there are partitions), DT, mean,
    sd, min and max in the samples' unit, and DT_bin.

    Parameters
    ----------
    crop : int or None
        Side of the central crop that ΔT is taken over, where the training names it. If it
        doesn't fit in the samples, or isn't known, it is 40 of 64 pixels, in proportion.

    Returns
    -------
    dict
        ``table``, the file's name; ``crop`` in pixels; ``percentiles``.
    """
    import pandas as pd

    height, width = one.source.sample_shape[-2:]
    if crop is None or not 2 <= crop <= min(height, width):
        crop = default_crop(height, width)
    rows = np.flatnonzero(one.member)
    columns: dict[str, Any] = {"sample_id": one.source.sample_ids[rows].astype(object)}
    partition = one.source.partition
    if partition is not None:
        columns["partition"] = partition[rows].astype(object)
        columns["row"] = _rows_within(partition)[rows]
    columns |= cutout_statistics(one.source, rows, crop=crop, progress=progress)
    bins, names = dt_bins(columns["DT"])
    columns["DT_bin"] = [names.get(int(number)) for number in bins]
    name = f"{Path(one.location).stem}_cutouts.parquet"
    pd.DataFrame(columns).to_parquet(folder.path(name), index=False)
    return {"table": name, "crop": crop, "percentiles": [10, 90]}


def _rows_within(partition: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rows = np.empty(len(partition), np.int64)
    for name in np.unique(partition):
        mine = np.flatnonzero(partition == name)
        rows[mine] = np.arange(len(mine))
    return rows
