"""Rankings of some points among many: the same as if there were no others."""

from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.ranking.sampled import rank_latents
from latentcore.analysis.samples import Sample
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids


@pytest.mark.parametrize("sample", ["all", 1000])
def test_points_among_others_are_scored_as_if_alone(sample: Sample) -> None:
    rng = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:60, 0:50])
    values = rng.normal(size=(len(x), 3)).astype(np.float32)
    values[rng.random(len(x)) < 0.05] = np.nan
    reference = values[:, 1] + rng.normal(size=len(x))
    reference[::11] = np.nan
    dims = np.arange(3, dtype=np.int32)
    grid = ScanGrid.from_coordinates(x, y)
    latents = LatentSet(values, default_sample_ids(len(x)), dims, grid)
    among = x + y < 70
    asked = {"sample": sample, "metrics": ["pearson", "spearman", "pp_spatial"], "seed": 3}
    alone = rank_latents(latents.take(among), reference[among], **asked)
    found = rank_latents(latents, reference, among=among, with_errors=False, **asked)
    for metric, scores in alone.ranking.scores.items():
        np.testing.assert_allclose(found.ranking.scores[metric], scores, rtol=1e-9)
    assert found.sampling is None or found.sampling.of == alone.sampling.of
    assert not found.errors
    if found.rows is not None:
        np.testing.assert_array_equal(found.rows, np.flatnonzero(among)[alone.rows])
