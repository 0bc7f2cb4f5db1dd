from __future__ import annotations

import argparse
import builtins
import functools
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentcore.artifacts.model_files import write_model
from latentcore.encoders import Encoder, Storable, open_checkpoint
from latentcore.encoders.checkpoints import load_checkpoint, plain_name
from latentcore.encoders.supcon_resnet import SupConResNet
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation
from latentcore.readers.torch_files import is_data_holder
from tests.encoders.nenya import (
    OPTIONS,
    draw_supcon_state,
    foreign_class,
    supcon_forward,
    supcon_state,
    write_nenya,
)

SIDE = 12


# Enough for what concerns the file and not the network.
FEW = {"encoder.conv1.weight": torch.ones(2, 1, 3, 3)}


def cutouts(n: int = 5, channels: int = 1, side: int = SIDE) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(0, 1, (n, channels, side, side)).astype(np.float32)


def opened(path: Path, channels: int = 1, side: int = SIDE):
    return open_checkpoint(str(path), device="cpu", input_shape=(channels, side, side))


def plain(state: dict[str, torch.Tensor], x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return supcon_forward(state, torch.from_numpy(x)).numpy()


@pytest.mark.parametrize(
    ("depth", "channels", "mlp"),
    [
        ("resnet18", 1, True),
        ("resnet18", 3, False),
        ("resnet34", 1, False),
        ("resnet50", 1, True),
    ],
)
def test_nenyas_checkpoint_gives_a_plain_forwards_latents(tmp_path, depth, channels, mlp):
    state = supcon_state(depth, channels, mlp=mlp)
    encoder = opened(write_nenya(tmp_path / "last.pth", state), channels)
    x = cutouts(3, channels)
    latents = encoder.encode(x)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents, plain(state, x), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(latents, axis=1), 1, atol=1e-6)


def test_batch_size_changes_no_bit(tmp_path):
    encoder = opened(write_nenya(tmp_path / "last.pth"))
    x = cutouts(4)
    whole = encoder.encode(x)
    for size in (1, 3):
        parts = [encoder.encode(x[start : start + size]) for start in range(0, 4, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("depth", "tensors", "millions"),
    [
        ("resnet18", 124, 11.56),
        ("resnet34", 220, 21.67),
        ("resnet50", 322, 28.22),
        ("resnet101", 628, 47.21),
    ],
)
def test_networks_have_nenyas_tensors(monkeypatch, depth, tensors, millions):
    for draw in ("randn", "rand"):  # shapes only: nobody needs 47 million numbers here
        monkeypatch.setattr(torch, draw, lambda *shape, generator: torch.empty(shape))
    with torch.device("meta"):
        model = SupConResNet(depth, 1, 256, mlp=True)
        drawn = draw_supcon_state(depth, 1, 256, mlp=True)
        oracle_shapes = {name: t.shape for name, t in drawn.items()}
    state = model.state_dict()
    assert len(state) == tensors
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 2) == millions
    assert {name: t.shape for name, t in state.items()} == oracle_shapes


def test_encoder_says_what_it_is(tmp_path):
    encoder = opened(write_nenya(tmp_path / "last.pth", supcon_state(channels=3)), 3)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Storable)
    assert (encoder.name, encoder.latent_dim, encoder.device) == ("supcon-resnet", 12, "cpu")
    assert encoder.input_shape == (3, SIDE, SIDE)
    assert encoder.preparation == Preparation(channels=3)
    assert encoder.options == OPTIONS
    assert encoder.architecture == {
        "depth": "resnet18", "channels": 3, "feat_dim": 12, "mlp": True
    }  # fmt: skip


def test_any_size_of_cutout_fits(tmp_path):
    path = write_nenya(tmp_path / "last.pth")
    assert open_checkpoint(str(path), device="cpu").input_shape == (1, 64, 64)
    for side in (9, 16):
        x = cutouts(2, side=side)
        latents = opened(path, side=side).encode(x)
        np.testing.assert_allclose(latents, plain(supcon_state(), x), atol=1e-6)


@pytest.mark.parametrize(
    "prefix",
    [
        ("", ""),
        ("", "module."),
        ("encoder.", "encoder.module."),
        ("encoder.", "module.encoder.module."),
        ("", "_orig_mod."),
    ],
)
def test_wrappers_are_stripped_wherever_they_stand(tmp_path, prefix):
    state = supcon_state()
    encoder = opened(write_nenya(tmp_path / "last.pth", state, prefix=prefix))
    assert set(encoder.tensors()) == {name for name in state if "num_batches" not in name}
    for name in ("encoder.conv1.weight", "head.0.bias"):
        np.testing.assert_array_equal(encoder.tensors()[name], state[name])


@given(st.lists(st.sampled_from(["module", "_orig_mod", "encoder", "submodule", "0", "weight"])))
@settings(max_examples=60)
def test_plain_names_hold_no_wrapper(parts):
    name = ".".join([*parts, "bias"])
    kept = [part for part in parts if part not in ("module", "_orig_mod")]
    assert plain_name(name) == ".".join([*kept, "bias"])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("nenya.params", "Params"),
        ("nenya.io", "Params"),
        ("ulmo.io", "Params"),
        ("ulmo.ssl.my_util", "Params"),
    ],
)
def test_options_come_without_the_package_that_wrote_them(tmp_path, module, name):
    path = write_nenya(tmp_path / "last.pth", FEW, cls=foreign_class(module, name))
    before, welcome = set(sys.modules), set(torch.serialization.get_safe_globals())
    assert load_checkpoint(str(path)).options == OPTIONS
    assert not {one for one in set(sys.modules) - before if one.split(".")[0] in module}
    assert set(torch.serialization.get_safe_globals()) == welcome


def test_options_of_argparse_come_too(tmp_path):
    path = write_nenya(tmp_path / "last.pth", FEW, cls=argparse.Namespace, options={"temp": 0.1})
    assert load_checkpoint(str(path)).options == {"temp": 0.1}


def test_of_the_options_only_plain_values_are_kept(tmp_path):
    endless: list = []
    endless.append(endless)
    many: list = [0] * 5000
    options = {
        "temp": 0.07, "jitter": (40, 5), "nested": {"a": [1, None, "x"]}, 3: "no name",
        "tensor": torch.ones(2), "endless": endless, "many": [many] * 5000, "odd": {1: 2},
    }  # fmt: skip
    path = write_nenya(tmp_path / "last.pth", FEW, options=options)
    assert load_checkpoint(str(path)).options == {
        "temp": 0.07, "jitter": (40, 5), "nested": {"a": [1, None, "x"]}
    }  # fmt: skip


class _Call:
    """Is pickled as a call of a function."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("where", ["opt", "options", "model", "optimizer"])
@pytest.mark.parametrize("way", ["system", "eval", "partial", "touch"])
def test_malicious_checkpoint_is_refused_and_writes_nothing(tmp_path, where, way):
    trace = tmp_path / "executed"
    bad = {
        "system": _Call(os.system, f"touch {trace}"),
        "eval": _Call(builtins.eval, f"open({str(trace)!r}, 'w')"),
        "partial": _Call(functools.partial, os.system, f"touch {trace}"),
        "touch": _Call(Path.touch, trace),
    }[way]
    path = tmp_path / "last.pth"
    if where == "options":  # within the state of a class that is welcome
        write_nenya(path, FEW, options={**OPTIONS, "data_folder": bad})
    else:
        torch.save({"model": FEW, where: bad}, path)
    with pytest.raises(CheckpointError, match="Nothing was executed") as error:
        opened(path)
    assert "Params" not in str(error.value)
    assert not trace.exists()


def test_foreign_reduce_and_setstate_do_nothing(tmp_path):
    trace = tmp_path / "executed"

    class Params:
        def __reduce__(self):
            return Params, (str(trace), "w"), {"temp": 0.5}

        def __init__(self, *arguments) -> None:
            if arguments:
                Path(arguments[0]).touch()

        def __setstate__(self, state) -> None:
            trace.touch()

    Params.__module__, Params.__qualname__ = "nenya.params", "Params"
    path = write_nenya(tmp_path / "last.pth", FEW, cls=Params, options={})
    assert load_checkpoint(str(path)).options == {"temp": 0.5}
    assert not trace.exists()


@pytest.mark.parametrize(
    "name",
    ["os.Params", "subprocess.Params", "nenya.params.Other", "Params", "nenya.Params.eval"],
)
def test_only_known_holders_are_read_as_data(name):
    assert not is_data_holder(name)


def test_threads_load_at_once(tmp_path):
    path = str(write_nenya(tmp_path / "last.pth", FEW))
    with ThreadPoolExecutor(4) as pool:
        found = [one.options for one in pool.map(load_checkpoint, [path] * 8)]
    assert found == [OPTIONS] * 8


def test_model_of_ours_comes_back(tmp_path):
    encoder = opened(write_nenya(tmp_path / "last.pth"))
    write_model(tmp_path / "model.safetensors", encoder)
    again = open_checkpoint(str(tmp_path), device="cpu")
    assert again.fingerprint == encoder.fingerprint
    assert again.input_shape == encoder.input_shape
    np.testing.assert_array_equal(again.encode(cutouts()), encoder.encode(cutouts()))


def test_released_encoder_loads_itself_again(tmp_path):
    encoder = opened(write_nenya(tmp_path / "last.pth"))
    before = encoder.encode(cutouts())
    encoder.release()
    np.testing.assert_array_equal(encoder.encode(cutouts()), before)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("head.2.weight"), "and no head"),
        (
            lambda s: [s.pop(n) for n in list(s) if n.startswith("encoder.layer4.1")],
            "2-2-2-1 basic",
        ),
        (lambda s: s.pop("encoder.bn1.running_var"), "'encoder.bn1.running_var' is missing"),
        (lambda s: s.update({"projector.weight": torch.ones(1)}), "'projector.weight' is unknown"),
        (lambda s: s.update({"encoder.conv1.weight": torch.ones(64, 1, 7, 7)}), "wanted (64, 1, 3"),
    ],
)
def test_other_residual_networks_are_reported(tmp_path, change, says):
    state = supcon_state()
    change(state)
    with pytest.raises(CheckpointError) as error:
        opened(write_nenya(tmp_path / "last.pth", state))
    assert says in str(error.value)


def test_clips_are_refused(tmp_path):
    path = str(write_nenya(tmp_path / "last.pth"))
    with pytest.raises(CheckpointError, match=r"takes images, of shape \(1, H, W\)"):
        open_checkpoint(path, device="cpu", input_shape=(1, 5, 8, 8))


def test_counters_may_be_missing(tmp_path):
    state = {n: t for n, t in supcon_state().items() if not n.endswith("num_batches_tracked")}
    encoder = opened(write_nenya(tmp_path / "last.pth", state))
    np.testing.assert_allclose(encoder.encode(cutouts()), plain(state, cutouts()), atol=1e-6)
