"""How far the clusters of latent dimensions agree with labels from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.samples import standard_error
from latentcore.containers import Clustering
from latentcore.errors import InputError, RequestError, ShapeError
from latentcore.progress import Progress

METRICS = ("ari", "nmi")
FEWEST_POINTS = 20
# Stands for "no label"; −1 is a label, that of noise.
MISSING = int(np.iinfo(np.int32).min)
NOISE = -1
# Maps are float32, which holds whole numbers exactly up to here.
_LARGEST_LABEL = 1 << 24


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of each latent dimension's clusters with reference labels.

    Attributes
    ----------
    dims : ndarray of int32, shape (d,)
    ari, nmi : ndarray of float64, shape (d,)
        NaN where a dimension could not be compared.
    k_latent : ndarray of int32, shape (d,)
        Number of clusters of the dimension; 0 where it could not be clustered.
    n : ndarray of int32, shape (d,)
        Points with both a latent and a label.
    reasons : tuple of str
        Why a dimension could not be compared, ``""`` where it was.
    errors : ndarray of float64, shape (d, 2), or None
        Standard errors of ARI and NMI that a sample leaves, its clusters taken as they are.
    """

    dims: NDArray[np.int32]
    ari: NDArray[np.float64]
    nmi: NDArray[np.float64]
    k_latent: NDArray[np.int32]
    n: NDArray[np.int32]
    reasons: tuple[str, ...]
    errors: NDArray[np.float64] | None = None

    def order(self, metric: str) -> NDArray[np.intp]:
        """Return the rows, best first by one metric, those without a score last."""
        scores = {"ari": self.ari, "nmi": self.nmi}[metric]
        return np.lexsort((self.dims, -np.nan_to_num(scores, nan=-np.inf)))


def agree(
    latents: NDArray[np.floating],
    dims: NDArray[np.integer],
    reference: NDArray[np.integer],
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
    drawn_from: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Agreement:
    """Cluster each latent dimension by itself and hold the clusters against reference labels.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
    dims : ndarray of int, shape (d,)
        What the columns are called.
    reference : ndarray of int, shape (n,)
        `MISSING` where there is none.
    scaling : {"standard", "none"}
        ``"none"`` clusters raw latents. A Gaussian mixture adds 1e-6 to variances, which hides
        what a latent of s.d. 1e-4 holds.
    order : ndarray of int64, shape (n,), optional
        See `Features`.
    drawn_from : int, optional
        Of how many points these are a sample: then scores have standard errors.
    seed : int
        Of the parts that these are found from.
    progress : Progress, optional
        Takes a step after each dimension.

    Raises
    ------
    ShapeError
        If the lengths differ.
    RequestError
        If fewer than 20 points have a reference label, or all have the same.
    """
    reference = np.asarray(reference)
    if latents.shape != (len(reference), len(dims)):
        message = (
            f"Latents of shape {latents.shape} can't go with {len(dims)} dimensions and "
            f"{len(reference)} reference labels."
        )
        raise ShapeError(message)
    _refuse_useless(reference)
    progress = progress or Progress()
    d = len(dims)
    scores, errors = np.full((d, 2), np.nan), np.full((d, 2), np.nan)
    k, n, reasons = np.zeros(d, np.int32), np.zeros(d, np.int32), [""] * d
    for column, dim in enumerate(dims.tolist()):
        progress.step(column, d, "clustering latent dimensions")
        paired = np.isfinite(latents[:, column]) & (reference != MISSING)
        n[column] = paired.sum()
        values = np.where(paired, latents[:, column], np.nan)
        try:
            found = cluster_dimension(
                values, dim, clusterer=clusterer, scaling=scaling, order=order
            )
        except InputError as error:
            reasons[column] = str(error)
            continue
        k[column] = _number_of(found)
        own, known = found.labels[paired], reference[paired]
        scores[column] = rand_and_information(own, known)
        if drawn_from is not None:
            errors[column] = _errors(own, known, drawn_from, seed)
    progress.step(d, d, "clustering latent dimensions")
    ari, nmi = scores.T
    found_errors = None if drawn_from is None else errors
    return Agreement(np.asarray(dims, np.int32), ari, nmi, k, n, tuple(reasons), found_errors)


def _errors(
    labels: NDArray[np.integer], reference: NDArray[np.integer], of: int, seed: int
) -> NDArray[np.float64]:
    def score(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.array(rand_and_information(labels[rows], reference[rows]))

    return standard_error(score, len(labels), of, seed)


def cluster_dimension(
    values: NDArray[np.floating],
    dim: int,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
) -> Clustering:
    """Cluster one latent dimension; −1 where a value is not finite.

    Raises
    ------
    RequestError
        If fewer than 20 values are finite, all are equal, or fewer differ than clusters are
        asked for.
    """
    finite = int(np.isfinite(values).sum())
    if finite < FEWEST_POINTS:
        message = (
            f"Latent {dim} has {finite} finite values with a reference label; at least "
            f"{FEWEST_POINTS} are needed. Choose a larger ROI."
        )
        raise RequestError(message)
    column = np.asarray(values, np.float64)[:, None]
    features = Features(column, (f"latent {dim}",), order)
    return cluster_features(features, clusterer=clusterer, scaling=scaling)


def _number_of(clustering: Clustering) -> int:
    k = clustering.parameters["k"]
    assert isinstance(k, int)
    return k


def _refuse_useless(reference: NDArray[np.integer]) -> None:
    present = reference[reference != MISSING]
    if len(present) < FEWEST_POINTS:
        message = (
            f"Only {len(present)} of {len(reference)} points have a reference label; at least "
            f"{FEWEST_POINTS} are needed. Choose a larger ROI, or check that it is the same scan."
        )
        raise RequestError(message)
    if (present == present[0]).all():
        message = (
            f"All {len(present)} points have the same reference label, so no dimension can agree "
            "with it more than another. Choose another reference, or a larger ROI."
        )
        raise RequestError(message)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The pairs of labels that occur, of k row labels and m column labels.

    Attributes
    ----------
    rows, columns : ndarray of int, shapes (k,), (m,)
        The labels, ascending.
    row, column : ndarray of int64, shape (p,)
        Of each pair, the places of its labels among them.
    counts : ndarray of int64, shape (p,)
        Points with both.
    """

    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    counts: NDArray[np.int64]


def overlaps(labels: NDArray[np.integer], reference: NDArray[np.integer]) -> Overlaps:
    """Count how many points have each pair of labels; memory grows with n, not with k × m."""
    rows, row = np.unique(labels, return_inverse=True)
    columns, column = np.unique(reference, return_inverse=True)
    pairs, counts = np.unique(row.astype(np.int64) * len(columns) + column, return_counts=True)
    return Overlaps(rows, columns, pairs // len(columns), pairs % len(columns), counts)


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
        The labels that occur, ascending.
    overlap : Overlaps
        How many points have both.
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
    overlap: Overlaps
    mapping: Mapping[int, int]
    mapped_accuracy: float
    n: int

    @property
    def contingency(self) -> NDArray[np.int64]:
        """How many points have both labels, shape (labels, reference)."""
        return self.largest(max(len(self.labels), len(self.reference)))[2]

    def largest(self, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
        """Return the contingency table of the labels with most points.

        Returns
        -------
        rows, columns : ndarray of int
            Places among `labels` and `reference`, ascending, at most so many of each.
        table : ndarray of int64, shape (rows, columns)
        """
        found = self.overlap
        rows, columns = (
            np.sort(np.argsort(-np.bincount(codes, found.counts), kind="stable")[:most])
            for codes in (found.row, found.column)
        )
        kept = np.isin(found.row, rows) & np.isin(found.column, columns)
        table = np.zeros((len(rows), len(columns)), np.int64)
        places = np.searchsorted(rows, found.row), np.searchsorted(columns, found.column)
        table[places[0][kept], places[1][kept]] = found.counts[kept]
        return rows, columns, table


def as_labels(values: NDArray[np.floating], name: str) -> NDArray[np.int32]:
    """Return a map of whole numbers as labels, `MISSING` where there is none.

    Raises
    ------
    RequestError
        If the map holds other numbers, or none at all.
    """
    finite = np.isfinite(values)
    if not finite.any():
        message = f"The map {name} holds no label at any of its {len(values)} points."
        raise RequestError(message)
    if (values[finite] != np.rint(values[finite])).any():
        broken = _first_broken(values[finite])
        message = (
            f"The map {name} holds numbers such as {broken:g}, not labels. Choose a map of "
            "clusters, phases or grains."
        )
        raise RequestError(message)
    if np.abs(values[finite]).max() > _LARGEST_LABEL:
        message = (
            f"The map {name} holds labels up to {np.abs(values[finite]).max():.0f}, but only those "
            f"up to {_LARGEST_LABEL:,} are told apart. Number them from 0."
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
    found = overlaps(labels, reference)
    ari, nmi = rand_and_information(labels, reference)
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(reference, labels)
    # Of each row the pair with most points, the one of the smallest column at a tie.
    order = np.lexsort((found.column, -found.counts, found.row))
    most = order[np.unique(found.row[order], return_index=True)[1]]
    mapped = found.columns[found.column[most]]
    return LabelAgreement(
        ari=ari,
        nmi=nmi,
        homogeneity=float(homogeneity),
        completeness=float(completeness),
        labels=tuple(found.rows.tolist()),
        reference=tuple(found.columns.tolist()),
        overlap=found,
        mapping=dict(zip(found.rows.tolist(), mapped.tolist(), strict=True)),
        mapped_accuracy=float(found.counts[most].sum() / len(labels)),
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
