"""The published scores come out of the published latents."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentcore import readers
from latentcore.analysis.ranking import metric_names, rank
from latentcore.containers import Roi

ROI = (350, 420, 70, 140)


@pytest.fixture(scope="module")
def pellet(shared_data):
    return shared_data / "roi_x350_420_y70_140_dim512"


@pytest.fixture(scope="module")
def ranking(pellet):
    latents = readers.open_latents(pellet / "latent_full_maps.parquet")
    latents = latents.take(Roi.from_bounds(ROI).mask(latents.grid))
    table = pd.read_csv(next((pellet / "clusters").glob("*_gmm.csv")))
    band_contrast = table.set_index(["x", "y"])["bandcontrast"]
    places = pd.MultiIndex.from_arrays([latents.grid.x, latents.grid.y])
    reference = band_contrast.reindex(places).to_numpy(float)
    return rank(latents.values, reference, latents.grid.x, latents.grid.y, dims=latents.dims)


@pytest.mark.parametrize("metric", metric_names())
def test_published_scores(metric, ranking, pellet):
    table = pd.read_csv(pellet / "bandcontrast_latent_scores.csv").set_index("dim")
    published = table.loc[ranking.dims, metric].to_numpy()
    assert (ranking.n == 4760).all()
    np.testing.assert_allclose(ranking.scores[metric], published, rtol=1e-9)


@pytest.mark.parametrize("metric", metric_names())
def test_published_order(metric, ranking, pellet):
    report = json.loads((pellet / "report_bandcontrast_multi_metric.json").read_text("utf-8"))
    top = [entry["dim"] for entry in report["rankings"][metric][:3]]
    assert len(top) == 3
    present = [dim for dim in top if dim in ranking.dims]
    assert ranking.order(metric)[: len(present)].tolist() == present
