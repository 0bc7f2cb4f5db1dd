"""Maps computed on a page and kept as maps of the scan in view: domains, regions, classes.

They are files in the workspace like any other input, so that Explore colors by them, Rank ranks
against them, Probe takes them as labels, and a reload or a link finds them again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from pages.access import places
from pages.access.uploads import store_upload
from pages.scan import state


def keep_as_maps(
    name: str, where: ScanGrid | NDArray[np.str_], columns: Mapping[str, NDArray[Any]]
) -> str:
    """Write maps as a file of the workspace, and put it in view beside the maps that are there.

    A file of the same name that was kept before leaves the view; as a file it stays, for the links
    that name it. Raises `InputError` if the disk or the share for uploads is full; nothing changes
    then.

    Parameters
    ----------
    name : str
        What the file is called, without a suffix.
    where : ScanGrid or ndarray of str, shape (n,)
        Where the n points are; or which samples they are, by their ids, if they lie on no grid.
    columns : Mapping of str to ndarray, shape (n,)
        By the name of the map: numbers (NaN where a point has no value), or text, where None is no
        value. Whole numbers in a map whose name says domain, region, cluster, grain, phase or label
        are labels.

    Returns
    -------
    str
        The place of the file.
    """
    file = _Upload(_as_parquet(where, columns))
    file.name = f"{name}.parquet"
    place = store_upload(file)
    scan = state.current()
    others = [one for one in scan.maps if not _is_kept(one, places.label(place))]
    state.choose(maps=(*others, place))
    return place


class _Upload(io.BytesIO):
    name: str


def _as_parquet(where: ScanGrid | NDArray[np.str_], columns: Mapping[str, NDArray[Any]]) -> bytes:
    keys: dict[str, NDArray[Any]] = (
        {"x": where.x, "y": where.y} if isinstance(where, ScanGrid) else {"sample_id": where}
    )
    written = io.BytesIO()
    pd.DataFrame({**keys, **columns}).to_parquet(written, index=False)
    return written.getvalue()


def _is_kept(place: str, name: str) -> bool:
    return place.startswith("upload:") and places.label(place) == name


def without_labels(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return labels as a map has them: NaN in place of −1, where a point has none."""
    return np.where(labels < 0, np.float32(np.nan), labels.astype(np.float32))
