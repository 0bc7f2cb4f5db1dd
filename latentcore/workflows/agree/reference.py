"""The reference of ``agree`` at the points of what is held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import Features, Scaling, cluster_features
from latentcore.analysis.references import join_maps
from latentcore.containers import Roi, ScanGrid, ScanMaps, match_rows
from latentcore.errors import JoinError
from latentcore.inputs.labels import LabelMap


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
    reference: LabelMap | ScanMaps,
    grid: ScanGrid,
    roi: Roi | None,
    *,
    clusterer: Clusterer,
    scaling: Scaling,
    whole: ScanGrid | None = None,
) -> KnownLabels:
    """Take labels at the points of a grid, or cluster features there.

    Parameters
    ----------
    whole : ScanGrid, optional
        All points, where `grid` holds a sample of them.
    """
    if isinstance(reference, LabelMap):
        labels, unmatched, lacking = labels_at(reference, grid, roi, whole)
        present = np.unique(labels[labels != MISSING])
        texts = {int(label): reference.text(int(label)) for label in present}
        record = {"kind": "labels", "columns": [reference.name], "labels": texts}
        return KnownLabels(labels, texts, len(present), record, unmatched, lacking)
    values, unmatched, lacking = join_maps(reference, grid, roi, whole)
    features = Features(values.T.astype(np.float64), reference.names, grid.node)
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


def roi_record(bounds: tuple[float, ...] | None, grid: ScanGrid) -> dict[str, Any]:
    """Return the ROI as reports hold it: its ranges, and how many points are in it."""
    roi = Roi.whole(grid) if bounds is None else Roi.from_bounds(bounds)
    return {"x_range": roi.x_range, "y_range": roi.y_range, "n": len(grid)}
