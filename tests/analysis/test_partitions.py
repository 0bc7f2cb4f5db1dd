"""Two partitions of a scan against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from latentcore.analysis import partitions
from latentcore.analysis.agreement import MISSING
from latentcore.analysis.partitions import (
    compare_borders,
    compare_partitions,
    conditional_entropies,
    match_labels,
)
from latentcore.containers import ScanGrid

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=60)


def grid_of(rows, columns, step=(1.0, 1.0)):
    y, x = (axis.ravel() for axis in np.mgrid[:rows, :columns])
    return ScanGrid.from_coordinates(x * step[0], y * step[1], step=step)


@given(LABELS, st.randoms())
def test_information_and_matching_are_those_of_the_textbooks(labels, random):
    reference = np.array([random.choice((label, 2, 7)) for label in labels])
    labels = np.array(labels)
    table = contingency_matrix(labels, reference)
    entropies = [mutual_info_score(one, one) for one in (labels, reference)]
    information = mutual_info_score(labels, reference)
    split, joined = conditional_entropies(labels, reference)
    assert split == pytest.approx(entropies[0] - information, abs=1e-9)
    assert joined == pytest.approx(entropies[1] - information, abs=1e-9)
    best = table[linear_sum_assignment(-table)].sum()
    matched = match_labels(labels, reference)
    assert len(set(matched.values())) == len(matched)
    in_common = sum(((labels == own) & (reference == to)).sum() for own, to in matched.items())
    assert in_common == best


def test_halves_of_halves_have_one_bit():
    labels, reference = np.repeat([0, 1, 2, 3], 10), np.repeat([0, 1], 20)
    assert conditional_entropies(labels, reference) == pytest.approx((np.log(2), 0))
    assert conditional_entropies(reference, labels) == pytest.approx((0, np.log(2)))
    assert conditional_entropies(labels, labels[::-1].copy()) == pytest.approx((0, 0))
    nothing = np.full(40, MISSING)
    assert np.isnan(conditional_entropies(labels, nothing)).all()


def test_many_labels_are_matched_from_the_largest_overlap_down(monkeypatch):
    monkeypatch.setattr(partitions, "_MOST_MATCHED", 1)
    labels = np.repeat([4, 5], [5, 6])
    reference = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, -1, MISSING])
    assert match_labels(labels, reference) == {5: 0, 4: 1}


@pytest.mark.parametrize(("shift", "found"), [(0, 1), (1, 1), (2, 0)])
def test_a_border_is_found_within_one_step(shift, found):
    grid = grid_of(6, 10, (0.5, 2.0))
    labels = (grid.col >= 4 + shift).astype(int)
    borders = compare_borders(grid, labels, (grid.col >= 4).astype(int))
    assert (borders.recall, borders.precision) == (found, found)
    assert borders.reference_length == 6 * 2.0


def test_shares_count_lengths():
    """The reference has a vertical border of 6 × 2 and a horizontal one of 10 × 0.5."""
    grid = grid_of(6, 10, (0.5, 2.0))
    vertical = (grid.col >= 5).astype(int)
    both = vertical + 2 * (grid.row >= 3)
    found = compare_borders(grid, vertical, both)
    assert found.reference_length == pytest.approx(17)
    # Of the horizontal border the two segments beside the vertical one are half a step away from
    # it in both directions; all others are further than a step.
    assert found.recall == pytest.approx((12 + 2 * 0.5) / 17)
    assert found.precision == 1
    assert np.bincount(found.kinds.ravel(), minlength=4)[1:].tolist() == [6 + 2, 0, 8]


def test_what_has_no_label_has_no_border():
    grid = grid_of(4, 6)
    labels = (grid.col >= 3).astype(int)
    holes = labels.copy()
    holes[grid.row == 0] = -1
    holes[grid.row == 3] = MISSING
    found = compare_partitions(grid, holes, labels)
    assert (found.borders.recall, found.borders.precision) == (1, 1)
    assert found.borders.reference_length == 2
    assert (found.differs == -1).sum() == 12
    alone = compare_borders(grid, np.zeros(24, int), labels)
    assert alone.recall == 0
    assert np.isnan(alone.precision)


def test_a_split_grain_differs_in_its_smaller_part():
    grid = grid_of(4, 6)
    reference = (grid.col >= 3).astype(int)
    labels = np.where(grid.col == 5, 7, reference)
    found = compare_partitions(grid, labels, reference)
    assert found.matched == {0: 0, 1: 1}
    np.testing.assert_array_equal(found.differs, (grid.col == 5).astype(int))
    assert found.share_different == pytest.approx(4 / 24)
    assert found.variation_of_information == pytest.approx(found.split)
