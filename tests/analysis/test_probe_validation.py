"""Cross-validation of probes against scikit-learn, and its intervals against the formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentcore.analysis.probe import ProbeLabels
from latentcore.analysis.probe_folds import (
    exchanged_labels,
    folds_at_random,
    folds_by_place,
    folds_of_groups,
)
from latentcore.analysis.probe_validation import (
    SHARES,
    chance,
    difference,
    interval,
    learning_curve,
    validate,
)
from latentcore.analysis.probes import make_probe
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError

_LOGISTIC = make_probe("logistic", {})
_NAMES = {0: "north", 1: "south", 2: "west", 3: "east"}


@pytest.fixture
def data():
    """240 samples of two classes in four groups; twelve have no label, one of them no latent."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, 240)
    latents = (rng.normal(size=(240, 5)) + 0.7 * codes[:, None]).astype(np.float32)
    groups = rng.integers(0, 4, 240)
    codes[::20] = -1
    latents[0] = np.nan
    return latents, ProbeLabels(codes, ("a", "b")), groups


def test_leaving_one_group_out_gives_the_figures_of_scikit_learn(data):
    latents, labels, groups = data
    folds = folds_of_groups(labels.codes, groups, _NAMES, None, 0)
    found = validate(latents, labels, folds, _LOGISTIC)
    rows = labels.codes >= 0
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    given = (latents[rows].astype(np.float64), labels.codes[rows])
    expected = cross_val_score(model, *given, groups=groups[rows], cv=LeaveOneGroupOut())
    said = cross_val_predict(
        model, *given, groups=groups[rows], cv=LeaveOneGroupOut(), method="predict_proba"
    )
    assert [one.tested for one in found.folds] == list(_NAMES.values())
    assert [one.scores["accuracy"] for one in found.folds] == expected.tolist()
    np.testing.assert_allclose(found.probed.probabilities[rows], said, rtol=1e-9)
    assert found.summary["accuracy"].mean == pytest.approx(expected.mean())
    np.testing.assert_array_equal(found.fold[rows], groups[rows] + 1)
    # Samples without a label are predicted, by a probe of all that have one; without a latent not.
    model.fit(*given)
    others = ~rows & np.isfinite(latents).all(axis=1)
    np.testing.assert_allclose(
        found.probed.probabilities[others], model.predict_proba(latents[others].astype(float))
    )
    assert found.probed.predicted[0] == -1


def test_the_interval_is_nadeau_and_bengios():
    values = [0.8, 0.75, 0.9, 0.85]
    found = interval(values, 1 / 3, bounds=(0, 1))
    half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert (found.mean, found.low) == pytest.approx((0.825, 0.825 - half))
    assert found.high == pytest.approx(min(1, 0.825 + half))
    assert np.isnan(interval([0.5], 0.2, bounds=(0, 1)).low)


def test_squares_of_a_scan_are_never_divided():
    y, x = (axis.ravel() for axis in np.mgrid[0:16, 0:24])
    grid = ScanGrid.from_coordinates(x, y)
    codes = np.random.default_rng(0).integers(0, 3, len(x))
    folds = folds_by_place(codes, grid, 4, 0, block=4)
    np.testing.assert_array_equal(folds.groups, y // 4 * 6 + x // 4)
    tested = sum(split.test.astype(int) for split in folds.splits)
    assert (tested == 1).all()
    for split in folds.splits:
        assert not set(folds.groups[split.train]) & set(folds.groups[split.test])


def test_exchanged_labels_stay_together_and_keep_their_counts():
    groups = np.repeat([4, 1, 7, 2], 5)
    labels = np.arange(20)
    labels[3] = -1  # moves with its group, as what it is
    exchanged = exchanged_labels(labels, groups, 5)
    assert sorted(exchanged) == sorted(labels)
    parts = {tuple(labels[groups == group]) for group in groups}
    assert {tuple(exchanged[groups == group]) for group in groups} == parts
    alone = exchanged_labels(np.arange(9), np.arange(9), 1)
    assert sorted(alone) == list(range(9))
    assert alone.tolist() != list(range(9))


def test_chance_is_told_from_structure(data):
    latents, labels, _ = data
    folds = folds_at_random(labels.codes, 4, 0)
    real = validate(latents, labels, folds, _LOGISTIC).summary
    found = chance(latents, labels, folds, _LOGISTIC, times=19, observed=real)
    assert found.p["accuracy"] == pytest.approx(1 / 20)
    assert found.mean["balanced_accuracy"] == pytest.approx(0.5, abs=0.05)
    noise = np.random.default_rng(9).normal(size=latents.shape)
    nothing = validate(noise, labels, folds, _LOGISTIC).summary
    found = chance(noise, labels, folds, _LOGISTIC, times=19, observed=nothing)
    assert found.p["accuracy"] > 0.05


def test_few_groups_can_be_exchanged_in_few_ways(data):
    latents, labels, groups = data
    folds = folds_of_groups(labels.codes, groups, _NAMES, 2, 0)
    observed = validate(latents, labels, folds, _LOGISTIC).summary
    found = chance(latents, labels, folds, _LOGISTIC, times=30, observed=observed)
    assert "only 24 ways" in found.notes[0]


def test_a_learning_curve_ends_at_the_folds_scores(data):
    latents, labels, _ = data
    folds = folds_at_random(labels.codes, 3, 0)
    whole = validate(latents, labels, folds, _LOGISTIC)
    curve = learning_curve(latents, labels, folds, _LOGISTIC, whole=whole.folds)
    assert [point.share for point in curve] == list(SHARES)
    assert curve[-1].summary == whole.summary
    alone = learning_curve(latents, labels, folds, _LOGISTIC)
    assert alone[-1].summary == whole.summary
    assert [point.n_train for point in curve] == pytest.approx(
        [share * 152 for share in SHARES], rel=0.05
    )


def test_differences_are_taken_fold_by_fold(data):
    latents, labels, _ = data
    folds = folds_at_random(labels.codes, 4, 0)
    first = validate(latents, labels, folds, _LOGISTIC).folds
    other = validate(latents[:, :2], labels, folds, _LOGISTIC).folds
    found = difference(first, other)["accuracy"]
    values = np.array(
        [b.scores["accuracy"] - a.scores["accuracy"] for a, b in zip(first, other, strict=True)]
    )
    ratio = np.mean([one.n_test / one.n_train for one in first])
    assert found == interval(values.tolist(), ratio, bounds=(-1, 1))
    assert difference(first, first)["accuracy"].mean == 0


@pytest.mark.parametrize(("n_folds", "groups"), [(1, 4), (5, 4), (None, 1), (51, 200)])
def test_too_few_groups_or_folds_are_refused(data, n_folds, groups):
    _, labels, _ = data
    codes = np.arange(240) % groups
    names = {code: str(code) for code in range(groups)}
    with pytest.raises(RequestError, match=r"are needed|there can be 2 to 50"):
        folds_of_groups(labels.codes, codes, names, n_folds, 0)


def test_a_class_that_lies_in_one_group_only_is_refused_by_name(data):
    latents, labels, _ = data
    groups = np.where(labels.codes == 1, 1, 0)
    with pytest.raises(RequestError, match="Where north is tested, the other samples hold only b"):
        validate(latents, labels, folds_of_groups(labels.codes, groups, _NAMES, None, 0), _LOGISTIC)
