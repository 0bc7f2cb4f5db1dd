from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentcore.analysis.collapse import active_units, has_prior, spread
from latentcore.containers import LatentSet, Provenance, default_sample_ids


@pytest.mark.parametrize(
    ("sd", "state"), [(1.0, "active"), (0.11, "active"), (0.09, "weak"), (0.011, "weak"),
                      (0.009, "collapsed"), (1e-4, "collapsed")],
)  # fmt: skip
def test_state_follows_the_spread(sd, state):
    values = np.array([-sd, sd, np.nan])
    judged = spread(values)
    assert judged.sd == pytest.approx(sd)
    assert judged.state == state
    assert bool(judged.message) == (state != "active")


def test_spread_is_relative_to_the_prior():
    assert spread([-1.0, 1.0], prior_sd=100.0).state == "weak"


def test_nothing_finite_carries_nothing():
    assert spread([np.nan, np.nan]).state == "collapsed"


def test_active_units_are_counted_over_encoded_rows():
    values = np.array([[-1, -1e-4, -0.05], [1, 1e-4, 0.05], [np.nan, 0, 0]], np.float32)
    units = active_units(values)
    assert (units.n_active, units.n_collapsed) == (1, 1)
    np.testing.assert_allclose(units.sd, [1, 1e-4, 0.05], rtol=1e-6)
    assert units.message.startswith("1 of 3 dimensions are active")


def test_a_lively_set_needs_no_warning():
    assert active_units(np.array([[-1.0, 1.0], [1.0, -1.0]])).message == ""


@pytest.mark.parametrize(
    ("scale", "checkpoint", "held"),
    [(1, "last.pth", False), (2, "model.safetensors", True), (2, "pca:3", False)],
)
def test_latents_of_length_1_and_pca_scores_have_no_prior(scale, checkpoint, held):
    values = np.random.default_rng(0).normal(size=(50, 3))
    values *= scale / np.linalg.norm(values, axis=1, keepdims=True)
    values[4] = np.nan
    latents = LatentSet(
        values.astype(np.float32),
        default_sample_ids(50),
        np.arange(3, dtype=np.int32),
        provenance=Provenance("extract", {"checkpoint": checkpoint}),
    )
    assert has_prior(latents) is held
    assert has_prior(replace(latents, provenance=None)) is (scale != 1)


def test_a_single_value_is_not_judged():
    judged = spread([0.3, np.nan])
    assert np.isnan(judged.sd)
    assert judged.state == "unknown"
    assert judged.message == ""


def test_published_latents_are_collapsed(shared_data):
    latent = np.load(
        shared_data
        / "roi_x350_420_y70_140_dim512/latents_npy/latent_d40_roi_vs_bandcontrast_pearson.npy"
    )
    judged = spread(latent)
    assert judged.sd == pytest.approx(2.29e-4, rel=0.01)
    assert judged.state == "collapsed"
