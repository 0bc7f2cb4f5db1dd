from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import (
    BACKGROUNDS,
    SCALES,
    STEPS,
    Preparation,
    Preparer,
    written_keys,
)

side = st.integers(1, 600)
recipes = st.builds(
    Preparation,
    crop=st.none()
    | st.tuples(side, side, side, side).map(lambda s: (s[0], s[0] + s[1], s[2], s[2] + s[3])),
    size=st.none() | st.tuples(side, side),
    background=st.sampled_from(BACKGROUNDS),
    background_sigma=st.floats(0.1, 50),
    smooth=st.floats(0, 50),
    scale=st.sampled_from(SCALES),
    channels=st.sampled_from([1, 3]),
)


def test_parse_reads_every_key():
    words = ["crop=0:50:5:55", "size=60x40", "background=dynamic", "background_sigma=6.5"]
    words += ["smooth=1", "scale=z_score", "channels=3"]
    assert Preparation.parse(words) == Preparation(
        (0, 50, 5, 55), (60, 40), "dynamic", 6.5, 1.0, "z_score", 3
    )


def test_parse_starts_from_a_base():
    base = Preparation(background="dynamic", scale="z_score", size=(30, 30))
    changed = Preparation.parse(["scale=zero_one", "size=none"], base)
    assert changed == Preparation(background="dynamic", scale="zero_one")


@given(recipes)
def test_recipe_survives_words_and_json(recipe: Preparation):
    assert Preparation.parse(recipe.arguments()) == recipe
    assert Preparation.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("backgroud=dynamic", "Did you mean 'background'?"),
        ("background=dynamics", "Did you mean 'dynamic'?"),
        ("scale=zscore", "There are: none, zero_one, minus_one_one, z_score, demean"),
        ("smooth", "lacks its value"),
        ("smooth=wide", "Write it as smooth=PIXELS"),
        ("smooth=-1", "from 0"),
        ("smooth=nan", "can't be read"),
        ("background_sigma=0", "more than 0"),
        ("crop=0:50:5", "Write it as crop=Y0:Y1:X0:X1"),
        ("crop=50:50:0:5", "is empty"),
        ("crop=-3:5:0:5", "starts below 0"),
        ("size=60", "Write it as size=HxW"),
        ("size=0x60", "from 1 to 4096"),
        ("size=60x1000000", "from 1 to 4096"),
        ("channels=2", "There are: 1, 3"),
        ("channels=x", "can't be read"),
    ],
)
def test_parse_says_what_is_wrong(word: str, says: str):
    with pytest.raises(RequestError) as error:
        Preparation.parse([word])
    assert says in str(error.value)


def test_parse_refuses_a_key_with_two_values():
    with pytest.raises(RequestError, match="given twice"):
        Preparation.parse(["smooth=1", "smooth=2"])
    assert Preparation.parse(["smooth=1", "smooth=1"]).smooth == 1


def test_from_dict_refuses_unknown_keys():
    with pytest.raises(RequestError, match="no preparation key 'blur'"):
        Preparation.from_dict({"blur": 1})


def test_output_shape_follows_crop_size_and_channels():
    shape = (1, 60, 80)
    assert Preparation().output_shape(shape) == (1, 60, 80)
    assert Preparation(crop=(0, 50, 5, 60)).output_shape(shape) == (1, 50, 55)
    assert Preparation(crop=(0, 50, 5, 60), size=(30, 32)).output_shape(shape) == (1, 30, 32)
    assert Preparation(channels=3).output_shape(shape) == (3, 60, 80)
    assert Preparation(channels=1).output_shape((4, 8, 8)) == (1, 8, 8)


def test_output_shape_refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match="Y1 may be at most 60, X1 at most 80"):
        Preparation(crop=(0, 61, 0, 80)).output_shape((1, 60, 80))
    with pytest.raises(ShapeError, match="4 channels"):
        Preparation(channels=3).output_shape((4, 8, 8))


class _Clip:
    form, help, default, choices, stage = "LIMIT", "values beyond are cut", 0.0, (), "scaled"

    def read(self, text: str) -> float:
        return float(text)

    def apply(self, x: np.ndarray, value: float) -> np.ndarray:
        return np.clip(x, -value, value)


def test_a_further_step_is_read_recorded_and_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, "_parts", {"clip": _Clip()})
    recipe = Preparation.parse(["scale=z_score", "clip=0.5"])
    assert recipe.to_dict()["clip"] == 0.5
    assert Preparation.from_dict(recipe.to_dict()) == recipe
    assert Preparation.parse(["smooth=1"], recipe).arguments()[-1] == "clip=0.5"
    assert "clip" not in Preparation.parse(["clip=0"], recipe).to_dict()
    assert "clip=LIMIT" in written_keys()
    samples = np.arange(18, dtype=np.uint8).reshape(2, 1, 3, 3)
    assert np.abs(Preparer(recipe, (1, 3, 3))(samples)).max() == 0.5
    with pytest.raises(RequestError, match=r"clip='much' can't be read. Write it as clip=LIMIT"):
        Preparation.parse(["clip=much"])
