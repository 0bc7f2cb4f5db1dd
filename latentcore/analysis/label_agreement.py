"""Two label maps against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError, ShapeError

__all__ = ["MISSING", "LabelAgreement", "as_labels", "compare_labels", "rand_and_information"]

# Stands for "no label"; −1 is a label, that of noise.
MISSING = int(np.iinfo(np.int32).min)


@dataclass(frozen=True, eq=False)
class LabelAgreement:
    """Two label maps against each other.

    Attributes
    ----------
    ari, nmi : float
        Adjusted Rand index (Hubert and Arabie, *J. Classification* 2 (1985) 193), and normalized
        mutual information with the arithmetic mean of the entropies.
    homogeneity, completeness : float
        Rosenberg and Hirschberg, *EMNLP-CoNLL* (2007) 410, the reference taken as true.
    labels, reference : tuple of int
        The labels of the table's rows and columns.
    contingency : ndarray of int64, shape (rows, columns)
        How many points have both labels.
    mapping : Mapping of int to int
        For each label the reference label of most of its points; the smaller at a tie.
    mapped_accuracy : float
        Share of the points whose mapped label is their reference label.
    n : int
        Points with both labels.
    """

    ari: float
    nmi: float
    homogeneity: float
    completeness: float
    labels: tuple[int, ...]
    reference: tuple[int, ...]
    contingency: NDArray[np.int64]
    mapping: Mapping[int, int]
    mapped_accuracy: float
    n: int


def as_labels(values: NDArray[np.floating], name: str) -> NDArray[np.int32]:
    """Return a map of whole numbers as labels, `MISSING` where there is none.

    Raises
    ------
    RequestError
        If the map holds other numbers.
    """
    finite = np.isfinite(values)
    if (values[finite] != np.rint(values[finite])).any():
        broken = _first_broken(values[finite])
        message = (
            f"The map {name} holds numbers such as {broken:g}, not labels. Choose a map of "
            "clusters, phases or grains."
        )
        raise RequestError(message)
    labels = np.full(len(values), MISSING, np.int32)
    labels[finite] = values[finite].astype(np.int32)
    return labels


def compare_labels(labels: NDArray[np.integer], reference: NDArray[np.integer]) -> LabelAgreement:
    """Hold one label map against another.

    Parameters
    ----------
    labels, reference : ndarray of int, shape (n,)
        Any whole numbers. Noise (−1) and *not indexed* are labels like the others; points where
        one is `MISSING` take no part.

    Raises
    ------
    ShapeError
        If the lengths differ.
    RequestError
        If no point has both labels.
    """
    from sklearn.metrics import homogeneity_completeness_v_measure

    labels, reference = np.asarray(labels), np.asarray(reference)
    if labels.shape != reference.shape or labels.ndim != 1:
        message = f"Labels of shape {labels.shape} can't be held against {reference.shape}."
        raise ShapeError(message)
    paired = (labels != MISSING) & (reference != MISSING)
    labels, reference = labels[paired], reference[paired]
    if len(labels) == 0:
        message = "Not one point has both labels, so there is nothing to compare."
        raise RequestError(message)
    rows, row = np.unique(labels, return_inverse=True)
    columns, column = np.unique(reference, return_inverse=True)
    table = np.bincount(row * len(columns) + column, minlength=len(rows) * len(columns))
    table = table.reshape(len(rows), len(columns)).astype(np.int64)
    ari, nmi = rand_and_information(labels, reference)
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(reference, labels)
    most = columns[table.argmax(axis=1)]
    return LabelAgreement(
        ari=ari,
        nmi=nmi,
        homogeneity=float(homogeneity),
        completeness=float(completeness),
        labels=tuple(rows.tolist()),
        reference=tuple(columns.tolist()),
        contingency=table,
        mapping=dict(zip(rows.tolist(), most.tolist(), strict=True)),
        mapped_accuracy=float(table.max(axis=1).sum() / len(labels)),
        n=len(labels),
    )


def rand_and_information(
    labels: NDArray[np.integer], reference: NDArray[np.integer]
) -> tuple[float, float]:
    """Return adjusted Rand index and normalized mutual information of two lists of labels."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    ari = float(adjusted_rand_score(reference, labels))
    return ari, float(normalized_mutual_info_score(reference, labels))


def _first_broken(values: NDArray[np.floating]) -> float:
    return float(values[values != np.rint(values)][0])
