"""Pictures and videos on the pages, and exported encoders: only those that the operator offers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from latentcore.errors import InputError, SettingsError, UnsafeFileError
from latentcore.settings import Settings, settings
from pages.access import places, uploads
from pages.jobs import models
from pages.jobs.panel import runner
from pages.scan import loading
from tests.encoders.programs import clip_encoder, picture_encoder, script
from tests.factories.media import clip, picture, write_picture, write_video
from tests.pages.use import open_server_folder

OpenPage = Callable[..., AppTest]


@pytest.fixture
def model_folder(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("LATENT_MODEL_FOLDER", str(folder))
    settings.cache_clear()
    return folder


def facts_of(app: AppTest) -> str:
    return " ".join(table.value.to_string() for table in app.table)


@pytest.fixture
def pictures(data_root: Path) -> Path:
    for number in range(4):
        name = ("cat", "dog")[number % 2]
        write_picture(data_root / "animals" / name / f"{number}.png", picture(number, (16, 16)))
    return data_root / "animals"


def test_a_folder_of_pictures_is_opened_as_one_scan(pictures: Path, open_page: OpenPage) -> None:
    app = open_server_folder(open_page("data"))
    assert not app.exception
    button = [one for one in app.button if one.label == "animals"]
    button[0].click().run()
    [whole] = [one for one in app.button if one.label.startswith("Open the whole folder")]
    whole.click().run()
    assert not app.exception
    assert "folder:measured/animals" in app.query_params["samples"]
    shown = facts_of(app)
    assert "folder" in shown
    assert "cat 2, dog 2" in shown


def test_videos_are_shown_and_can_be_extracted(
    data_root: Path, model_folder: Path, open_page: OpenPage
) -> None:
    for number in range(3):
        write_video(data_root / "clips" / f"{number}.avi", clip(number, 4, (16, 16)))
    script(model_folder / "tokenizer.pt", clip_encoder())
    app = open_page("data", samples="folder:measured/clips")
    assert not app.exception
    assert "4 frames" in facts_of(app)
    app = open_page("extract", samples="folder:measured/clips")
    assert not app.exception
    kind = next(one for one in app.segmented_control if one.label == "Encoder")
    kind.set_value("Trained model").run()
    assert not app.exception
    facts = " ".join(one.value for one in app.caption)
    assert "5 latent dimensions · takes 3 × 4 × 16 × 16 · gives 5 × 2 × 8 × 8" in facts
    pool = next(one for one in app.segmented_control if one.label == "Pooling")
    pool.set_value("flatten").run()
    assert not app.exception
    assert "640 latent dimensions" in " ".join(one.value for one in app.caption)


def test_damaged_pictures_are_reported_on_the_pages_and_left_out(
    pictures: Path, open_page: OpenPage
) -> None:
    (pictures / "cat/0.png").write_bytes(b"no picture at all")
    whole = (pictures / "dog/3.png").read_bytes()
    (pictures / "dog/3.png").write_bytes(whole[: len(whole) // 2])
    app = open_page("data", samples="folder:measured/animals")
    assert not app.exception
    assert not app.error
    shown = " ".join(one.value for one in app.caption)
    assert "1 of 4 files can't be read: cat/0.png" in shown.replace("\\", "")
    captions = [caption for image in app.get("image") for caption in image.captions]
    assert [caption.endswith("damaged") for caption in captions] == [True, False, False, True]
    app = open_page("extract", samples="folder:measured/animals")
    assert not app.exception
    assert "1 of 2 are damaged" in " ".join(one.value for one in app.caption)
    app.number_input(key="extract.components").set_value(1).run()
    next(one for one in app.button if one.label == "Extract latents").click().run()
    job = app.query_params["job"]
    assert runner().wait(job if isinstance(job, str) else job[0], 60).finished
    app.run()
    assert not app.exception
    message = " ".join(one.value for one in (*app.info, *app.markdown)).replace("\\", "")
    assert "**2** of 4 samples encoded" in message
    assert (
        "2 of 4 files of 'animals' can't be read and have no latent: cat/0.png, dog/3.png"
        in message
    )


def test_only_the_operators_programs_are_loaded(
    model_folder: Path, data_root: Path, tmp_path: Path
) -> None:
    offered = script(model_folder / "encoder.pt", picture_encoder())
    assert models.model(offered, "cpu", (3, 16, 16)).latent_dim == 5
    assert places.resolve("model:encoder.pt") == offered
    mine = script(tmp_path / "mine.pt", picture_encoder(out=7))
    upload = io.BytesIO(mine.read_bytes())
    upload.name = "mine.pt"
    uploaded = places.resolve(uploads.store_upload(upload))
    measured = script(data_root / "encoder.pt", picture_encoder(channels=1))
    (data_root / "link").symlink_to(model_folder)
    for path in (uploaded, measured):
        with pytest.raises(UnsafeFileError, match="LATENT_MODEL_FOLDER"):
            models.model(path, "cpu", (3, 16, 16))


def test_a_job_refuses_an_uploaded_program(
    pictures: Path, model_folder: Path, tmp_path: Path
) -> None:
    from latentcore.workflows import execute
    from latentcore.workflows.extract.verb import ExtractRequest

    elsewhere = script(tmp_path / "elsewhere.pt", picture_encoder())
    inside = script(model_folder / "encoder.pt", picture_encoder(channels=1))
    with models.job_services() as services:
        for program, error in ((elsewhere, UnsafeFileError), (inside, None)):
            request = ExtractRequest(
                location=(str(pictures),), checkpoint=str(program), device="cpu"
            )
            if error is None:
                assert execute("extract", request, tmp_path / "in", **services)["n_encoded"] == 4
            else:
                with pytest.raises(error):
                    execute("extract", request, tmp_path / "out", **services)


def test_the_models_folder_is_left_by_no_way(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.pt").touch()
    (model_folder / "link.pt").symlink_to(tmp_path / "secret.pt")
    for place in ("model:../secret.pt", "model:link.pt", "model:", "model:nothing.pt"):
        with pytest.raises(InputError):
            places.resolve(place)


def test_without_a_models_folder_there_are_no_such_places(workspace: Path) -> None:
    with pytest.raises(InputError, match="no place"):
        places.resolve("model:encoder.pt")


@pytest.mark.parametrize("inside", ["workspace/models", "."])
def test_the_models_folder_is_apart_from_the_uploads(inside: str, tmp_path: Path) -> None:
    folder = tmp_path / inside
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "LATENT_WORKSPACE": str(tmp_path / "workspace"), "LATENT_MODEL_FOLDER": str(folder),
    }  # fmt: skip
    with pytest.raises(SettingsError, match="one must not lie in the other"):
        Settings.from_environment(environment)


def test_a_changed_picture_has_another_version(
    pictures: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.access import file_versions

    before = loading.version("folder:measured/animals")
    assert loading.version("folder:measured/animals") == before
    write_picture(pictures / "cat" / "0.png", np.zeros((16, 16, 3), np.uint8))
    file_versions._folder_version.clear()
    assert loading.version("folder:measured/animals") != before


def test_features_without_a_grid_are_explored(data_root: Path, open_page: OpenPage) -> None:
    rng = np.random.default_rng(0)
    torch.save(
        {
            "X": torch.from_numpy(rng.normal(size=(120, 6)).astype(np.float32)),
            "y": torch.arange(120) % 2,
            "paths": [f"videos/{row}.mp4" for row in range(120)],
            "split": ["test-private"] * 60 + ["test-public"] * 60,
            "meta": {},
        },
        data_root / "features.pt",
    )
    app = open_page("data", latents="folder:measured/features.pt")
    assert not app.exception
    assert "6" in facts_of(app)
    app = open_page("explore", latents="folder:measured/features.pt")
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
