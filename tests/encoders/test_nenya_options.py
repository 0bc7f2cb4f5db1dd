from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.encoders.nenya_options import NenyaOptions
from latentcore.errors import CheckpointError, RequestError

NEW = {
    "batch_size_train": 64, "batch_size_valid": 32, "learning_rate": 0.05, "weight_decay": 1e-4,
    "lr_decay_epochs": "700, 800, 900", "ssl_method": "SimCLR", "ssl_model": "resnet50",
    "model_root": "LLC_nonoise", "temp": 0.07, "trial": 5, "cosine": True, "warm": True,
    "feat_dim": 256, "nchannels": 1, "random_cropjitter": [40, 5], "train_key": "train",
    "valid_key": "valid", "demean": True, "sensor": "LLC",
}  # fmt: skip
OLD = {
    "batch_size": 512, "valid_batch_size": 64, "model": "resnet50", "method": "SimCLR",
    "dataset": "path", "data_key": "train", "eval_key": "valid", "learning_rate": 0.05,
    "weight_decay": 0.0001, "temp": 0.07, "trial": 0, "lr_decay_epochs": "700,800,900",
    "random_jitter": [40, 5], "modis_data": True, "cosine": False, "feat_dim": 128,
    "model_folder": "./experiments/SimCLR", "model_root": "MODIS", "something_else": [1, 2],
}  # fmt: skip


def test_new_options_are_read_and_the_names_derived(tmp_path: Path) -> None:
    path = tmp_path / "opts.json"
    path.write_text(json.dumps(NEW))
    options = NenyaOptions.read(path)
    name = "SimCLR_resnet50_lr_0.05_decay_0.0001_bsz_64_temp_0.07_trial_5_cosine_warm"
    assert options.values["lr_decay_epochs"] == [700, 800, 900]
    assert options.values["model_name"] == name
    assert options.values["model_folder"] == f"models/LLC_nonoise/{name}"
    assert options.values["latents_folder"] == f"latents/LLC_nonoise/{name}"
    assert {key: options.values[key] for key in NEW if key != "lr_decay_epochs"} == {
        key: value for key, value in NEW.items() if key != "lr_decay_epochs"
    }
    assert options.partitions == ("train", "valid")
    assert (options.depth, options.feat_dim, options.n_channels) == ("resnet50", 256, 1)
    assert options.crop == 40


def test_old_options_get_new_names_and_keep_what_is_unknown() -> None:
    options = NenyaOptions.parse(OLD)
    assert options.values["batch_size_train"] == 512
    assert options.values["batch_size_valid"] == 64
    assert options.values["random_cropjitter"] == [40, 5]
    assert options.values["nenya_data"] is True
    assert options.values["something_else"] == [1, 2]
    assert options.values["model_folder"] == "./experiments/SimCLR"
    # More than 256 a batch: nenya warms up without being asked.
    assert options.values["model_name"].endswith("_bsz_512_temp_0.07_trial_0_warm")
    assert options.partitions == ("train", "valid")
    assert options.n_channels is None
    assert (options.depth, options.crop) == ("resnet50", 40)


def test_a_new_name_wins_over_an_old_one() -> None:
    for both in (
        {"model": "resnet18", "ssl_model": "resnet50"},
        {"ssl_model": "resnet50", "model": "resnet18"},
    ):
        assert NenyaOptions.parse(both).depth == "resnet50"


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda key: key not in {*NEW, *OLD, "model_name"}),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_parsing_twice_changes_nothing(extra: dict) -> None:
    once = NenyaOptions.parse({**NEW, **extra})
    assert NenyaOptions.parse(once.values).values == once.values
    assert extra.items() <= once.values.items()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "can't be read as JSON"),
        ("[1]", "hold a list"),
        ('{"feat_dim": "many"}', "feat_dim is 'many'"),
        ('{"nchannels": 0}', "nchannels is 0"),
        ('{"lr_decay_epochs": "soon"}', "lr_decay_epochs is 'soon'"),
        ('{"random_cropjitter": ["a", 1]}', "random_cropjitter is 'a'"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_options_that_make_no_sense_are_reported(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "opts.json"
    path.write_text(text)
    with pytest.raises(RequestError) as error:
        NenyaOptions.read(path)
    assert says in str(error.value)
    assert "opts.json" in str(error.value)


def test_options_of_another_model_are_refused() -> None:
    NenyaOptions.parse(NEW).refuse_other_model(depth="resnet50", latent_dim=256, channels=1)
    NenyaOptions.parse({}).refuse_other_model(depth="resnet18", latent_dim=3, channels=3)
    with pytest.raises(CheckpointError, match=r"ssl_model 'resnet50', the checkpoint 'resnet18'"):
        NenyaOptions.parse(NEW).refuse_other_model(depth="resnet18", latent_dim=256, channels=1)
    with pytest.raises(CheckpointError, match=r"feat_dim 256, .* 128; nchannels 1, .* 3"):
        NenyaOptions.parse(NEW).refuse_other_model(depth="resnet50", latent_dim=128, channels=3)
