"""Label maps and feature maps, as ``agree`` reads them from a ``MAP`` argument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import as_labels
from latentcore.artifacts import RunFolder
from latentcore.containers import ScanGrid, ScanMaps, quantities
from latentcore.errors import RequestError
from latentcore.inputs.maps import chosen_maps, read_map
from latentcore.requests.map_specs import split_map_spec


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label at each of n points.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        `latentcore.analysis.agreement.MISSING` where there is none.
    name : str
        Of the column.
    texts : dict of int to str
        What each label is called.
    """

    labels: NDArray[np.int32]
    name: str
    grid: ScanGrid
    texts: dict[int, str]

    def text(self, label: int) -> str:
        """Return what a label is called."""
        return self.texts.get(label, str(label))


def label_map(spec: str, folder: RunFolder) -> LabelMap:
    """Read the one label column that a ``MAP`` argument means."""
    maps = read_map(spec, folder)
    if not split_map_spec(spec)[1]:
        names = [name for name in maps.names if name in maps.categories]
        maps = chosen_maps(maps, names) if names else maps
    if len(maps) != 1:
        message = (
            f"One column of labels is needed, but {spec!r} holds {len(maps)}: "
            f"{', '.join(maps.names)}. Name one as {split_map_spec(spec)[0]}:COLUMN."
        )
        raise RequestError(message)
    return _labels_of(maps)


def read_reference(spec: str, folder: RunFolder) -> LabelMap | ScanMaps:
    """Read what latents are held against: a label column, or feature columns to be clustered.

    A file without named columns means its features, or its one label column where it has no
    features.
    """
    maps = read_map(spec, folder)
    labels = [name for name in maps.names if name in maps.categories]
    features = quantities(maps)
    if features and not (labels and split_map_spec(spec)[1]):
        return chosen_maps(maps, features)
    if len(labels) == len(maps) == 1:
        return _labels_of(maps)
    what = "labels and numbers together" if features else f"{len(labels)} columns of labels"
    message = (
        f"{spec!r} means {what}: {', '.join(maps.names)}. Name one column of labels, or columns "
        f"of numbers only, as {split_map_spec(spec)[0]}:COLUMN[,COLUMN…]."
    )
    raise RequestError(message)


def _labels_of(maps: ScanMaps) -> LabelMap:
    (name,) = maps.names
    return LabelMap(
        as_labels(maps.values[0], name), name, maps.grid, dict(maps.categories.get(name, {}))
    )
