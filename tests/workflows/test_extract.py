from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import latentcore as lc
from latentcore.cli import main
from latentcore.encoders import open_checkpoint
from latentcore.errors import Cancelled, InputError, RequestError
from latentcore.preparation import Preparation, Preparer
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from tests.encoders.models import write_seed
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

__all__ = ["one_thread"]

SIZE = (20, 24)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", full_grid(10, 8), patterns(80, SIZE))


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    return write_seed(tmp_path / "vae.pth", size=SIZE)


@pytest.fixture
def contrast(tmp_path: Path) -> Path:
    x, y = full_grid(10, 8).T
    rows = "\n".join(f"{a},{b},{10 * a}" for a, b in zip(x, y, strict=True))
    path = tmp_path / "contrast.csv"
    path.write_text(f"x,y,bandcontrast\n{rows}\n")
    return path


def run(tmp_path: Path, *locations: Path, out: str = "out", **options: object) -> dict:
    options.setdefault("checkpoint", "pca:5")
    options.setdefault("device", "cpu")
    request = ExtractRequest(location=tuple(map(str, locations)), **options)
    return execute("extract", request, tmp_path / out)


def samples_of(path: Path, name: str = "samples") -> np.ndarray:
    with h5py.File(path) as file:
        return file[name][()]


@pytest.mark.slow
def test_pca_finds_the_grains_of_the_simulated_scan(shared_data, tmp_path):
    import pandas as pd
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    folder = shared_data / "ebsd_sim"
    arguments = ["extract", str(folder / "ni_sim_small.h5"), "--checkpoint", "pca:30"]
    arguments += ["--prepare", "background=dynamic", "smooth=1", "--prepare", "scale=z_score"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    latents = lc.open_latents(tmp_path / "out" / "ni_sim_small_latents.h5")
    truth = pd.read_csv(folder / "ni_sim_small_truth.csv")
    labels = KMeans(22, n_init=50, random_state=0).fit_predict(latents.values)
    assert adjusted_rand_score(truth["grain_id"], labels) >= 0.95


def test_run_folder_holds_latents_model_and_record(tmp_path, scan):
    summary = run(tmp_path, scan, prepare=("background=dynamic", "scale=z_score"))
    assert summary["files"] == ["model.json", "model.safetensors", "scan_latents.h5"]
    assert (summary["n"], summary["n_encoded"], summary["latent_dim"]) == (80, 80, 5)
    assert 0 < summary["explained_variance"] <= 1
    reported = summary["latents"]["scan_latents.h5"]
    assert reported["n_left_out"] == reported["n_not_finite"] == reported["n_constant"] == 0
    with h5py.File(tmp_path / "out" / "scan_latents.h5") as file:
        assert file["samples"].dtype == np.float32
        assert file["samples"].shape == (80, 5)
        np.testing.assert_array_equal(file["coords"], full_grid(10, 8))
        provenance = json.loads(file.attrs["provenance"])
    assert provenance["request"]["resolved"]["preparation"]["background"] == "dynamic"
    assert provenance["request"]["resolved"]["tile"] == reported["tile"]
    assert [entry["role"] for entry in provenance["inputs"]] == ["samples"]
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["summary"]["encoder"] == "pca"


def test_fitted_model_encodes_the_same_scan_and_another(tmp_path, scan):
    run(tmp_path, scan, prepare=("background=static", "scale=z_score", "crop=0:18:0:20"))
    model = str(tmp_path / "out" / "model.safetensors")
    run(tmp_path, scan, out="again", checkpoint=model)
    first = samples_of(tmp_path / "out" / "scan_latents.h5")
    np.testing.assert_array_equal(samples_of(tmp_path / "again" / "scan_latents.h5"), first)
    assert not (tmp_path / "again" / "static_background.npy").exists()
    other = write_kikuchi(tmp_path / "other.h5", full_grid(4, 3), patterns(12, SIZE, seed=9))
    summary = run(tmp_path, other, out="other", checkpoint=model)
    assert summary["preparation"]["background"] == "static"
    record = json.loads((tmp_path / "other" / "run.json").read_text())
    parent = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["parents"] == [parent["run_id"]]


def test_seed_checkpoint_encodes_with_its_own_preparation(tmp_path, scan, seed_file):
    summary = run(tmp_path, scan, checkpoint=str(seed_file))
    assert summary["preparation"]["scale"] == "minus_one_one"
    assert summary["files"] == ["scan_latents.h5"]
    encoder = open_checkpoint(str(seed_file), device="cpu", input_shape=(1, *SIZE))
    x = Preparer(Preparation(scale="minus_one_one"), (1, *SIZE))(patterns(80, SIZE))
    np.testing.assert_array_equal(
        samples_of(tmp_path / "out" / "scan_latents.h5"), encoder.encode(x)
    )
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    by_role = {entry["role"]: entry["fingerprint"] for entry in record["inputs"]}
    assert by_role["checkpoint"].startswith("sha256:")


def test_static_background_of_another_encoder_is_left_beside_the_latents(tmp_path, scan, seed_file):
    run(tmp_path, scan, checkpoint=str(seed_file), prepare=("background=static",))
    background = np.load(tmp_path / "out" / "static_background.npy")
    np.testing.assert_allclose(background, patterns(80, SIZE).mean(axis=0), rtol=1e-6)


def test_options_override_the_checkpoints_preparation(tmp_path, scan, seed_file):
    summary = run(
        tmp_path, scan, checkpoint=str(seed_file), prepare=("crop=0:12:0:12",), resolution=SIZE
    )
    assert summary["preparation"]["crop"] == [0, 12, 0, 12]
    assert summary["preparation"]["size"] == [20, 24]
    assert summary["preparation"]["scale"] == "minus_one_one"


def test_a_lent_model_is_used(tmp_path, scan, seed_file):
    asked = []

    def lend(checkpoint: str, **options: object):
        asked.append((checkpoint, options))
        return open_checkpoint(checkpoint, device="cpu", input_shape=(1, *SIZE))

    request = ExtractRequest(location=(str(scan),), checkpoint=str(seed_file))
    execute("extract", request, tmp_path / "out", open_model=lend)
    assert asked == [(str(seed_file), {"device": "auto", "input_shape": (1, *SIZE)})]


def test_points_left_out_are_nan(tmp_path, scan, contrast):
    rows = tmp_path / "rows.txt"
    rows.write_text("row\n" + "\n".join(str(row) for row in range(40)))
    summary = run(tmp_path, scan, keep_above=(str(contrast), 45.0), rows=str(rows))
    values = samples_of(tmp_path / "out" / "scan_latents.h5")
    kept = (np.arange(80) < 40) & (full_grid(10, 8)[:, 0] * 10 > 45)
    np.testing.assert_array_equal(np.isfinite(values).all(axis=1), kept)
    np.testing.assert_array_equal(np.isnan(values).all(axis=1), ~kept)
    assert summary["n_encoded"] == kept.sum()
    assert summary["latents"]["scan_latents.h5"]["n_left_out"] == 80 - kept.sum()


def test_points_whose_map_row_holds_no_number_are_left_out(tmp_path, scan, contrast):
    table = contrast.read_text().splitlines()
    table[5] = table[5].rpartition(",")[0] + ",n/a"  # row 4 of the scan: x = 4, y = 0
    contrast.write_text("\n".join(table))
    run(tmp_path, scan, keep_above=(str(contrast), 35.0))
    left_out = np.isnan(samples_of(tmp_path / "out" / "scan_latents.h5")).all(axis=1)
    wanted = full_grid(10, 8)[:, 0] * 10 <= 35
    wanted[4] = True
    np.testing.assert_array_equal(left_out, wanted)


def test_map_that_covers_half_of_the_points_is_no_threshold(tmp_path, scan, contrast):
    contrast.write_text("\n".join(contrast.read_text().splitlines()[:41]))
    with pytest.raises(InputError, match="40 of 80 points have no bandcontrast"):
        run(tmp_path, scan, keep_above=(str(contrast), 45.0))


def test_band_contrast_is_meant_where_a_threshold_names_no_column(tmp_path, scan, contrast):
    lines = contrast.read_text().splitlines()
    contrast.write_text("\n".join([lines[0] + ",cluster", *(line + ",7" for line in lines[1:])]))
    summary = run(tmp_path, scan, keep_above=(str(contrast), 45.0))
    assert summary["n_encoded"] == 40


@pytest.mark.parametrize("as_mask", [True, False])
def test_rows_may_be_an_npy(tmp_path, scan, as_mask):
    mask = np.arange(80) % 3 == 0
    np.save(tmp_path / "rows.npy", mask if as_mask else np.flatnonzero(mask))
    run(tmp_path, scan, rows=str(tmp_path / "rows.npy"))
    values = samples_of(tmp_path / "out" / "scan_latents.h5")
    np.testing.assert_array_equal(np.isfinite(values).all(axis=1), mask)


def test_bad_patterns_are_nan_rows_and_reported(tmp_path):
    images = patterns(80, SIZE, dtype="float32")
    images[3, 0, 5, 5] = np.nan
    images[4] = 100
    path = write_kikuchi(tmp_path / "scan.h5", full_grid(10, 8), images)
    reported = run(tmp_path, path)["latents"]["scan_latents.h5"]
    assert (reported["n_not_finite"], reported["n_constant"], reported["n_encoded"]) == (1, 1, 79)
    values = samples_of(tmp_path / "out" / "scan_latents.h5")
    assert np.flatnonzero(np.isnan(values).any(axis=1)).tolist() == [3]


def test_several_inputs_share_one_pca(tmp_path, scan):
    other = write_kikuchi(tmp_path / "other.h5", full_grid(4, 3), patterns(12, SIZE, seed=9))
    summary = run(tmp_path, scan, other)
    assert set(summary["latents"]) == {"scan_latents.h5", "other_latents.h5"}
    assert summary["n"] == 92


def test_finished_run_is_not_done_again(tmp_path, scan):
    first = run(tmp_path, scan)
    before = (tmp_path / "out" / "run.json").read_bytes()
    again = run(tmp_path, scan, batch_size=3)
    assert again["skipped"] is True
    assert not first["skipped"]
    assert again["files"] == first["files"]
    assert (tmp_path / "out" / "run.json").read_bytes() == before
    with pytest.raises(RequestError, match=r"other checkpoint.*clobber"):
        run(tmp_path, scan, checkpoint="pca:6")
    assert run(tmp_path, scan, checkpoint="pca:6", clobber=True)["latent_dim"] == 6
    assert samples_of(tmp_path / "out" / "scan_latents.h5").shape == (80, 6)


def test_changed_content_is_another_question(tmp_path, scan):
    run(tmp_path, scan)
    write_kikuchi(scan, full_grid(10, 8), patterns(80, SIZE, seed=4))
    with pytest.raises(RequestError, match="content of inputs"):
        run(tmp_path, scan)


def test_cancelled_run_resumes_with_its_fitted_pca(tmp_path, scan, monkeypatch):
    request = ExtractRequest(location=(str(scan),), checkpoint="pca:5", device="cpu", batch_size=1)
    monkeypatch.setattr("latentcore.encoders.pca.PcaEncoder.tile", 8)
    execute("extract", request, tmp_path / "whole")

    def on_step(done: int, total: int, message: str) -> None:
        if message == "encoding" and done >= 24:
            progress.cancel()

    progress = Progress(on_step)
    with pytest.raises(Cancelled):
        execute("extract", request, tmp_path / "out", progress)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("latentcore.encoders.pca.PcaRecipe.fit", None)  # it must not fit again
    summary = execute("extract", request, tmp_path / "out")
    assert summary["latents"]["scan_latents.h5"]["resumed_rows"] >= 24
    np.testing.assert_array_equal(
        samples_of(tmp_path / "out" / "scan_latents.h5"),
        samples_of(tmp_path / "whole" / "scan_latents.h5"),
    )
    assert not list(tmp_path.glob(".*.unfinished"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"checkpoint": "pca:0"}, "write pca:N|Write pca:N"),
        ({"checkpoint": "pca:81"}, "only 80 finite samples"),
        ({"checkpoint": "pca:481"}, "more components than a prepared sample has"),
        ({"checkpoint": "nowhere.pth"}, "There is no file at 'nowhere.pth'"),
        ({"prepare": ("scales=z_score",)}, "Did you mean 'scale'"),
        ({"prepare": ("size=9x9",), "resolution": (8, 8)}, "contradicts"),
        ({"prepare": ("crop=0:99:0:99",)}, "reaches beyond"),
        ({"partition": ("valid",)}, "no partitions"),
        ({"batch_size": 0}, "makes no progress"),
        ({"device": "gpu"}, "There is no device 'gpu'"),
        ({"rows": "{tmp}/rows.txt"}, "names row 80"),
        ({"rows": "{tmp}/scan.h5"}, "can't be read"),
        ({"rows": "{tmp}/commas.txt"}, "can't be read: invalid literal .* '1,2,3'"),
    ],
)
def test_wrong_requests_are_reported_and_leave_nothing(tmp_path, scan, options, says):
    (tmp_path / "rows.txt").write_text("0\n80\n")
    (tmp_path / "commas.txt").write_text("1,2,3\n")
    options = {
        key: value.format(tmp=tmp_path) if key == "rows" else value
        for key, value in options.items()
    }
    with pytest.raises(InputError, match=says):
        run(tmp_path, scan, **options)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*.unfinished"))


def test_wrong_pattern_size_is_reported(tmp_path, scan, seed_file):
    big = write_kikuchi(tmp_path / "big.h5", full_grid(4, 3), patterns(12, (60, 60)))
    with pytest.raises(InputError, match=r"Sizes .* that fit: .*17–24 × 17–24"):
        run(tmp_path, big, checkpoint=str(seed_file))
    run(tmp_path, scan, out="model")
    with pytest.raises(InputError, match="resolution 20 24"):
        run(tmp_path, big, checkpoint=str(tmp_path / "model"))


def test_inputs_that_would_write_the_same_file_are_refused(tmp_path, scan):
    (tmp_path / "b").mkdir()
    twin = write_kikuchi(tmp_path / "b" / "scan.h5")
    with pytest.raises(RequestError, match=r"2 inputs would all write 'scan_latents\.h5'"):
        run(tmp_path, scan, twin)


def test_inputs_of_different_shapes_are_refused(tmp_path, scan):
    big = write_kikuchi(tmp_path / "big.h5", full_grid(4, 3), patterns(12, (60, 60)))
    with pytest.raises(InputError, match="one by one"):
        run(tmp_path, scan, big)


def test_command_line_takes_every_option(tmp_path, scan, contrast, capsys):
    arguments = ["extract", str(scan), "--checkpoint", "pca:3", "--out", str(tmp_path / "out")]
    arguments += ["--prepare", "background=dynamic", "smooth=1", "--prepare", "scale=z_score"]
    arguments += ["--resolution", "10", "12", "--keep-above", f"{contrast}:bandcontrast", "15"]
    arguments += ["--batch-size", "16", "--device", "cpu", "--seed", "1", "--json", "--quiet"]
    assert main(arguments) == 0
    summary = json.loads(capsys.readouterr().out)
    wanted = ["background=dynamic", "smooth=1", "scale=z_score", "size=10x12"]
    assert Preparation.from_dict(summary["preparation"]) == Preparation.parse(wanted)
    assert main([*arguments[:-2], "--clobber", "--partition", "valid"]) == 2
    assert "RequestError: --partition valid was asked for" in capsys.readouterr().err
    assert (tmp_path / "out" / "run.json").exists()


def test_seed_names_hold_the_whole_field_in_the_files_order(scan, contrast, tmp_path):
    run(tmp_path, scan, seed_names=True, keep_above=(str(contrast), 20.0))
    out = tmp_path / "out"
    latents = samples_of(out / "scan_latents.h5")
    np.testing.assert_array_equal(np.load(out / "latents_full.npy"), latents)
    assert np.isnan(latents).any()
    coords = np.loadtxt(out / "coords.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(coords, full_grid(10, 8))
    assert len(list((out / "latent_maps").iterdir())) == 5
    head, *rows = (out / "latent_maps" / "latent_full_d3.csv").read_text().splitlines()
    assert head == "x,y,latent_d3"
    assert len(rows) == 80
    whole = lc.open_latents(out / "latent_maps" / "latent_full_d3.csv")
    np.testing.assert_array_equal(whole.values[:, 0], latents[:, 3])
