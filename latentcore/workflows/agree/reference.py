"""The reference of ``agree`` at the points of what is held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, as_labels
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.references import join_maps
from latentcore.containers import LatentSet, Roi, SampleTable, ScanGrid, ScanMaps, match_rows
from latentcore.errors import JoinError
from latentcore.inputs.labels import LabelMap
from latentcore.inputs.maps import grid_for_maps
from latentcore.inputs.sample_tables import columns_at


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Reference labels at n points.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        `latentcore.analysis.agreement.MISSING` where there is none.
    texts : dict of int to str
        What labels are called, empty where they are only numbers.
    k : int
        How many there are.
    record : dict
        For the report: how they came to be.
    unmatched, unmatched_reference : int
        Points without a reference, and points of the reference (in the ROI) without a partner.
    """

    labels: NDArray[np.int32]
    texts: dict[int, str]
    k: int
    record: dict[str, Any]
    unmatched: int
    unmatched_reference: int


def known_labels(
    reference: LabelMap | ScanMaps | SampleTable,
    latents: LatentSet,
    roi: Roi | None,
    *,
    clusterer: Clusterer,
    scaling: Scaling,
    whole: LatentSet,
) -> KnownLabels:
    """Take labels at latents, or cluster features there.

    Parameters
    ----------
    whole : LatentSet
        All of them, where `latents` are a sample.
    """
    if isinstance(reference, SampleTable):
        values, unmatched = columns_at(reference, latents)
        lacking = reference.at(whole).unused
        (name, *others) = reference.names
        if not others and name in reference.categories:
            labels = as_labels(values[0], name)
            return _given(labels, name, dict(reference.categories[name]), unmatched, lacking)
    elif isinstance(reference, LabelMap):
        grid = grid_for_maps(latents.grid)
        labels, unmatched, lacking = labels_at(reference, grid, roi, whole.grid)
        return _given(labels, reference.name, reference.texts, unmatched, lacking)
    else:
        grid = grid_for_maps(latents.grid)
        values, unmatched, lacking = join_maps(reference, grid, roi, whole.grid)
    order = None if latents.grid is None else latents.grid.node
    features = Features(values.T.astype(np.float64), reference.names, order)
    found = cluster_features(features, clusterer=clusterer, scaling=scaling)
    labels = np.where(features.finite, found.labels, np.int32(MISSING))
    record = {
        "kind": "features",
        "columns": list(reference.names),
        "parameters": dict(found.parameters),
        "scores": dict(found.scores),
        "counts": found.counts,
    }
    k = int(str(found.parameters["k"]))
    return KnownLabels(labels, {}, k, record, unmatched, lacking)


def _given(
    labels: NDArray[np.int32], name: str, texts: Mapping[int, str], unmatched: int, lacking: int
) -> KnownLabels:
    present = [int(label) for label in np.unique(labels[labels != MISSING])]
    shown = {label: texts.get(label, str(label)) for label in present}
    record = {"kind": "labels", "columns": [name], "labels": shown}
    return KnownLabels(labels, shown, len(present), record, unmatched, lacking)


def labels_at(
    labels: LabelMap, grid: ScanGrid, roi: Roi | None, whole: ScanGrid | None = None
) -> tuple[NDArray[np.int32], int, int]:
    """Return labels at the points of a grid, and how many points either side lacks.

    Parameters
    ----------
    whole : ScanGrid, optional
        All points, where `grid` holds a sample of them.
    """
    rows = match_rows(grid, labels.grid)
    if not (rows >= 0).any():
        message = (
            f"None of {len(grid)} points has a partner among the {len(labels.grid)} of "
            f"{labels.name}. Check that both tables use the same coordinates."
        )
        raise JoinError(message)
    lacking = match_rows(labels.grid, whole or grid) < 0
    if roi is not None:
        lacking &= roi.mask(labels.grid)
    found = np.where(rows >= 0, labels.labels[rows], np.int32(MISSING))
    return found, int((rows < 0).sum()), int(lacking.sum())


def unmatched_notes(unmatched: int, unmatched_reference: int, n: int, what: str) -> list[str]:
    """Return what the user should know of points that have no partner."""
    notes = []
    if unmatched:
        notes.append(f"{unmatched} of {n} points of the {what} have no reference.")
    if unmatched_reference:
        notes.append(f"{unmatched_reference} points of the reference have no {what}.")
    return notes


def roi_record(bounds: tuple[float, ...] | None, grid: ScanGrid | None) -> dict[str, Any] | None:
    """Return the ROI as reports hold it: its ranges, and how many points; None off a grid."""
    if grid is None:
        return None
    roi = Roi.whole(grid) if bounds is None else Roi.from_bounds(bounds)
    return {"x_range": roi.x_range, "y_range": roi.y_range, "n": len(grid)}
