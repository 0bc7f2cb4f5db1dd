"""What the neighborhood tells of a pattern, where grains are thin, bent, or meet."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import window, window_squares, window_steps
from latentcore.encoding._scan_windows import averaged
from latentcore.encoding._unmixing import UnmixingSettings, unmixed
from latentcore.encoding.training_targets import neighbor_scores
from tests.factories.hexagonal import hexagonal_points

SIDE, APART = 20, 18.0
ROW, COLUMN = np.mgrid[0:SIDE, 0:SIDE].reshape(2, -1)
GRID = ScanGrid.from_coordinates(COLUMN, ROW)
SQUARES = window_squares(GRID, 1)


def scores_of(shares: np.ndarray, *, noise: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return noisy scores of mixtures: shares (n, grains), each grain an axis of its own."""
    clean = np.zeros((len(shares), 20))
    clean[:, : shares.shape[1]] = APART * shares
    clean += np.random.default_rng(seed).normal(0, noise, clean.shape)
    return clean.astype(np.float32)


def of_two(share: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - share, share])


def grain_told(reported: np.ndarray, grains: int) -> np.ndarray:
    return reported[:, :grains].argmax(axis=1)


def test_a_mixture_becomes_the_grain_of_which_it_holds_most():
    share = np.interp(COLUMN, [8, 9, 10, 11], [0.05, 0.42, 0.58, 0.95])
    reported = neighbor_scores(scores_of(of_two(share)), GRID)
    np.testing.assert_array_equal(grain_told(reported, 2), share > 0.5)
    mixed = np.isin(COLUMN, (9, 10))
    purity = reported[mixed].max(axis=1) / APART
    assert purity.min() > 0.8


def test_a_lamella_without_any_pure_point_is_not_lost():
    share = np.where(np.isin(COLUMN, (10, 11)), 0.75, 0.0) + np.where(
        np.isin(COLUMN, (9, 12)), 0.2, 0.0
    )
    reported = neighbor_scores(scores_of(of_two(share)), GRID)
    lamella = np.isin(COLUMN, (10, 11))
    np.testing.assert_array_equal(reported[:, 1] > APART / 2, lamella)
    assert reported[lamella, 1].mean() == pytest.approx(0.75 * APART, rel=0.1)


def test_a_gradient_inside_a_grain_stays():
    share = np.zeros(SIDE * SIDE)
    share[COLUMN >= 14] = 1
    scores = scores_of(of_two(share))
    bend = 0.25 * COLUMN
    scores[:, 5] += bend
    reported = neighbor_scores(scores, GRID)
    inside = (COLUMN > 1) & (COLUMN < 12)
    slope, _ = np.polyfit(COLUMN[inside], reported[inside, 5], 1)
    assert slope == pytest.approx(0.25, rel=0.2)
    noise_before = (scores[:, 5] - bend)[inside].std()
    assert (reported[:, 5] - bend)[inside].std() < 0.6 * noise_before


def test_three_grains_that_meet_stay_three():
    grain = np.where(COLUMN < 10, 0, np.where(ROW < 10, 1, 2))
    reported = neighbor_scores(scores_of(np.eye(3)[grain]), GRID)
    np.testing.assert_array_equal(grain_told(reported, 3), grain)


def test_a_pore_of_few_points_is_not_filled():
    pore = (np.abs(COLUMN - 10) <= 1) & (np.abs(ROW - 10) <= 1)
    reported = neighbor_scores(scores_of(of_two(pore.astype(float))), GRID)
    np.testing.assert_array_equal(grain_told(reported, 2), pore)


def test_shares_of_exact_mixtures_decide():
    settings = UnmixingSettings(reach=1, blur=0.1)
    pure = np.eye(3) * 10
    mixtures = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]) @ pure
    for mixture in mixtures:
        values = np.array(
            [pure[0], pure[0], pure[1], pure[0], mixture, pure[1], pure[2], pure[2], pure[1]],
            np.float32,
        )
        reported, count = unmixed(values, values, np.arange(9)[None], SQUARES, 1.0, settings)
        assert count == [3]
        assert reported[0].argmax() == mixture.argmax()
        assert np.linalg.norm(reported[0] - pure[mixture.argmax()]) < np.linalg.norm(
            mixture - pure[mixture.argmax()]
        )


def test_what_is_alike_has_one_corner():
    values = np.random.default_rng(0).normal(0, 0.1, (9, 4)).astype(np.float32)
    _, count = unmixed(values, values, np.arange(9)[None], SQUARES, 1.0, UnmixingSettings(reach=1))
    assert count == [1]


def test_windows_end_where_the_scan_does():
    near = window(ScanGrid.from_coordinates([0, 1, 0, 1], [0, 0, 1, 1]), 1)
    steps = window_steps(GRID, 1).tolist()
    assert [near[0, steps.index(step)] for step in ([0, 0], [0, 1], [1, 0], [1, 1])] == [0, 1, 2, 3]
    assert (near[0] == -1).sum() == 5


def test_averages_are_of_what_is_alike():
    values = np.array([[0.0], [0.2], [9.0]], np.float32)
    near = np.array([[-1, 0, 1], [0, 1, 2], [1, 2, -1]])
    result = averaged(values, values, near, 1.0)
    w = np.exp(-0.02)
    expected = [w * 0.2 / (1 + w), 0.2 / (1 + w), 9.0]
    np.testing.assert_allclose(result[:, 0], expected, atol=1e-5)


def test_a_hexagonal_scan_has_neighborhoods_of_its_own():
    points = hexagonal_points(SIDE, SIDE)
    grid = ScanGrid.from_coordinates(*points.T)
    right = points[:, 0] > SIDE / 2
    scores = scores_of(of_two(right.astype(float)))
    reported = neighbor_scores(scores, grid)
    np.testing.assert_array_equal(grain_told(reported, 2), right)
    noise = scores - scores_of(of_two(right.astype(float)), noise=0.0)
    left = reported - scores_of(of_two(right.astype(float)), noise=0.0)
    assert left[:, :2].std() < 0.5 * noise[:, :2].std()
