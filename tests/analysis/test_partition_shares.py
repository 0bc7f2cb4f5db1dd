"""Shares of partitions in a selection, held against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from latentcore.analysis.partition_shares import comparable, partition_shares
from latentcore.containers import partitions_of


def test_shares_and_intervals_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["deformed"] * 300 + ["annealed"] * 500 + ["none"] * 40 + ["away"] * 20)
    inside = rng.random(len(names)) < 0.8
    inside[names == "away"] = False
    mask = inside & (rng.random(len(names)) < 0.3)
    mask[names == "none"] = False
    partitions = comparable(partitions_of(names))
    assert partitions is not None
    found = partition_shares(partitions, inside, mask)
    assert [one.name for one in found] == ["deformed", "annealed", "none", "away"]
    for one in found[:3]:
        own = names == one.name
        assert one.n == (own & mask).sum()
        oracle = binomtest(one.n, int((own & inside).sum()))
        assert one.of_partition == oracle.statistic
        interval = oracle.proportion_ci(method="wilson")
        assert one.interval == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert (found[2].n, found[2].interval[0]) == (0, 0.0)
    assert np.isnan([found[3].of_partition, *found[3].interval]).all()


def test_one_partition_or_hundreds_are_not_told_of() -> None:
    assert comparable(None) is None
    assert comparable(partitions_of(np.array(["train"] * 5))) is None
    assert comparable(partitions_of(np.arange(51).astype(str))) is None
