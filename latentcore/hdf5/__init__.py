"""HDF5 files of strangers: the one door by which they are opened, and their values."""

from __future__ import annotations

from latentcore.hdf5.door import open_checked, open_checked_stream, open_hdf5
from latentcore.hdf5.files import DAMAGE
from latentcore.hdf5.values import (
    attribute_value,
    dataset,
    follow,
    load,
    text,
    text_attribute,
)

__all__ = [
    "DAMAGE",
    "attribute_value",
    "dataset",
    "follow",
    "load",
    "open_checked",
    "open_checked_stream",
    "open_hdf5",
    "text",
    "text_attribute",
]
