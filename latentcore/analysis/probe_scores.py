"""How good predicted classes and probabilities are.

Everything is computed from labels and probabilities, as scikit-learn does. A class that was not
trained on has probability 0 everywhere.

Sources: expected calibration error: Naeini, Cooper and Hauskrecht, *Obtaining well calibrated
probabilities using Bayesian binning*, AAAI 2015. Brier score: Brier, *Verification of forecasts
expressed in terms of probability*, Monthly Weather Review 78 (1950).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_BINS = 10
_MOST_POINTS = 200


@dataclass(frozen=True)
class ClassScore:
    """One class against all others.

    Attributes
    ----------
    precision, recall, f1 : float or None
        None where the class is not among the test samples.
    roc_auc : float or None
        None where the class, or every other one, is missing on one of the sides.
    """

    name: str
    n_train: int
    n_test: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None


@dataclass(frozen=True, eq=False)
class RocCurve:
    """True positives over false positives, as the threshold falls.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : ndarray, shape (m,)
        At most 200 points, the first (0, 0) and the last (1, 1).
    """

    false_positive_rate: Floats
    true_positive_rate: Floats


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often it is so when the probe says so, in ten bins of equal width.

    Attributes
    ----------
    of : str
        What the probabilities are of: the second class where there are two, else of whatever
        class is predicted.
    predicted, observed : ndarray, shape (m,)
        Mean probability and frequency in each bin that isn't empty.
    n : ndarray of int64, shape (m,)
        Samples in it.
    error : float
        Expected calibration error: their mean distance, weighted by n.
    brier : float
        Mean squared difference between probabilities and what happened; with more than two
        classes summed over them, 0 to 2.
    """

    of: str
    predicted: Floats
    observed: Floats
    n: NDArray[np.int64]
    error: float
    brier: float


@dataclass(frozen=True, eq=False)
class ProbeScores:
    """Figures over the test samples.

    Attributes
    ----------
    roc_auc : float or None
        Where there are two classes: of the second.
    roc_auc_macro : float or None
        Mean over the classes, each against all others.
    baseline_accuracy, baseline_macro_f1 : float
        Of always saying the most frequent class of the training samples.
    confusion : ndarray of int64, shape (m, m)
        Rows are the labels, columns what was predicted.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    roc_auc: float | None
    roc_auc_macro: float | None
    baseline_accuracy: float
    baseline_macro_f1: float
    confusion: NDArray[np.int64]
    classes: tuple[ClassScore, ...]
    roc: dict[str, RocCurve]
    calibration: Calibration


def score(
    trained: Labels, labels: Labels, probabilities: Floats, names: tuple[str, ...]
) -> ProbeScores:
    """Judge probabilities by labels.

    Parameters
    ----------
    trained : ndarray of int64, shape (k,)
        Labels of the training samples.
    labels : ndarray of int64, shape (n,)
        Of the test samples, 0 to m − 1.
    probabilities : ndarray, shape (n, m)
    names : tuple of str
        Of the m classes.
    """
    from sklearn.metrics import confusion_matrix, f1_score

    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, labels=np.arange(len(names)))
    most_frequent = np.full_like(labels, np.bincount(trained, minlength=len(names)).argmax())
    present = confusion.sum(axis=1) > 0
    curves = _roc_curves(labels, probabilities, names)
    areas = [_auc(labels == number, probabilities[:, number]) for number in range(len(names))]
    known = [area for area in areas if area is not None]
    return ProbeScores(
        accuracy=float((predicted == labels).mean()),
        balanced_accuracy=float(
            (np.diag(confusion)[present] / confusion.sum(axis=1)[present]).mean()
        ),
        macro_f1=float(f1_score(labels, predicted, average="macro", zero_division=0)),
        roc_auc=areas[1] if len(names) == 2 else None,
        roc_auc_macro=float(np.mean(known)) if known else None,
        baseline_accuracy=float((most_frequent == labels).mean()),
        baseline_macro_f1=float(f1_score(labels, most_frequent, average="macro", zero_division=0)),
        confusion=confusion.astype(np.int64),
        classes=_by_class(trained, confusion, names, areas),
        roc=curves,
        calibration=_calibration(labels, probabilities, names),
    )


def _by_class(
    trained: Labels,
    confusion: NDArray[np.int64],
    names: tuple[str, ...],
    areas: list[float | None],
) -> tuple[ClassScore, ...]:
    n_train = np.bincount(trained, minlength=len(names))
    found = []
    for number, name in enumerate(names):
        hits, n_test = int(confusion[number, number]), int(confusion[number].sum())
        said = int(confusion[:, number].sum())
        precision, recall, f1 = (
            (hits / said if said else 0.0, hits / n_test, 2 * hits / (said + n_test))
            if n_test
            else (None, None, None)
        )
        found.append(
            ClassScore(name, int(n_train[number]), n_test, precision, recall, f1, areas[number])
        )
    return tuple(found)


def _auc(positive: NDArray[np.bool_], probability: Floats) -> float | None:
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any() or not probability.any():
        return None
    return float(roc_auc_score(positive, probability))


def _roc_curves(
    labels: Labels, probabilities: Floats, names: tuple[str, ...]
) -> dict[str, RocCurve]:
    """Return the curve of each class; with two classes that of the second says it all."""
    from sklearn.metrics import roc_curve

    wanted = range(len(names)) if len(names) > 2 else [1]
    curves = {}
    for number in wanted:
        positive, probability = labels == number, probabilities[:, number]
        if positive.all() or not positive.any() or not probability.any():
            continue
        false, true, _ = roc_curve(positive, probability)
        few = np.unique(np.linspace(0, len(false) - 1, _MOST_POINTS).round().astype(np.int64))
        curves[names[number]] = RocCurve(false[few], true[few])
    return curves


def _calibration(labels: Labels, probabilities: Floats, names: tuple[str, ...]) -> Calibration:
    wanted = np.eye(len(names))[labels]
    squares = np.square(probabilities - wanted).sum(axis=1)
    if len(names) == 2:
        of, said, so = names[1], probabilities[:, 1], labels == 1
        squares = squares / 2
    else:
        of, said, so = (
            "the predicted class",
            probabilities.max(axis=1),
            (probabilities.argmax(axis=1) == labels),
        )
    place = np.minimum((said * _BINS).astype(np.int64), _BINS - 1)
    n = np.bincount(place, minlength=_BINS)
    filled = n > 0
    predicted = np.bincount(place, said, _BINS)[filled] / n[filled]
    observed = np.bincount(place, so, _BINS)[filled] / n[filled]
    return Calibration(
        of=of,
        predicted=predicted,
        observed=observed,
        n=n[filled].astype(np.int64),
        error=float((n[filled] * np.abs(predicted - observed)).sum() / len(labels)),
        brier=float(squares.mean()),
    )
