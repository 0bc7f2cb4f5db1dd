"""Propagation labels all points, and its error is one of squares that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.probes import make_probe
from latentcore.analysis.regions.propagation import propagate
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import RequestError

Y, X = (axis.ravel() for axis in np.mgrid[:30, :40])
TRUTH = (X >= 20).astype(np.int64) + (Y >= 15)
NAMES = ("a", "b", "c")


def _latents(noise: float = 0.3, *, grid: bool = True) -> LatentSet:
    random = np.random.default_rng(0)
    centers = np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0]])
    values = (centers[TRUTH] + random.normal(0, noise, (1200, 3))).astype(np.float32)
    values[11] = np.nan
    return LatentSet(
        values, default_sample_ids(1200), np.arange(3, dtype=np.int32),
        grid=ScanGrid.from_coordinates(X, Y) if grid else None,
    )  # fmt: skip


def _labels() -> np.ndarray:
    """Label one point in ten, in patches all over the scan."""
    return np.where((X % 9 < 3) & (Y % 9 < 3), TRUTH, -1)


def test_all_points_get_the_class_they_are_of() -> None:
    found = propagate(_latents(), _labels(), NAMES, classifier=make_probe("logistic", {}))
    assert found.labels[11] == -1
    assert np.isnan([found.probability[11], found.margin[11]]).all()
    rest = np.arange(1200) != 11
    assert (found.labels == TRUTH)[rest].mean() > 0.99
    assert found.scores.accuracy > 0.98
    assert found.scores.confusion.sum() == (_labels()[rest] >= 0).sum()
    ordered = np.sort(found.probabilities[rest], axis=1)
    np.testing.assert_allclose(found.margin[rest], ordered[:, 2] - ordered[:, 1])
    np.testing.assert_allclose(found.probability[rest], ordered[:, 2])
    assert found.split.kind == "blocked"


def test_what_to_label_next_is_unsure_unlabeled_and_spread() -> None:
    found = propagate(
        _latents(1.5), _labels(), NAMES, classifier=make_probe("logistic", {}), n_next=8
    )
    rows = found.next_rows
    assert len(rows) == 8
    assert (_labels()[rows] == -1).all()
    assert (np.diff(found.margin[rows]) >= 0).all()
    assert rows[0] == np.nanargmin(np.where(_labels() < 0, found.margin, np.nan))
    apart = np.hypot(X[rows][:, None] - X[rows], Y[rows][:, None] - Y[rows])
    assert apart[np.triu_indices(8, 1)].min() > np.sqrt(1200 / 8) / 2


def test_the_error_is_of_unseen_squares() -> None:
    # Latents that only know in which square they are: others say nothing of its class.
    patch = Y // 5 * 8 + X // 5
    latents = LatentSet(
        np.eye(48, dtype=np.float32)[patch], default_sample_ids(1200),
        np.arange(48, dtype=np.int32), grid=ScanGrid.from_coordinates(X, Y),
    )  # fmt: skip
    labels = np.random.default_rng(0).integers(0, 2, 48)[patch]
    logistic = make_probe("logistic", {})
    found = propagate(latents, labels, NAMES[:2], classifier=logistic, block=5)
    assert (found.labels == labels).all()
    assert found.scores.accuracy < 0.75


def test_a_class_in_one_place_is_said_to_be_untested() -> None:
    labels = np.where((X < 3) & (Y < 3), 0, np.where(X > 20, 1, -1))
    found = propagate(_latents(), labels, NAMES, classifier=make_probe("logistic", {}))
    assert any("points of a lie in squares that were left out together" in n for n in found.notes)
    assert any("never predicted: c" in note for note in found.notes)


def test_what_can_not_be_propagated_is_refused() -> None:
    logistic = make_probe("logistic", {})
    with pytest.raises(RequestError, match=r"with a latent are of 'a'\. Keep another region"):
        propagate(_latents(), np.where(X < 4, 0, -1), NAMES, classifier=logistic)
    few = np.full(1200, -1)
    few[[0, 1]] = 0, 1
    with pytest.raises(RequestError, match="but 5 are needed"):
        propagate(_latents(), few, NAMES, classifier=logistic)
    with pytest.raises(RequestError, match="A class has 1 labeled samples, but each needs 5"):
        propagate(_latents(grid=False), few, NAMES, classifier=logistic)
    random = propagate(_latents(grid=False), _labels(), NAMES, classifier=logistic)
    assert random.split.kind == "stratified"
    assert any("dealt at random" in note for note in random.notes)
