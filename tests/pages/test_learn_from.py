"""Clusters of a collection on Explore: learned from one scan, applied to the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, partitions_of
from latentcore.readers import open_latents
from pages.tasks.explore.clusters import features_of
from pages.view.question import ALL_LATENTS, Question
from pages.view.scene import Scene
from tests.pages.conftest import OpenPage

SIZES = {"deformed": 60, "annealed": 40}


@pytest.fixture
def latents(data_root: Path) -> LatentSet:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(sum(SIZES.values()), 3)).astype(np.float32)
    partition = np.repeat(list(SIZES), list(SIZES.values()))
    ids = np.array([f"{name}/{row}" for name, n in SIZES.items() for row in range(n)])
    dims = np.arange(3, dtype=np.int32)
    write_latents(
        data_root / "both.h5", LatentSet(values, ids, dims, partition=partitions_of(partition))
    )
    return open_latents(data_root / "both.h5")


def test_it_is_chosen_kept_in_the_link_and_used(open_page: OpenPage, latents: LatentSet) -> None:
    app = open_page("explore", latents="folder:measured/both.h5", features='["@all"]', samples="")
    assert not app.exception
    chooser = app.selectbox(key="explore.learn_from")
    assert list(chooser.options) == ["all", *SIZES]
    chooser.set_value("annealed").run()
    assert not app.exception
    assert app.query_params["learn_from"] in ("annealed", ["annealed"])


def test_the_features_know_what_is_learned_from(latents: LatentSet) -> None:
    question = Question(features=(ALL_LATENTS,), dim=0, learn_from="annealed")
    scene = Scene.__new__(Scene)
    object.__setattr__(scene, "latents", latents)
    inside = np.ones(len(latents), bool)
    inside[5] = False

    class Maps:
        names: tuple[str, ...] = ()

    object.__setattr__(scene, "maps", Maps())
    features = features_of(scene, question, inside)
    assert features.learn is not None
    np.testing.assert_array_equal(features.learn, latents.partition.mask(["annealed"])[inside])
    assert features_of(scene, question.changed(learn_from=""), inside).learn is None
