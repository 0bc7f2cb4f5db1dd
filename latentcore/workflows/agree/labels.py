"""The reference of ``agree``, as it is read from a ``MAP`` or ``LABELS`` argument."""

from __future__ import annotations

from pathlib import Path

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, SampleTable, ScanMaps, quantities
from latentcore.errors import RequestError
from latentcore.inputs.labels import LabelMap, labels_of, read_labels, table_of
from latentcore.inputs.maps import chosen_maps
from latentcore.inputs.sample_tables import read_columns
from latentcore.requests.map_specs import split_map_spec


def read_reference(
    spec: str, latents: LatentSet, folder: RunFolder
) -> LabelMap | ScanMaps | SampleTable:
    """Read what latents are held against: a label column, or feature columns to be clustered.

    A file without named columns means its features, or its one label column where it has no
    features. Of latents without a grid it is a table of their samples.
    """
    if Path(spec).is_dir() and latents.grid is not None:
        return read_labels(spec, folder)
    maps = read_columns(table_of(spec), latents, folder)
    labels = [name for name in maps.names if name in maps.categories]
    features = quantities(maps)
    if features and not (labels and split_map_spec(spec)[1]):
        return chosen_maps(maps, features)
    if len(labels) == len(maps.names) == 1:
        return labels_of(maps) if isinstance(maps, ScanMaps) else maps
    what = "labels and numbers together" if features else f"{len(labels)} columns of labels"
    message = (
        f"{spec!r} means {what}: {', '.join(maps.names)}. Name one column of labels, or columns "
        f"of numbers only, as {split_map_spec(spec)[0]}:COLUMN[,COLUMN…]."
    )
    raise RequestError(message)
