"""Search by an uploaded sample: with the model that made the latents, wherever it lies."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from streamlit.testing.v1 import AppTest

from latentcore.encoders import EVERYWHERE, open_checkpoint
from latentcore.settings import settings
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from pages.access import places
from pages.access.uploads import store_model
from pages.scan import demo
from tests.encoders.nenya import write_nenya
from tests.encoders.programs import picture_encoder, script
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.factories.nenya import cutouts, write_cutouts
from tests.pages.conftest import OpenPage
from tests.pages.test_search import found_rows
from tests.pages.use import page_text

__all__ = ["one_thread"]

LATENTS = "folder:measured/mine_latents.h5"
COUNT = 20
CUTOUTS = cutouts(COUNT, 16)


@pytest.fixture
def model_folder(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("LATENT_MODEL_FOLDER", str(folder))
    settings.cache_clear()
    return folder


@pytest.fixture
def samples(data_root: Path) -> Path:
    return write_cutouts(data_root / "mine.h5", train=CUTOUTS)


def extract(samples: Path, workspace: Path, checkpoint: str, run: str, **options: object) -> Path:
    request = ExtractRequest((str(samples),), checkpoint=checkpoint, device="cpu", **options)
    trusting = partial(open_checkpoint, trusted_roots=EVERYWHERE)
    folder = workspace / "runs" / run
    execute("extract", request, folder, open_model=trusting)
    return folder / f"{samples.stem}_latents.h5"


def pca(samples: Path, workspace: Path) -> str:
    extract(samples, workspace, "pca:5", "extract-own")
    return str(workspace / "runs" / "extract-own" / "model.safetensors")


def trained(samples: Path, workspace: Path) -> str:
    folder = workspace / "runs" / "train-own"
    shutil.copytree(Path(pca(samples, workspace)).parent, folder)
    return str(folder / "model.safetensors")


def uploaded(samples: Path, workspace: Path) -> str:
    file = io.BytesIO(write_nenya(workspace.parent / "last.pth").read_bytes())
    file.name = "last.pth"
    return str(places.resolve(store_model([file])))


def offered(samples: Path, workspace: Path) -> str:
    return str(script(settings().model_folder / "tokenizer.pt", picture_encoder(1)))


def asking_for_an_image(open_page: OpenPage, latents: str) -> AppTest:
    app = open_page("search", samples="", latents=latents)
    (way,) = (group for group in app.button_group if group.label == "Search for")
    return way.set_value("image").run()


def searched(app: AppTest, name: str, content: bytes) -> AppTest:
    return app.file_uploader(key="search.image").upload(name, content).run()


def npy(sample: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, sample)
    return content.getvalue()


@pytest.mark.parametrize(
    ("make", "name"),
    [(pca, "PCA 5 · mine.h5"), (trained, ""), (offered, "tokenizer.pt")],
    ids=["fitted", "trained", "offered"],
)
def test_latents_from_elsewhere_find_their_model_by_its_content(
    open_page: OpenPage,
    samples: Path,
    workspace: Path,
    model_folder: Path,
    make: Callable[[Path, Path], str],
    name: str,
) -> None:
    made = extract(
        samples, workspace, make(samples, workspace), "extract-1", prepare=("scale=minus_one_one",)
    )
    shutil.move(made, places.resolve("folder:measured") / "mine_latents.h5")
    shutil.rmtree(made.parent)
    other = write_cutouts(samples.with_name("other.h5"), train=CUTOUTS[::-1] + 1)
    extract(other, workspace, "pca:5", "extract-newest")
    app = asking_for_an_image(open_page, LATENTS)
    assert f"The model that made these latents was found: {name}" in page_text(app)
    searched(app, "query.npy", npy(CUTOUTS[7, 0]))
    assert found_rows(app)[0] == 7
    assert app.dataframe[0].value["similarity"][0] == pytest.approx(1, abs=1e-5)


def test_latents_of_an_uploaded_model_find_it(
    open_page: OpenPage, samples: Path, workspace: Path
) -> None:
    extract(samples, workspace, uploaded(samples, workspace), "extract-1")
    app = asking_for_an_image(open_page, "run:extract-1/mine_latents.h5")
    assert "was found: last.pth" in page_text(app)
    assert found_rows(searched(app, "query.npy", npy(CUTOUTS[3])))[0] == 3


def test_latents_of_the_demo_model_find_it(
    open_page: OpenPage, data_root: Path, workspace: Path
) -> None:
    scan = write_kikuchi(data_root / "mine.h5", full_grid(5, 4), patterns(20, (60, 60)))
    shutil.copy(extract(scan, workspace, demo.ENCODER, "extract-1"), data_root)
    shutil.rmtree(workspace / "runs")
    assert "was found: demo:vae" in page_text(asking_for_an_image(open_page, LATENTS))


def test_a_model_that_is_gone_is_reported_and_no_other_taken_for_it(
    open_page: OpenPage, samples: Path, workspace: Path
) -> None:
    checkpoint = write_nenya(workspace.parent / "last.pth")
    extract(samples, workspace, str(checkpoint), "extract-1")
    extract(samples, workspace, "pca:3", "extract-2")
    checkpoint.unlink()
    app = asking_for_an_image(open_page, "run:extract-1/mine_latents.h5")
    assert "The model that made these latents (last.pth) was not found." in page_text(app)
    searched(app, "query.npy", npy(CUTOUTS[3]))
    assert not app.dataframe
    [choice] = [one for one in app.selectbox if one.label == "Model"]
    assert choice.value is None
    choice.set_value("run:extract-2/model.safetensors").run()
    assert "makes 3 latent dimensions, but the latents have 12" in page_text(app)
    assert not app.dataframe


def test_a_file_that_holds_another_model_by_now_is_not_taken_for_it(
    open_page: OpenPage, samples: Path, workspace: Path
) -> None:
    checkpoint = write_nenya(workspace.parent / "last.pth")
    extract(samples, workspace, str(checkpoint), "extract-1")
    checkpoint.write_bytes(b"another")
    app = asking_for_an_image(open_page, "run:extract-1/mine_latents.h5")
    assert "(last.pth) was not found" in page_text(app)


def test_latents_without_a_record_ask_for_their_model(
    open_page: OpenPage, samples: Path, data_root: Path, workspace: Path
) -> None:
    extract(samples, workspace, "pca:3", "extract-1")
    np.save(data_root / "bare.npy", np.random.default_rng(0).normal(size=(9, 3)))
    app = asking_for_an_image(open_page, "folder:measured/bare.npy")
    assert "These latents don't say which model made them." in page_text(app)
    [choice] = [one for one in app.selectbox if one.label == "Model"]
    assert choice.value is None


def as_hdf5(sample: np.ndarray) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["valid"] = sample[None]
    return content.getvalue()


def as_tiff(sample: np.ndarray) -> bytes:
    content = io.BytesIO()
    tifffile.imwrite(content, sample)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("query.npy", npy),
        ("query.h5", as_hdf5),
        ("query.hdf5", as_hdf5),
        ("query.tif", as_tiff),
        ("query.tiff", as_tiff),
    ],
)
def test_a_cutout_of_floats_is_prepared_and_pooled_as_the_latents_were(
    open_page: OpenPage,
    samples: Path,
    workspace: Path,
    model_folder: Path,
    name: str,
    written: Callable[[np.ndarray], bytes],
) -> None:
    # By itself the encoder takes pixels of 8 or 16 bits, and pools by the mean.
    extract(
        samples, workspace, offered(samples, workspace), "extract-1",
        prepare=("scale=minus_one_one",), pool="max",
    )  # fmt: skip
    app = asking_for_an_image(open_page, "run:extract-1/mine_latents.h5")
    searched(app, name, written(CUTOUTS[7, 0]))
    assert not app.error, page_text(app)
    assert found_rows(app)[0] == 7
    assert app.dataframe[0].value["similarity"][0] == pytest.approx(1, abs=1e-5)


def test_floats_that_nobody_says_how_to_scale_are_refused(
    open_page: OpenPage, data_root: Path, model_folder: Path
) -> None:
    script(model_folder / "tokenizer.pt", picture_encoder(1))
    np.save(data_root / "bare.npy", np.random.default_rng(0).normal(size=(9, 5)))
    app = asking_for_an_image(open_page, "folder:measured/bare.npy")
    [choice] = [one for one in app.selectbox if one.label == "Model"]
    choice.set_value("model:tokenizer.pt").run()
    searched(app, "query.npy", npy(CUTOUTS[7, 0]))
    assert "the latents don't record how such samples were scaled" in page_text(app)
