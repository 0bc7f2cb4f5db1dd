"""Cross-validation of probes: scores with intervals, against chance, over the training size.

Sources: interval over folds: Nadeau and Bengio, *Inference for the generalization error*, Machine
Learning 52 (2003), 239. p-value of a permutation test: Ojala and Garriga, *Permutation tests for
studying classifier performance*, JMLR 11 (2010), 1833; counting as Phipson and Smyth, *Stat. Appl.
Genet. Mol. Biol.* 9 (2010), 39.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe import Probed, ProbeLabels, predict
from latentcore.analysis.probe_folds import Folds, arrangements, exchanged_labels
from latentcore.analysis.probe_scores import ProbeScores, score
from latentcore.analysis.probe_splits import Split
from latentcore.analysis.probes import FittedProbe, Probe
from latentcore.errors import RequestError
from latentcore.progress import Progress

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc")
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class FoldScores:
    """What one fold's test gave.

    Attributes
    ----------
    tested : str
        Name of the fold, or of the group that was tested.
    scores : Mapping of str to float or None
        Of `METRICS`; the area under the ROC curve is that of the second class where there are
        two, else the mean over the classes, and None where it isn't defined.
    """

    tested: str
    n_train: int
    n_test: int
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class Interval:
    """Mean of a score over folds, with its confidence interval of 95 %.

    Attributes
    ----------
    mean, sd : float
        Over the folds; the s.d. divides by n − 1.
    low, high : float
        NaN where there is a single fold.
    n : int
        Folds that have the score.
    """

    mean: float
    sd: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, eq=False)
class Validated:
    """A cross-validated probe.

    Attributes
    ----------
    folds : tuple of FoldScores
    summary : Mapping of str to Interval
        Of those `METRICS` that any fold has.
    probed : Probed
        Predictions of each labeled sample by the probe that has not seen it, of all others by one
        that learned every labeled sample; scores over all tested samples together.
    fold : ndarray of int64, shape (n,)
        Which fold tested a sample, counted from 1; 0 where none did.
    """

    folds: tuple[FoldScores, ...]
    summary: Mapping[str, Interval]
    probed: Probed
    fold: NDArray[np.int64]


@dataclass(frozen=True)
class CurvePoint:
    """Scores after learning a share of the training samples.

    Attributes
    ----------
    share : float
        Of the groups of each fold's training samples.
    n_train : float
        Mean over the folds.
    """

    share: float
    n_train: float
    summary: Mapping[str, Interval]


@dataclass(frozen=True)
class Chance:
    """Scores where labels have nothing to do with latents.

    Attributes
    ----------
    times : int
        How often the labels were exchanged.
    mean, upper : Mapping of str to float
        Of each score (mean over folds), and its 95 % quantile.
    p : Mapping of str to float
        (1 + exchanges that scored at least as high) / (1 + times).
    """

    times: int
    mean: Mapping[str, float]
    upper: Mapping[str, float]
    p: Mapping[str, float]
    notes: tuple[str, ...] = ()


def validate(
    latents: NDArray[np.floating],
    labels: ProbeLabels,
    folds: Folds,
    classifier: Probe,
    progress: Progress | None = None,
) -> Validated:
    """Test each fold by a probe that learned the others.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
        Finite where a sample takes part.

    Raises
    ------
    RequestError
        If the others hold fewer than two classes.
    """
    progress = progress or Progress()
    fold = np.zeros(len(latents), np.int64)
    steps = len(folds.splits) + 1
    taking_part = np.where(folds.groups >= 0, labels.codes, -1)
    progress.step(0, steps, "learning all labeled samples")
    everything = _learn(latents, taking_part, taking_part >= 0, classifier, labels, "all samples")
    probabilities = predict(latents, everything, len(labels.names))
    found, notes = [], list(everything.notes)
    for number, (split, name) in enumerate(zip(folds.splits, folds.names, strict=True)):
        progress.step(number + 1, steps, f"{name} of {len(folds.splits)}")
        fitted = _learn(latents, labels.codes, split.train, classifier, labels, name)
        said = predict(latents[split.test], fitted, len(labels.names))
        probabilities[split.test] = said
        fold[split.test] = number + 1
        found.append(_fold_scores(name, labels, split, said))
        notes += [note for note in fitted.notes if note not in notes]
    tested = fold > 0
    scores = score(
        taking_part[taking_part >= 0], labels.codes[tested], probabilities[tested], labels.names
    )
    encoded = np.isfinite(probabilities[:, 0])
    predicted = np.where(encoded, np.nan_to_num(probabilities).argmax(axis=1), -1)
    probed = Probed(probabilities, predicted, scores, everything, tuple(notes))
    progress.step(steps, steps, "tested")
    return Validated(tuple(found), summary_of(found), probed, fold)


def summary_of(folds: Sequence[FoldScores]) -> dict[str, Interval]:
    """Return mean and interval of each score that a fold has."""
    found = {}
    for metric in METRICS:
        known = [one for one in folds if one.scores[metric] is not None]
        if known:
            values = [float(one.scores[metric] or 0.0) for one in known]
            found[metric] = interval(values, _test_ratio(known), bounds=(0.0, 1.0))
    return found


def difference(first: Sequence[FoldScores], other: Sequence[FoldScores]) -> dict[str, Interval]:
    """Return mean and interval of other minus first, fold by fold of the same folds."""
    found = {}
    for metric in METRICS:
        pairs = [
            (one, theirs.scores[metric], own)
            for one, theirs in zip(first, other, strict=True)
            if (own := one.scores[metric]) is not None and theirs.scores[metric] is not None
        ]
        if pairs:
            values = [float(theirs or 0.0) - own for _, theirs, own in pairs]
            ratio = _test_ratio([one for one, _, _ in pairs])
            found[metric] = interval(values, ratio, bounds=(-1.0, 1.0))
    return found


def interval(
    values: Sequence[float], test_ratio: float, *, bounds: tuple[float, float]
) -> Interval:
    """Return the corrected resampled t interval of a score over folds.

    The folds' training samples overlap, so their scores are not independent: the variance of the
    mean is taken as (1/k + n_test/n_train) s² instead of s²/k.

    Parameters
    ----------
    values : sequence of float
        One per fold.
    test_ratio : float
        n_test / n_train.
    bounds : tuple of float
        The interval is cut there.
    """
    from scipy.stats import t

    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, np.nan, np.nan, np.nan, n)
    sd = float(np.std(values, ddof=1))
    half = float(t.ppf((1 + _CONFIDENCE) / 2, n - 1)) * sd * np.sqrt(1 / n + test_ratio)
    low, high = max(bounds[0], mean - half), min(bounds[1], mean + half)
    return Interval(mean, sd, float(low), float(high), n)


def learning_curve(
    latents: NDArray[np.floating],
    labels: ProbeLabels,
    folds: Folds,
    classifier: Probe,
    *,
    seed: int = 0,
    whole: Sequence[FoldScores] = (),
    progress: Progress | None = None,
) -> tuple[CurvePoint, ...]:
    """Score probes that learned shares of the training samples, whole groups at a time.

    A smaller share is part of a larger one. Folds whose share holds fewer than two classes are
    left out of its point.

    Parameters
    ----------
    whole : sequence of FoldScores
        Of `validate`, which need not be computed again.
    """
    progress = progress or Progress()
    points = []
    steps = len(SHARES) * len(folds.splits)
    for place, share in enumerate(SHARES):
        found = list(whole) if share == 1.0 else []
        for number, (split, name) in enumerate(zip(folds.splits, folds.names, strict=True)):
            if len(found) == len(folds.splits):
                break
            progress.step(
                place * len(folds.splits) + number, steps, f"learning {100 * share:.0f} %"
            )
            part = _share(folds.groups, split, share, seed + number)
            if len(np.unique(labels.codes[part])) < 2:
                continue
            fitted = _learn(latents, labels.codes, part, classifier, labels, name)
            said = predict(latents[split.test], fitted, len(labels.names))
            learned = Split(split.kind, part, split.test)
            found.append(_fold_scores(name, labels, learned, said))
        if found:
            n_train = float(np.mean([one.n_train for one in found]))
            points.append(CurvePoint(share, n_train, summary_of(found)))
    progress.step(steps, steps, "learning curve")
    return tuple(points)


def chance(
    latents: NDArray[np.floating],
    labels: ProbeLabels,
    folds: Folds,
    classifier: Probe,
    *,
    times: int,
    observed: Mapping[str, Interval],
    seed: int = 0,
    progress: Progress | None = None,
) -> Chance:
    """Score probes of labels that were exchanged between whole groups.

    Parameters
    ----------
    times : int
        How often.
    observed : Mapping of str to Interval
        Of the labels as they are.
    """
    progress = progress or Progress()
    drawn: dict[str, list[float]] = {metric: [] for metric in observed}
    for number in range(times):
        progress.step(number, times, "exchanging labels")
        codes = exchanged_labels(labels.codes, folds.groups, seed + number + 1)
        exchanged = ProbeLabels(codes, labels.names)
        found = []
        for split, name in zip(folds.splits, folds.names, strict=True):
            if len(np.unique(codes[split.train])) < 2:
                continue
            fitted = _learn(latents, codes, split.train, classifier, labels, name)
            said = predict(latents[split.test], fitted, len(labels.names))
            found.append(_fold_scores(name, exchanged, split, said))
        for metric, one in summary_of(found).items():
            if metric in drawn:
                drawn[metric].append(one.mean)
    progress.step(times, times, "exchanging labels")
    known = {metric: np.array(values) for metric, values in drawn.items() if values}
    return Chance(
        times=times,
        mean={metric: float(values.mean()) for metric, values in known.items()},
        upper={metric: float(np.quantile(values, 0.95)) for metric, values in known.items()},
        p={
            metric: (1 + int((values >= observed[metric].mean).sum())) / (1 + len(values))
            for metric, values in known.items()
        },
        notes=_few(folds, times),
    )


def _few(folds: Folds, times: int) -> tuple[str, ...]:
    ways = arrangements(folds.groups)
    if ways > times:
        return ()
    note = (
        f"Labels were exchanged {times} times between so few groups that there are only "
        f"{ways:g} ways to do so: the p-values are no smaller than about 1 / {ways:g}."
    )
    return (note,)


def _learn(
    latents: NDArray[np.floating],
    codes: NDArray[np.int64],
    rows: NDArray[np.bool_],
    classifier: Probe,
    labels: ProbeLabels,
    name: str,
) -> FittedProbe:
    present = np.unique(codes[rows])
    if len(present) < 2:
        has = ", ".join(labels.names[code] for code in present) or "no class"
        message = (
            f"Where {name} is tested, the other samples hold only {has}, but two classes must be "
            "learned. Choose other groups, or fewer folds."
        )
        raise RequestError(message)
    return classifier.fit(np.asarray(latents[rows], np.float64), codes[rows])


def _fold_scores(
    name: str, labels: ProbeLabels, split: Split, said: NDArray[np.float64]
) -> FoldScores:
    trained = labels.codes[split.train]
    scores = score(trained, labels.codes[split.test], said, labels.names)
    return FoldScores(name, len(trained), int(split.test.sum()), _chosen(scores))


def _chosen(scores: ProbeScores) -> dict[str, float | None]:
    area = scores.roc_auc if len(scores.classes) == 2 else scores.roc_auc_macro
    return {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "roc_auc": area,
    }


def _share(groups: NDArray[np.int64], split: Split, share: float, seed: int) -> NDArray[np.bool_]:
    present = np.unique(groups[split.train])
    drawn = np.random.default_rng(seed).permutation(present)
    few = drawn[: max(1, round(share * len(present)))]
    return split.train & np.isin(groups, few)


def _test_ratio(folds: Sequence[FoldScores]) -> float:
    return float(np.mean([one.n_test / one.n_train for one in folds]))
