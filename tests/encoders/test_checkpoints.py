from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
import torch

from latentcore.artifacts.model_files import write_model
from latentcore.containers import Provenance
from latentcore.encoders import open_checkpoint
from latentcore.encoders.device import is_out_of_memory, resolve_device
from latentcore.encoders.pca import PcaEncoder
from latentcore.errors import CheckpointError, InputError, RequestError
from latentcore.preparation import Preparation
from tests.encoders.models import seed_state, write_seed

SHAPE = (1, 20, 24)


class Canary:
    """Leaves a file where it is unpickled by something that executes pickles."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def opened(path: Path):
    return open_checkpoint(str(path), device="cpu", input_shape=SHAPE)


@pytest.mark.parametrize("way", ["pickle", "torch", "torch-legacy", "beside weights"])
def test_pickle_dressed_as_checkpoint_is_never_executed(tmp_path, way):
    canary = tmp_path / "executed"
    path = tmp_path / "vae.pth"
    if way == "pickle":
        path.write_bytes(pickle.dumps(Canary(canary)))
    elif way == "beside weights":
        torch.save({**seed_state(), "zz": Canary(canary)}, path)
    else:
        torch.save(Canary(canary), path, _use_new_zipfile_serialization=way == "torch")
    with pytest.raises(CheckpointError, match="Nothing was executed"):
        opened(path)
    assert not canary.exists()


def test_pickle_named_safetensors_is_never_executed(tmp_path):
    canary = tmp_path / "executed"
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(CheckpointError, match="is damaged"):
        opened(path)
    assert not canary.exists()


def test_things_that_are_no_checkpoint_are_reported(tmp_path):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["images"] = np.zeros(3)
    (tmp_path / "notes.txt").write_text("to do: find the weights\n")
    (tmp_path / "empty.pth").write_bytes(b"")
    with pytest.raises(CheckpointError, match="but an HDF5 file"):
        opened(tmp_path / "scan.h5")
    with pytest.raises(CheckpointError, match="starting with b'to do"):
        opened(tmp_path / "notes.txt")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        opened(tmp_path / "empty.pth")
    with pytest.raises(InputError, match="There is no file"):
        opened(tmp_path / "missing.pth")
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors"):
        opened(tmp_path)


@pytest.mark.parametrize("prefix", ["module.", "model.", "vae.", "model.module."])
def test_names_may_carry_the_attribute_that_held_the_network(tmp_path, prefix):
    plain = opened(write_seed(tmp_path / "plain.pth", seed_state()))
    named = {f"{prefix}{name}": tensor for name, tensor in seed_state().items()}
    torch.save({"state_dict": named}, tmp_path / "named.pth")
    assert opened(tmp_path / "named.pth").fingerprint == plain.fingerprint


def test_weights_of_another_network_say_their_keys(tmp_path):
    path = write_seed(tmp_path / "resnet.pth", {"conv1.weight": torch.zeros(4, 3, 3, 3)})
    with pytest.raises(
        CheckpointError, match=r"1 tensors: 'conv1\.weight' \(4, 3, 3, 3\)"
    ) as error:
        opened(path)
    assert "vae-cnn (wants" in str(error.value)
    assert "pca and vae-residual (want a model.safetensors of ours)" in str(error.value)


@pytest.mark.parametrize("name", ["a " * 1_000, "é" * 200, "encoder.layer1.0." * 9])
@pytest.mark.parametrize("value", [torch.zeros(3, 3), 1])
def test_long_names_of_weights_are_cut_in_messages(tmp_path, name, value):
    state = {f"{name}{tensor}": value for tensor in seed_state()}
    with pytest.raises(CheckpointError) as error:
        opened(write_seed(tmp_path / "named.pth", state))
    assert f"{name[:9]}" in str(error.value)
    assert len(str(error.value)) <= 600


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"weights": 3}, torch.zeros(3), {1: torch.ones(1)}]
)
def test_torch_files_without_weights_by_name_are_reported(tmp_path, content):
    with pytest.raises(CheckpointError, match="dictionary of weights by name was expected"):
        opened(write_seed(tmp_path / "x.pth", content))


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["vae.pth", "model.safetensors"])
def test_cut_off_files_are_damaged(tmp_path, name, keep):
    write_seed(tmp_path / "vae.pth")
    write_model(tmp_path / "model.safetensors", opened(tmp_path / "vae.pth"))
    path = tmp_path / name
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(CheckpointError, match="is damaged"):
        opened(path)


@pytest.mark.parametrize(
    ("whole", "broken"),
    [(b"vae/data.pkl", b"vae/d\xffta.pkl"), (b"\x80\x02}q", b"\x80\x02aq")],
)
def test_bytes_that_make_no_sense_are_damage(tmp_path, whole, broken):
    path = write_seed(tmp_path / "vae.pth")
    content = path.read_bytes()
    assert whole in content
    path.write_bytes(content.replace(whole, broken))
    with pytest.raises(CheckpointError, match="is damaged"):
        opened(path)


def test_archives_of_a_later_version_are_damage(tmp_path):
    path = write_seed(tmp_path / "vae.pth")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 255  # what it takes to unpack the first entry
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged: zip file version 25\.5"):
        opened(path)


def test_archives_that_unpack_to_more_are_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", bytes(50_000_000))
    with pytest.raises(CheckpointError, match="is refused: 1 entries unpack to 50000000 bytes"):
        opened(path)


def test_archives_of_others_are_reported(tmp_path):
    with zipfile.ZipFile(tmp_path / "notes.pth", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    with pytest.raises(CheckpointError, match=r"none of torch's: it holds 'notes\.txt'"):
        opened(tmp_path / "notes.pth")


def test_tensors_that_claim_more_than_they_hold_are_refused(tmp_path):
    state = {"encoder.0.weight": torch.zeros(1).expand(10**12)}
    with pytest.raises(CheckpointError, match="claims more values"):
        opened(write_seed(tmp_path / "vae.pth", state))


def test_hostile_safetensors_header_is_damage(tmp_path):
    path = tmp_path / "model.safetensors"
    header = json.dumps(
        {"x": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(CheckpointError, match="is damaged"):
        opened(path)


def test_model_files_say_everything_to_people_and_programs(tmp_path):
    encoder = opened(write_seed(tmp_path / "vae.pth"))
    provenance = Provenance("train", {"seed": 4}, seed=4)
    record = write_model(tmp_path / "model.safetensors", encoder, provenance)
    assert json.loads((tmp_path / "model.json").read_text()) == record
    assert record["encoding-type"] == "latentcore-model"
    assert record["encoder"]["architecture"] == {"latent_dim": 6, "base": 8, "n_down": 3}
    assert record["encoder"]["input_shape"] == [1, 20, 24]
    assert record["preparation"]["scale"] == "minus_one_one"
    assert record["provenance"]["seed"] == 4
    assert record["weights"]["bytes"] == (tmp_path / "model.safetensors").stat().st_size


@pytest.mark.parametrize("given", ["model.safetensors", "model.json", "."])
def test_model_opens_by_weights_record_or_folder(tmp_path, given):
    encoder = opened(write_seed(tmp_path / "vae.pth"))
    write_model(tmp_path / "model.safetensors", encoder)
    again = open_checkpoint(str(tmp_path / given), device="cpu")
    assert again.fingerprint == encoder.fingerprint


def test_weights_alone_are_enough(tmp_path):
    encoder = opened(write_seed(tmp_path / "vae.pth"))
    write_model(tmp_path / "model.safetensors", encoder)
    (tmp_path / "model.json").unlink()
    moved = (tmp_path / "model.safetensors").rename(tmp_path / "upload-7f")
    assert open_checkpoint(str(moved), device="cpu").fingerprint == encoder.fingerprint


def test_record_beside_serves_where_the_header_has_none(tmp_path):
    encoder = opened(write_seed(tmp_path / "vae.pth"))
    write_model(tmp_path / "model.safetensors", encoder)
    safetensors.numpy.save_file(encoder.tensors(), tmp_path / "model.safetensors")
    assert open_checkpoint(str(tmp_path / "model.safetensors"), device="cpu").input_shape == SHAPE


def rewritten(path: Path, change) -> Path:
    """Change the record in a model file's header."""
    with safetensors.safe_open(path, framework="np") as file:
        record = json.loads(file.metadata()["latentcore"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(record, tensors)
    safetensors.numpy.save_file(tensors, path, {"latentcore": json.dumps(record)})
    return path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r, t: r.update({"encoding-version": "9"}), "version '9'"),
        (lambda r, t: r.pop("encoder"), "is incomplete"),
        (lambda r, t: r["encoder"].update(input_shape=[1, 2]), "is incomplete"),
        (lambda r, t: r["encoder"].update(input_shape=[1, 200, 200]), "doesn't fit samples of 200"),
        (lambda r, t: r.update(preparation={"scale": "huge"}), "is incomplete"),
        (lambda r, t: r["encoder"].update(name="vae-cnm"), "Did you mean 'vae-cnn'"),
        (lambda r, t: t.pop("fc_mu.bias"), "'fc_mu.bias' is missing"),
    ],
)
def test_broken_records_are_reported(tmp_path, change, says):
    write_model(tmp_path / "model.safetensors", opened(write_seed(tmp_path / "vae.pth")))
    path = rewritten(tmp_path / "model.safetensors", change)
    with pytest.raises(InputError) as error:
        opened(path)
    assert says in str(error.value)


def test_pca_with_its_static_background_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        "mean": rng.random(12).astype(np.float32),
        "components": rng.random((2, 12)).astype(np.float32),
        "explained_variance": np.ones(2, np.float32),
        "explained_variance_ratio": np.ones(2, np.float32) / 2,
    }
    background = rng.random((1, 3, 4)).astype(np.float32)
    encoder = PcaEncoder(
        tensors,
        input_shape=(1, 3, 4),
        preparation=Preparation(background="static"),
        device=torch.device("cpu"),
        static_background=background,
    )
    write_model(tmp_path / "model.safetensors", encoder)
    again = open_checkpoint(str(tmp_path), device="cpu")
    np.testing.assert_array_equal(again.static_background, background)
    assert again.preparation == Preparation(background="static")
    assert again.fingerprint == encoder.fingerprint
    rewritten(tmp_path / "model.safetensors", lambda r, t: t.pop("mean"))
    with pytest.raises(CheckpointError, match="Fit it again"):
        open_checkpoint(str(tmp_path), device="cpu")


def test_devices_that_are_missing_are_reported():
    assert resolve_device("cpu") == torch.device("cpu")
    assert str(resolve_device("auto"))
    with pytest.raises(RequestError, match="There are: auto"):
        resolve_device("gpu")
    with pytest.raises(RequestError, match="only has"):
        resolve_device("cuda:77")


def test_lack_of_memory_is_recognized_on_every_device():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    try:
        torch.empty(1 << 60)
    except RuntimeError as error:
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_the_demo_model_comes_with_the_program():
    from latentcore.encoders.checkpoints import checkpoint_file

    encoder = open_checkpoint("demo:vae", device="cpu")
    assert (encoder.name, encoder.input_shape) == ("vae-residual", (1, 60, 60))
    assert checkpoint_file("demo:vae").stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_demo_model_reconstructs_the_demo_scan():
    from latentcore.demo import make_demo_scan
    from latentcore.encoders import Decoder
    from latentcore.preparation import Preparer

    encoder = open_checkpoint("demo:vae", device="cpu")
    assert isinstance(encoder, Decoder)
    assert encoder.preparation is not None
    prepared = Preparer(encoder.preparation, encoder.input_shape)(make_demo_scan().images[::8])
    residual = prepared - encoder.decode(encoder.encode(prepared))
    assert np.square(residual).mean() < 0.25 * np.square(prepared).mean()
