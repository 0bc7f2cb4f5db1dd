"""Train a classifier on latents and labels, and score it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe_scores import ProbeScores, score
from latentcore.analysis.probe_splits import Split
from latentcore.analysis.probes import FittedProbe, Probe
from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress

_BLOCK = 20_000


@dataclass(frozen=True, eq=False)
class ProbeLabels:
    """What a probe is to predict.

    Attributes
    ----------
    codes : ndarray of int64, shape (n,)
        0 to m − 1; −1 where a sample takes no part.
    names : tuple of str
        Of the m classes.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Probed:
    """A trained probe and what it says.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n, m)
        Of every sample and class; NaN where a sample has no latent.
    predicted : ndarray of int64, shape (n,)
        The most probable class; −1 where a sample has no latent.
    scores : ProbeScores
        Over the test samples.
    notes : tuple of str
        What one should know before trusting the figures.
    """

    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    scores: ProbeScores
    fitted: FittedProbe
    notes: tuple[str, ...] = ()


def probe(
    latents: NDArray[np.floating],
    labels: ProbeLabels,
    split: Split,
    *,
    classifier: Probe,
    progress: Progress | None = None,
) -> Probed:
    """Train on one part of the labeled samples, test on the other, and predict all.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
        Finite where a sample is trained or tested on.
    labels : ProbeLabels
        Of all n samples.

    Raises
    ------
    ShapeError
        If labels or split are of another number of samples.
    RequestError
        If fewer than two classes are trained on, or nothing is tested on.
    """
    progress = progress or Progress()
    if not len(latents) == len(labels.codes) == len(split.train):
        message = (
            f"{len(latents)} latents can't be probed with {len(labels.codes)} labels and a split "
            f"of {len(split.train)}."
        )
        raise ShapeError(message)
    trained, tested = labels.codes[split.train], labels.codes[split.test]
    present = np.unique(trained)
    if len(present) < 2 or len(tested) == 0:
        has = ", ".join(labels.names[code] for code in present) or "none"
        message = (
            f"There are {len(trained)} training samples of the classes {has}, and {len(tested)} "
            "test samples. Two classes and a test sample are needed: choose another split, or "
            "other labels."
        )
        raise RequestError(message)
    progress.step(0, 2, "learning")
    fitted = classifier.fit(np.asarray(latents[split.train], np.float64), trained)
    progress.step(1, 2, "predicting")
    probabilities = predict(latents, fitted, len(labels.names))
    encoded = np.isfinite(probabilities[:, 0])
    predicted = np.where(encoded, np.nan_to_num(probabilities).argmax(axis=1), -1)
    scores = score(trained, tested, probabilities[split.test], labels.names)
    progress.step(2, 2, "predicting")
    notes = (*split.notes, *fitted.notes, *_one_sided(scores))
    return Probed(probabilities, predicted, scores, fitted, notes)


def predict(
    latents: NDArray[np.floating], fitted: FittedProbe, n_classes: int
) -> NDArray[np.float64]:
    """Return the probability of each class at every sample, (n, m); NaN without a latent."""
    probabilities = np.full((len(latents), n_classes), np.nan)
    encoded = np.flatnonzero(np.isfinite(latents).all(axis=1))
    for start in range(0, len(encoded), _BLOCK):
        rows = encoded[start : start + _BLOCK]
        probabilities[rows] = 0.0
        found = fitted.probabilities(np.asarray(latents[rows], np.float64))
        probabilities[np.ix_(rows, fitted.classes)] = found
    return probabilities


def _one_sided(scores: ProbeScores) -> list[str]:
    """Describe classes that are on one side of the split only."""
    notes = []
    untrained = [one.name for one in scores.classes if one.n_train == 0]
    untested = [one.name for one in scores.classes if one.n_test == 0]
    if untrained:
        notes.append(
            f"Not trained on, so always wrong: {', '.join(untrained)} (all samples of it are test "
            "samples)."
        )
    if untested:
        notes.append(f"Not tested: {', '.join(untested)} (all samples of it are training samples).")
    return notes
