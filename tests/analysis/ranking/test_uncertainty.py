"""Intervals hold the truth as often as they say, and chance is judged as often as it strikes.

Fields are Gaussian, smooth, and known: with correlation rho, their mutual information is
-log(1 - rho²) / 2.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats

from latentcore.analysis.ranking import rank
from latentcore.analysis.ranking._chance import p_values, step_down
from latentcore.analysis.ranking.uncertainty import block_intervals, chance
from latentcore.errors import Cancelled, InputError
from latentcore.progress import Progress

SHAPE = (40, 40)
Y, X = (axis.ravel().astype(float) for axis in np.mgrid[: SHAPE[0], : SHAPE[1]])
SMOOTHING = 1.5
RHO = 0.6


def fields(random, number):
    """Return independent fields of variance 1 with autocorrelation exp(-h² / 4 SMOOTHING²)."""
    margin = 6
    noise = random.normal(size=(number, SHAPE[0] + 2 * margin, SHAPE[1] + 2 * margin))
    smooth = ndimage.gaussian_filter(noise, (0, SMOOTHING, SMOOTHING))
    inner = smooth[:, margin:-margin, margin:-margin].reshape(number, -1)
    return inner * 2 * np.sqrt(np.pi) * SMOOTHING


def iid_intervals(correlations, n):
    """Return Fisher's intervals for n independent points."""
    middle, half = np.arctanh(correlations), stats.norm.ppf(0.975) / np.sqrt(n - 3)
    return np.tanh(middle - half), np.tanh(middle + half)


def covered(lower, upper, truth):
    return int(((lower <= truth) & (truth <= upper)).sum())


def test_intervals_hold_a_known_truth_at_the_stated_rate():
    random = np.random.default_rng(0)
    truth = {"pearson": RHO, "mi": -np.log(1 - RHO**2) / 2}
    hits, iid_hits, n = dict.fromkeys(truth, 0), 0, 0
    for seed in range(10):
        reference, *noise = fields(random, 9)
        latents = (RHO * reference + np.sqrt(1 - RHO**2) * np.array(noise)).T.astype(np.float32)
        found = block_intervals(
            latents, reference, X, Y, metrics=list(truth), n_resamples=60, seed=seed
        )
        for metric, value in truth.items():
            hits[metric] += covered(found.lower[metric], found.upper[metric], value)
        pearson = rank(latents, reference, X, Y, metrics=["pearson"]).scores["pearson"]
        iid_hits += covered(*iid_intervals(pearson, len(X)), RHO)
        n += latents.shape[1]
    # 16 blocks can't be had to the per cent: 90 % is what 95 % may be, 99 % likewise.
    for metric in truth:
        assert stats.binom.cdf(hits[metric], n, 0.90) > 0.001, (metric, hits, n)
        assert stats.binom.sf(hits[metric] - 1, n, 0.99) > 0.001 or hits[metric] == n
    assert stats.binom.cdf(iid_hits, n, 0.75) < 0.001, "independent points would have done"


def test_intervals_are_about_as_wide_as_scores_scatter():
    random = np.random.default_rng(1)
    scores, widths = [], []
    for seed in range(30):
        a, b = fields(random, 2)
        latent = (RHO * a + np.sqrt(1 - RHO**2) * b)[:, None].astype(np.float32)
        scores.append(rank(latent, a, X, Y, metrics=["pearson"]).scores["pearson"][0])
        found = block_intervals(latent, a, X, Y, metrics=["pearson"], n_resamples=60, seed=seed)
        widths.append((found.upper["pearson"] - found.lower["pearson"])[0])
    scatter = 2 * 1.96 * np.std(scores, ddof=1)
    assert 0.7 < np.median(widths) / scatter < 1.7


@pytest.mark.parametrize("method", ["shift", "variogram"])
def test_p_values_of_independent_smooth_maps_are_uniform(method):
    random = np.random.default_rng(2)
    p, iid, families = [], [], []
    gap = (X - 20) ** 2 + (Y - 20) ** 2 > 19**2 if method == "variogram" else np.zeros(len(X), bool)
    for seed in range(25):
        reference, *noise = fields(random, 7)
        latents = np.array(noise).T.astype(np.float32)
        latents[gap] = np.nan
        reference[gap] = np.nan
        found = chance(
            latents, reference, X, Y,
            metrics=["pearson"], n_surrogates=79, method=method, seed=seed,
        )  # fmt: skip
        p.extend(found.p["pearson"])
        families.append(found.corrected["pearson"].min())
        kept = ~gap
        shuffled = [random.permutation(reference[kept]) for _ in range(79)]
        null = [_correlations(latents[kept], values) for values in shuffled]
        observed = _correlations(latents[kept], reference[kept])
        iid.extend((1 + (np.array(null) >= observed).sum(axis=0)) / 80)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert stats.binom.sf((np.array(families) <= 0.1).sum() - 1, 25, 0.1) > 0.001
    assert stats.kstest(iid, "uniform").pvalue < 1e-8, "shuffled points would have done"


def _correlations(latents, reference):
    return np.abs([np.corrcoef(latent, reference)[0, 1] for latent in latents.T])


@pytest.mark.parametrize("metric", ["pearson", "spearman", "kendall", "mi", "dcorr", "hsic"])
def test_what_follows_the_reference_is_not_chance(metric):
    random = np.random.default_rng(3)
    reference, *noise = fields(random, 4)
    latents = np.array(noise).T.astype(np.float32)
    latents[:, 1] += 1.5 * reference
    found = chance(latents, reference, X, Y, metrics=[metric], n_surrogates=19)
    assert found.method == "shift"
    assert found.p[metric][1] == found.corrected[metric][1] == 1 / 20
    assert (found.corrected[metric] >= found.p[metric]).all()
    assert found.corrected[metric][[0, 2]].min() > 1 / 20


def test_dimensions_without_a_score_have_no_interval_and_no_p():
    reference, *noise = fields(np.random.default_rng(4), 3)
    latents = np.array(noise).T.astype(np.float32)
    latents[:, 0] = 1.0
    intervals = block_intervals(latents, reference, X, Y, metrics=["dcorr"], n_resamples=40)
    found = chance(latents, reference, X, Y, metrics=["dcorr"], n_surrogates=19)
    for table in (intervals.lower, intervals.upper, found.p, found.corrected):
        assert np.isnan(table["dcorr"]).tolist() == [True, False]


@pytest.mark.parametrize(
    "call",
    [
        lambda *scan, progress: block_intervals(
            *scan, metrics=["mi", "pearson"], progress=progress
        ),
        lambda *scan, progress: chance(*scan, metrics=["mi", "pearson"], progress=progress),
    ],
)
def test_cancelling_stops_within_a_metric(call):
    reference, latent = fields(np.random.default_rng(10), 2)
    steps = []

    def on_step(done, total, message):
        steps.append(done / total)
        if len(steps) == 5:
            progress.cancel()

    progress = Progress(on_step)
    with pytest.raises(Cancelled):
        call(latent[:, None], reference, X, Y, progress=progress)
    assert len(steps) == 5
    assert steps == sorted(steps)
    assert steps[-1] < 0.1


def test_same_seed_same_numbers():
    reference, *noise = fields(np.random.default_rng(5), 3)
    latents = np.array(noise).T.astype(np.float32)
    one, two, other = (
        (
            block_intervals(latents, reference, X, Y, metrics=["mi"], n_resamples=40, seed=s),
            chance(latents, reference, X, Y, metrics=["mi"], n_surrogates=19, seed=s),
        )
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one[0].lower["mi"], two[0].lower["mi"])
    np.testing.assert_array_equal(one[1].p["mi"], two[1].p["mi"])
    assert (one[0].upper["mi"] != other[0].upper["mi"]).all()


def test_surrogates_of_a_map_with_gaps_keep_its_histogram_and_its_variogram():
    from latentcore.analysis.autocorrelation import autocorrelation, correlation_length
    from latentcore.analysis.ranking._surrogates import matched, variogram_maps
    from latentcore.containers import ScanGrid

    random = np.random.default_rng(6)
    reference = np.exp(fields(random, 1)[0])
    reference[random.random(len(X)) < 0.2] = np.nan
    grid = ScanGrid.from_coordinates(X, Y)
    known = np.isfinite(reference)
    draw = variogram_maps(reference, grid)
    lengths = []
    for _ in range(20):
        values = np.full(len(X), np.nan)
        values[known] = matched(draw(random)[known], reference[known])
        np.testing.assert_array_equal(np.sort(values[known]), np.sort(reference[known]))
        assert abs(np.corrcoef(values[known], reference[known])[0, 1]) < 0.5
        lengths.append(correlation_length(autocorrelation(values, grid), grid))
    own = correlation_length(autocorrelation(reference, grid), grid)
    assert np.mean(lengths) == pytest.approx(own, rel=0.15)


def test_step_down_is_that_of_its_definition():
    random = np.random.default_rng(7)
    strengths = np.abs(random.normal(size=(200, 5)) * [1, 1, 1, 10, 1])
    strengths[0, :2] += [3, 2]
    strengths[:, 4] = strengths[:, 1]
    scaled = (strengths - strengths.mean(axis=0)) / strengths.std(axis=0)
    order = np.argsort(-scaled[0], kind="stable")
    wanted, before = np.empty(5), 0.0
    for place, column in enumerate(order):
        highest = scaled[:, order[place:]].max(axis=1)
        before = max(before, (highest >= scaled[0, column]).mean())
        wanted[column] = before
    assert step_down(strengths) == pytest.approx(wanted)
    assert (wanted >= p_values(strengths)).all()


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        (block_intervals, {"level": 1.5}, "0 and 1"),
        (block_intervals, {"n_resamples": 5}, "at least 40"),
        (block_intervals, {"block": 100.0}, "into 1; intervals need at least"),
        (block_intervals, {"block": -1.0}, "into 0"),
        (chance, {"n_surrogates": 3}, "at least 19"),
        (chance, {"method": "shuffle"}, "shift, variogram"),
        (chance, {"method": "shift"}, "finite at 1599 places of a grid of 40 × 40"),
    ],
)
def test_what_makes_no_sense_is_refused(call, arguments, expected):
    reference, latent = fields(np.random.default_rng(8), 2)
    reference[5] = np.nan
    with pytest.raises(InputError, match=expected):
        call(latent[:, None], reference, X, Y, metrics=["pearson"], **arguments)
