"""Every metric against its definition, on data of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.analysis.ranking import METRICS, metric_names, rank
from tests.analysis.ranking.definitions import ABSOLUTE_ERROR, DEFINITIONS, residual

KINDS = {
    "normal": lambda random, n: random.normal(size=n),
    "offset": lambda random, n: 1000 + random.normal(size=n),
    "few values": lambda random, n: random.integers(0, 4, n),
    "gray levels": lambda random, n: random.integers(0, 256, n),
    "mostly zero": lambda random, n: random.normal(size=n) * (random.random(n) < 0.3),
    "two values": lambda random, n: np.arange(n) % 2,
    "heavy tails": lambda random, n: random.standard_cauchy(n),
    "collapsed": lambda random, n: 2e-4 * random.normal(size=n),
    "huge": lambda random, n: 1e30 * random.normal(size=n),
    "ascending": lambda random, n: np.sort(random.normal(size=n)),
    "signed zeros": lambda random, n: np.array([-0.0, 0.0, 1.0])[random.integers(0, 3, n)],
}  # fmt: skip
kinds = st.sampled_from(sorted(KINDS))


def expected(metric, latent, reference, x, y):
    finite = np.isfinite(latent) & np.isfinite(reference)
    latent, reference = latent.astype(float)[finite], reference[finite]
    return DEFINITIONS[metric](latent, reference, x[finite], y[finite])


def scan(rows, columns):
    y, x = (axis.ravel().astype(float) for axis in np.mgrid[:rows, :columns])
    return x, y


@pytest.mark.parametrize("metric", DEFINITIONS)
@settings(max_examples=40, deadline=None)
@given(
    kind=kinds,
    other=kinds,
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(5, 9),
    relation=st.sampled_from([0.0, 0.7, 1.0]),
    missing=st.sampled_from([0.0, 0.2]),
)
def test_score_is_that_of_the_definition(metric, kind, other, seed, rows, relation, missing):
    random = np.random.default_rng(seed)
    x, y = scan(rows, 8)
    reference = KINDS[other](random, len(x)).astype(float)
    own = KINDS[kind](random, len(x)).astype(float)
    scale = np.abs(own).max() / np.abs(reference).max() if reference.any() else 1.0
    latent = (own * (1 - relation) + relation * scale * reference).astype(np.float32)
    latent[random.random(len(x)) < missing] = np.nan
    reference[random.random(len(x)) < missing / 2] = np.nan
    finite = np.isfinite(latent) & np.isfinite(reference)
    if finite.sum() < 20 or min(np.ptp(latent[finite]), np.ptp(reference[finite])) == 0:
        return
    ranking = rank(latent[:, None], reference, x, y, metrics=[metric])
    assert ranking.scores[metric][0] == pytest.approx(
        expected(metric, latent, reference, x, y),
        rel=1e-9,
        abs=ABSOLUTE_ERROR.get(metric, 1e-11),
    )


@pytest.mark.parametrize("metric", DEFINITIONS)
@pytest.mark.parametrize("kind", ["normal", "gray levels", "heavy tails", "mostly zero"])
def test_score_of_many_points_is_that_of_the_definition(metric, kind):
    random = np.random.default_rng(3)
    x, y = scan(30, 40)
    reference = KINDS[kind](random, len(x)).astype(float)
    latents = np.stack(
        [KINDS["normal"](random, len(x)) + 0.05 * reference, KINDS["heavy tails"](random, len(x))],
        axis=1,
    ).astype(np.float32)
    found = rank(latents, reference, x, y, metrics=[metric]).scores[metric]
    wanted = [expected(metric, latent, reference, x, y) for latent in latents.T]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("metric", sorted(set(DEFINITIONS) - {"hsic"}))
@pytest.mark.parametrize("factor", [2.0**-100, 2.0**100])
def test_units_change_no_digit(metric, factor):
    random = np.random.default_rng(4)
    x, y = scan(6, 8)
    latent = random.normal(size=(48, 1)).astype(np.float32)
    reference = latent[:, 0] + random.normal(size=48)
    plain = rank(latent, reference, x, y, metrics=[metric]).scores[metric]
    scaled = rank(
        (latent.astype(float) * factor).astype(np.float32), reference * factor**6, x, y,
        metrics=[metric],
    ).scores[metric]  # fmt: skip
    assert scaled == pytest.approx(plain, rel=1e-14)


def test_hsic_of_all_pairs_is_that_of_the_nodes(monkeypatch):
    random = np.random.default_rng(5)
    x, y = scan(20, 20)
    latents = random.standard_cauchy((400, 3)).astype(np.float32)
    reference = np.exp(4 * random.normal(size=400)) + latents[:, 0]
    nodes = rank(latents, reference, x, y, metrics=["hsic"]).scores["hsic"]
    monkeypatch.setattr("latentcore.analysis.ranking.kernel._MOST_ENTRIES", 0)
    pairs = rank(latents, reference, x, y, metrics=["hsic"]).scores["hsic"]
    assert nodes == pytest.approx(pairs, rel=1e-10)
    assert len(set(pairs)) == 3


@pytest.mark.parametrize("metric", ["dcorr", "hsic", "mi"])
@pytest.mark.parametrize("outlier", [1e3, 1e12, 1e30])
def test_outliers_cost_no_digit(metric, outlier):
    random = np.random.default_rng(9)
    x, y = scan(15, 20)
    latent, reference = random.normal(size=(2, 300)) + random.normal(size=300)
    latent[[3, 4, 5]] = [outlier, outlier * 1.5, -outlier]
    reference[[7, 8, 4]] = [outlier**2, 2 * outlier**2, outlier]
    latent = latent.astype(np.float32)
    found = rank(latent[:, None], reference, x, y, metrics=[metric]).scores[metric][0]
    assert found == pytest.approx(expected(metric, latent, reference, x, y), rel=1e-9)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_trend_of_any_degree_is_removed(degree):
    random = np.random.default_rng(6)
    x, y = scan(12, 15)
    trend = (0.1 * x - 0.2 * y) ** degree
    latent = (random.normal(size=180) + trend).astype(np.float32)
    reference = random.normal(size=180) - trend
    found = rank(latent[:, None], reference, x + 5000, y * 1e-6, metrics=["pp_spatial"],
                 trend_degree=degree).scores["pp_spatial"][0]  # fmt: skip
    a, b = (residual(v, x, y, degree) for v in (latent.astype(float), reference))
    assert found == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-9)


def test_trend_on_a_single_row_has_no_y():
    random = np.random.default_rng(7)
    x, y = np.arange(50.0), np.full(50, 3.0)
    latent, reference = random.normal(size=(2, 50)) + 0.1 * x
    found = rank(latent[:, None], reference, x, y, metrics=["pp_spatial"]).scores["pp_spatial"][0]
    flat = [residual(v.astype(np.float32).astype(float), x, x * 0, 1) for v in (latent, reference)]
    assert found == pytest.approx(np.corrcoef(*flat)[0, 1], abs=1e-6)


def test_seed_changes_only_mutual_information():
    random = np.random.default_rng(8)
    x, y = scan(10, 10)
    latents = random.integers(0, 9, (100, 2)).astype(np.float32)
    reference = random.integers(0, 9, 100).astype(float)
    one, two = (rank(latents, reference, x, y, seed=seed).scores for seed in (0, 1))
    changed = {name for name in one if not np.array_equal(one[name], two[name])}
    assert changed == {"mi"}


def test_columns_are_those_of_the_command_line():
    assert metric_names() == tuple(DEFINITIONS)
    absolute = {name for name, metric in METRICS.items() if metric.absolute}
    assert absolute == {"pearson", "spearman", "kendall", "pp_spatial"}
