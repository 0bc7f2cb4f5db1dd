"""What is done with all metrics: order, gaps, refusals, progress."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.ranking import metric_names, rank
from latentcore.containers import Ranking
from latentcore.errors import Cancelled, InputError, ShapeError, UnknownNameError
from latentcore.progress import Progress


@pytest.fixture
def scan():
    random = np.random.default_rng(0)
    y, x = (axis.ravel().astype(float) for axis in np.mgrid[:10, :12])
    reference = random.normal(size=120)
    latents = random.normal(size=(120, 6)).astype(np.float32)
    latents[:, 2] -= 2 * reference
    latents[:, 4] += reference
    return latents, reference, x, y


def test_strongest_dimension_comes_first(scan):
    ranking = rank(*scan, dims=[10, 11, 12, 13, 14, 15])
    for metric in metric_names():
        assert ranking.order(metric)[:2].tolist() == [12, 14]
    assert ranking.scores["pearson"][2] < -0.5
    assert tuple(ranking.scores) == metric_names()
    assert ranking.reasons == ("",) * 6
    assert ranking.n.tolist() == [120] * 6


def test_gaps_are_left_out_of_each_dimension_by_itself(scan):
    latents, reference, x, y = scan
    random = np.random.default_rng(1)
    latents[random.random(120) < 0.2, :3] = np.nan  # one pattern for three dimensions
    latents[random.random(120) < 0.3, 4] = np.nan
    reference[random.random(120) < 0.1] = np.nan
    together = rank(latents, reference, x, y)
    for column in range(6):
        kept = np.isfinite(latents[:, column]) & np.isfinite(reference)
        alone = rank(latents[kept][:, [column]], reference[kept], x[kept], y[kept])
        assert together.n[column] == kept.sum()
        for metric in metric_names():
            assert together.scores[metric][column] == alone.scores[metric][0]


def test_dimension_that_cannot_be_scored_says_why(scan):
    latents, reference, x, y = scan
    latents[:, 0] = 7.5
    latents[3, 1] = np.inf
    latents[19:, 3] = np.nan
    latents[:, 5] = 3 * x - y
    ranking = rank(latents, reference, x, y)
    assert [reason.split(":")[0] for reason in ranking.reasons] == [
        "constant", "infinite at 1 points", "", "19 finite pairs; at least 20 are needed", "",
        "Partial Pearson (no spatial trend)",
    ]  # fmt: skip
    for metric in metric_names():
        missing = np.isnan(ranking.scores[metric])
        assert missing.tolist() == [True, True, False, True, False, metric == "pp_spatial"]
        assert ranking.order(metric)[:2].tolist() == [2, 4]
        assert ranking.order(metric)[-3:].tolist() in ([0, 1, 3], [1, 3, 5])


def test_reference_that_is_constant_where_a_dimension_is_finite(scan):
    latents, reference, x, y = scan
    reference[:40] = 1.0
    latents[40:, 0] = np.nan
    assert rank(latents, reference, x, y).reasons[0].startswith("the reference is constant, 1,")


@pytest.mark.parametrize(
    ("change", "error", "expected"),
    [
        (lambda a: {"reference": np.full(120, 3.0)}, InputError, "3 at all 120 points"),
        (lambda a: {"reference": np.where(a["x"] < 1, a["x"] + a["y"], np.nan)}, InputError,
         "finite at 10 of 120 points"),
        (lambda a: {"reference": a["reference"][:-1]}, ShapeError, r"\(119,\)"),
        (lambda a: {"latents": a["latents"][:, 0]}, ShapeError, r"shape \(n, d\)"),
        (lambda a: {"x": np.where(a["x"] == 0, np.nan, a["x"])}, InputError, "10 of 120 points"),
        (lambda a: {"dims": [1, 2]}, ShapeError, "6 columns"),
        (lambda a: {"trend_degree": 4}, InputError, "1, 2 or 3"),
        (lambda a: {"metrics": []}, InputError, "at least one metric"),
        (lambda a: {"metrics": ["pearsons"]}, UnknownNameError, "Did you mean 'pearson'"),
    ],
)  # fmt: skip
def test_what_cannot_be_ranked_is_refused(scan, change, error, expected):
    arguments = dict(zip(("latents", "reference", "x", "y"), scan, strict=True))
    with pytest.raises(error, match=expected):
        rank(**{**arguments, **change(arguments)})


def test_each_metric_is_handed_over_as_soon_as_it_is_complete(scan):
    handed = {}
    ranking = rank(*scan, on_metric=handed.__setitem__)
    assert " ".join(handed) == "pearson pp_spatial spearman kendall mi dcorr hsic"
    for metric, scores in handed.items():
        np.testing.assert_array_equal(scores, ranking.scores[metric])


def test_progress_reaches_its_total_and_never_goes_back(scan):
    steps = []
    rank(*scan, progress=Progress(lambda done, total, message: steps.append((done, total))))
    done, totals = zip(*steps, strict=True)
    assert set(totals) == {7 * 6}
    assert done[-1] == 42
    assert list(done) == sorted(done)


def test_cancelling_stops_before_the_next_metric(scan):
    progress, handed = Progress(), []

    def stop(name, scores):
        handed.append(name)
        progress.cancel()

    with pytest.raises(Cancelled):
        rank(*scan, progress=progress, on_metric=stop)
    assert len(handed) == 1


def test_chosen_metrics_come_once_in_the_order_of_their_columns(scan):
    ranking = rank(*scan, metrics=["dcorr", "pearson", "dcorr"])
    assert tuple(ranking.scores) == ("pearson", "dcorr")
    assert ranking.absolute == {"pearson"}
    with pytest.raises(UnknownNameError, match="weren't scored by 'mi'"):
        ranking.order("mi")


def test_equal_strengths_are_ordered_by_dimension():
    scores = {"pearson": np.array([0.5, -0.5, np.nan, 0.9])}
    dims = np.array([8, 2, 1, 5], np.int32)
    ranking = Ranking(dims, scores, frozenset(scores), np.full(4, 30, np.int32), ("",) * 4)
    assert ranking.order("pearson").tolist() == [5, 2, 8, 1]


def test_ranking_of_uneven_columns_is_refused():
    with pytest.raises(ShapeError, match=r"\[1, 2\]"):
        Ranking(
            np.arange(2, dtype=np.int32), {"mi": np.zeros(1)}, frozenset(),
            np.zeros(2, np.int32), ("", ""),
        )  # fmt: skip
