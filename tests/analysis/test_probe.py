"""Probes against scikit-learn on the same split."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentcore.analysis.probe import ProbeLabels, probe
from latentcore.analysis.probe_splits import Split, blocked_split, given_split, stratified_split
from latentcore.analysis.probes import PROBES, make_probe
from latentcore.containers import ScanGrid, partitions_of
from latentcore.errors import RequestError, ShapeError, UnknownNameError


def problem(m: int, n: int = 400, d: int = 5) -> tuple[np.ndarray, ProbeLabels]:
    rng = np.random.default_rng(m)
    codes = rng.choice(m, n, p=np.arange(1, m + 1) / (m * (m + 1) / 2))
    values = rng.normal(size=(n, d)) + 0.8 * rng.normal(size=(m, d))[codes]
    names = tuple(f"phase {code}" for code in range(m))
    return values.astype(np.float32), ProbeLabels(codes.astype(np.int64), names)


def alternating(labels: ProbeLabels) -> Split:
    test = np.arange(len(labels.codes)) % 3 == 0
    return Split("given", (labels.codes >= 0) & ~test, (labels.codes >= 0) & test)


MODELS = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=1000)),
    "boosted-trees": lambda: HistGradientBoostingClassifier(
        max_iter=4, early_stopping=False, random_state=0
    ),
}
PARAMETERS = {"logistic": {"c": 0.5}, "boosted-trees": {"max_iter": 4}}


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_figures_equal_those_of_scikit_learn_on_the_same_split(name, m):
    values, labels = problem(m)
    split = alternating(labels)
    found = probe(values, labels, split, classifier=make_probe(name, PARAMETERS[name]))
    model = MODELS[name]().fit(values[split.train].astype(np.float64), labels.codes[split.train])
    truth, scores = labels.codes[split.test], found.scores
    said = model.predict(values[split.test].astype(np.float64))
    p = model.predict_proba(values[split.test].astype(np.float64))
    np.testing.assert_array_equal(found.probabilities[split.test], p)
    np.testing.assert_array_equal(found.predicted[split.test], said)
    assert scores.accuracy == accuracy_score(truth, said)
    assert scores.macro_f1 == f1_score(truth, said, average="macro")
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, said))
    np.testing.assert_array_equal(scores.confusion, confusion_matrix(truth, said))
    each = precision_recall_fscore_support(truth, said, zero_division=0)
    for column, name_of in enumerate(("precision", "recall", "f1", "n_test")):
        got = [getattr(one, name_of) for one in scores.classes]
        np.testing.assert_allclose(got, each[column])
    most = np.bincount(labels.codes[split.train]).argmax()
    assert scores.baseline_accuracy == accuracy_score(truth, np.full_like(truth, most))
    if m == 2:
        assert scores.roc_auc == roc_auc_score(truth, p[:, 1])
        assert scores.calibration.brier == pytest.approx(brier_score_loss(truth, p[:, 1]))
        observed, predicted = calibration_curve(truth, p[:, 1], n_bins=10)
        np.testing.assert_allclose(scores.calibration.observed, observed)
        np.testing.assert_allclose(scores.calibration.predicted, predicted)
        assert list(scores.roc) == ["phase 1"]
    else:
        assert scores.roc_auc is None
        assert scores.roc_auc_macro == pytest.approx(
            roc_auc_score(truth, p, multi_class="ovr", average="macro")
        )
        brier = brier_score_loss(truth, p, scale_by_half=False)
        assert scores.calibration.brier == pytest.approx(brier)
        assert len(scores.roc) == m


def test_calibration_error_is_the_weighted_distance_from_the_diagonal():
    values, labels = problem(3)
    split = alternating(labels)
    found = probe(values, labels, split, classifier=make_probe("logistic", {})).scores.calibration
    gap = np.abs(found.predicted - found.observed)
    assert found.error == pytest.approx((gap * found.n).sum() / split.test.sum())
    assert found.n.sum() == split.test.sum()


def test_roc_curves_hold_the_area_they_are_said_to_have():
    values, labels = problem(3)
    scores = probe(
        values, labels, alternating(labels), classifier=make_probe("logistic", {})
    ).scores
    for one in scores.classes:
        curve = scores.roc[one.name]
        area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
        assert area == pytest.approx(one.roc_auc, abs=0.01)
        assert (curve.false_positive_rate[0], curve.true_positive_rate[-1]) == (0, 1)


def test_samples_without_a_latent_are_predicted_nothing():
    values, labels = problem(2)
    values[7] = np.nan
    codes = labels.codes.copy()
    codes[[7, 8]] = -1
    some = ProbeLabels(codes, labels.names)
    found = probe(values, some, alternating(some), classifier=make_probe("logistic", {}))
    assert np.isnan(found.probabilities[7]).all()
    assert found.predicted[7] == -1
    assert found.predicted[8] >= 0, "a sample without a label has a prediction all the same"


def test_a_class_on_one_side_only_is_reported():
    values, labels = problem(3)
    split = alternating(labels)
    split.train[labels.codes == 2] = False
    split.test[labels.codes == 0] = False
    found = probe(values, labels, split, classifier=make_probe("logistic", {}))
    assert "Not trained on, so always wrong: phase 2" in found.notes[0]
    assert "Not tested: phase 0" in found.notes[1]
    assert found.scores.classes[2].roc_auc is None
    assert found.scores.classes[2].recall == 0
    assert found.scores.classes[0].recall is None
    assert (found.probabilities[:, 2] == 0).all()


def test_a_regression_that_stops_early_says_so():
    values, labels = problem(3)
    found = probe(
        values, labels, alternating(labels), classifier=make_probe("logistic", {"max_iter": 2})
    )
    assert "not converged after 2 steps" in found.notes[0]


def test_rare_classes_can_be_given_their_weight():
    values, labels = problem(2)
    split = alternating(labels)
    few = {"max_iter": 4}
    for name in PROBES.names():
        plain, balanced = (
            probe(
                values, labels, split, classifier=make_probe(name, few | {"class_weight": weight})
            )
            for weight in ("none", "balanced")
        )
        assert (balanced.predicted == 0).sum() > (plain.predicted == 0).sum(), name


def test_stratified_split_is_scikit_learns():
    _, labels = problem(3)
    codes = labels.codes.copy()
    codes[:20] = -1
    split = stratified_split(codes, 0.3, 5)
    rows = np.flatnonzero(codes >= 0)
    _, test = train_test_split(rows, test_size=0.3, random_state=5, stratify=codes[rows])
    np.testing.assert_array_equal(np.flatnonzero(split.test), np.sort(test))
    np.testing.assert_array_equal(split.train ^ split.test, codes >= 0)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.75])
def test_blocked_split_keeps_whole_squares_together(fraction):
    y, x = (axis.ravel() for axis in np.mgrid[0:40, 0:30])
    order = np.random.default_rng(0).permutation(len(x))
    grid = ScanGrid.from_coordinates(x[order] + 7, y[order])
    codes = (grid.row > 20).astype(np.int64)
    split = blocked_split(codes, grid, fraction, 3, block=5)
    square = grid.row // 5 * 6 + grid.col // 5
    sides = [set(split.test[square == number].tolist()) for number in np.unique(square)]
    assert all(len(side) == 1 for side in sides)
    assert not (split.train & split.test).any()
    assert split.test.mean() == pytest.approx(fraction, abs=0.08)
    assert set(codes[split.test]) == set(codes[split.train]) == {0, 1}
    again = blocked_split(codes, grid, fraction, 3, block=5)
    np.testing.assert_array_equal(again.test, split.test)


def test_squares_fit_the_labeled_area_not_the_whole_scan():
    grid = ScanGrid.from_coordinates(np.arange(4000) % 80, np.arange(4000) // 80)
    inside = (grid.col >= 30) & (grid.col < 46) & (grid.row < 16)
    codes = np.where(inside, grid.col % 2, -1).astype(np.int64)
    assert blocked_split(codes, grid, 0.2, 0).parameters["block"] == 2
    assert blocked_split(grid.col % 2, grid, 0.2, 0).parameters["block"] == 8


def test_given_split_tests_on_the_partition_named():
    codes = np.array([0, 1, 0, 1, -1, 1])
    partition = partitions_of(np.array(["a", "a", "b", "b", "b", "c"]))
    split = given_split(codes, partition, "b")
    assert split.test.tolist() == [False, False, True, True, False, False]
    assert split.train.tolist() == [True, True, False, False, False, True]


def test_what_makes_no_sense_is_refused():
    values, labels = problem(2)
    codes, logistic = labels.codes, make_probe("logistic", {})
    grid = ScanGrid.from_coordinates(np.arange(400) % 20, np.arange(400) // 20)
    with pytest.raises(RequestError, match="the partitions a"):
        given_split(codes, partitions_of(np.full(400, "a")), "b")
    with pytest.raises(RequestError, match="no partitions"):
        given_split(codes, None, "b")
    with pytest.raises(RequestError, match="to learn from"):
        given_split(codes, partitions_of(np.full(400, "a")), "a")
    with pytest.raises(RequestError, match="between 0 and 1"):
        stratified_split(codes, 1.0, 0)
    with pytest.raises(RequestError, match="can't hold every class"):
        stratified_split(np.arange(400) // 2, 0.2, 0)
    with pytest.raises(RequestError, match="Split at random"):
        blocked_split(codes, None, 0.2, 0)
    with pytest.raises(RequestError, match="smaller blocks"):
        blocked_split(codes, grid, 0.2, 0, block=20)
    with pytest.raises(RequestError, match="at least 1"):
        blocked_split(codes, grid, 0.2, 0, block=0)
    few = np.where(np.arange(400) < 4, np.arange(400) % 2, -1)
    with pytest.raises(RequestError, match="can't be split by place"):
        blocked_split(few, grid, 0.25, 0, block=1)
    one = Split("given", codes == 0, codes == 1)
    with pytest.raises(RequestError, match="training samples of the classes phase 0"):
        probe(values, labels, one, classifier=logistic)
    with pytest.raises(ShapeError, match="399 latents"):
        probe(values[1:], labels, alternating(labels), classifier=logistic)
    with pytest.raises(UnknownNameError, match="Did you mean 'logistic'"):
        make_probe("logistics", {})
    with pytest.raises(RequestError, match="logistic has no parameter 'learning_rate'"):
        make_probe("logistic", {"learning_rate": 0.1})
    with pytest.raises(RequestError, match="c must be > 0"):
        make_probe("logistic", {"c": 0.0})
