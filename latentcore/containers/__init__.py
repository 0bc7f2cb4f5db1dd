"""What goes from room to room: frozen, checked, numpy only."""

from __future__ import annotations

from latentcore.containers.columns import Columns, holds_names, numeric, quantities, refuse_names
from latentcore.containers.grid import ScanGrid
from latentcore.containers.joining import match_rows, sample_rows
from latentcore.containers.latents import LatentSet, default_sample_ids, later_sample_ids
from latentcore.containers.lattice import Lattice, ShiftedRows
from latentcore.containers.lazy import is_pending, later, lazy_fields
from latentcore.containers.maps import CrystalSymmetry, ScanMaps, UnitCell
from latentcore.containers.partitions import Partitions, partitions_of
from latentcore.containers.provenance import InputRecord, Provenance, software_versions
from latentcore.containers.regions import Region, RegionSet
from latentcore.containers.results import (
    NO_VALUE,
    NOISE,
    OUTSIDE,
    Clustering,
    Embedding,
    Neighbors,
    Ranking,
    Sampling,
    cluster_name,
    label_counts,
)
from latentcore.containers.roi import Roi
from latentcore.containers.samples import (
    Resizable,
    SampleSource,
    Skipping,
    SourceRef,
    damage_of,
    damaged_among,
    notes_of,
)
from latentcore.containers.scan_points import RegionScan, ScanPoints
from latentcore.containers.stored_matrix import JoinedMatrix, StoredMatrix
from latentcore.containers.tables import SampleColumns, SampleTable

__all__ = [
    "NOISE",
    "NO_VALUE",
    "OUTSIDE",
    "Clustering",
    "Columns",
    "CrystalSymmetry",
    "Embedding",
    "InputRecord",
    "JoinedMatrix",
    "LatentSet",
    "Lattice",
    "Neighbors",
    "Partitions",
    "Provenance",
    "Ranking",
    "Region",
    "RegionScan",
    "RegionSet",
    "Resizable",
    "Roi",
    "SampleColumns",
    "SampleSource",
    "SampleTable",
    "Sampling",
    "ScanGrid",
    "ScanMaps",
    "ScanPoints",
    "ShiftedRows",
    "Skipping",
    "SourceRef",
    "StoredMatrix",
    "UnitCell",
    "cluster_name",
    "damage_of",
    "damaged_among",
    "default_sample_ids",
    "holds_names",
    "is_pending",
    "label_counts",
    "later",
    "later_sample_ids",
    "lazy_fields",
    "match_rows",
    "notes_of",
    "numeric",
    "partitions_of",
    "quantities",
    "refuse_names",
    "sample_rows",
    "software_versions",
]
