"""The Train page: from a scan to a model and its worth, and all that can go wrong on the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import read_run, to_json, write_atomic
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.readers import open_latents
from latentcore.workflows import VERBS
from pages.access import places
from pages.jobs.panel import runner
from pages.tasks.train import live
from pages.view.question import Question
from pages.view.question_link import to_query
from tests.factories.kikuchi import patterns, write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text, press

PATIENCE = 120
SCAN = "folder:measured/scan.h5"


@pytest.fixture
def scan(data_root: Path) -> Path:
    """Thirty patterns of two kinds on 6 × 5 points, with a map of the kinds."""
    write_kikuchi(data_root / "scan.h5")
    lines = [f"{n % 6},{n // 6},{n % 2},{n}" for n in range(30)]
    (data_root / "truth.csv").write_text("x,y,phase_id,contrast\n" + "\n".join(lines) + "\n")
    return data_root


def open_train(open_page: OpenPage, **query: str | list[str]) -> AppTest:
    return open_page("train", **{"samples": SCAN, "maps": ["folder:measured/truth.csv"], **query})


def job_in(app: AppTest) -> str:
    value = app.query_params["job"]
    return value if isinstance(value, str) else value[0]


def choose_tiny(app: AppTest, *, latent_dim: int = 2, epochs: int = 2) -> AppTest:
    app.number_input(key="train.default.latent_dim").set_value(latent_dim)
    return app.number_input(key="train.default.epochs").set_value(epochs).run()


def test_without_patterns_the_page_says_what_to_do(open_page: OpenPage, scan: Path) -> None:
    app = open_train(open_page, samples="")
    assert "No samples are in view" in page_text(app)
    assert not [one for one in app.button if one.label == "Train"]


def test_training_ends_with_its_worth_and_its_model_goes_to_the_extract_page(
    open_page: OpenPage, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = choose_tiny(open_train(open_page))
    labels = next(one for one in app.selectbox if one.label == "Judge by")
    assert labels.options[0] == "phase_id"
    app = press(labels.set_value("phase_id").run(), "Train")
    record = runner().wait(job_in(app), PATIENCE)
    assert record.state == "finished", record.error
    assert {name for name, value in record.request.items() if value not in (None, [])} == {
        "location", "preset", "latent_dim", "epochs", "labels", "device", "resume", "seed",
    }  # fmt: skip

    app = open_train(open_page, job=record.id)
    assert "**29** samples trained on" in page_text(app)
    metrics = {one.label: one.value for one in app.metric}
    assert metrics["Active dimensions"].endswith("of 2")
    assert metrics["Variance reconstructed"].endswith("%")
    assert set(metrics) >= {"Neighbors kept", "Same label nearby", "ARI of KMeans"}
    names = {one.label for one in app.get("download_button")}
    assert names >= {"model.safetensors", "model.json", "loss.csv"}

    extract = press(app, "Extract latents with this model")
    assert "vae-residual · 2 latent dimensions" in page_text(extract)
    chosen = extract.selectbox(key="extract.model").value
    assert chosen == f"run:{record.folder.name}/model.safetensors"
    assert extract.radio(key="extract.preset.True").value == "own"

    # One click from here: latents of both encoders, then what they share.
    monkeypatch.setitem(
        VERBS._parts, "compare", dataclasses.replace(VERBS.get("compare"), pool="thread")
    )
    compare = press(open_train(open_page, job=record.id), "Compare with PCA")
    jobs = compare.session_state["latents_awaited"].jobs
    made = [runner().wait(job, PATIENCE) for job in jobs]
    assert [one.request["checkpoint"] for one in made] == [
        str(record.folder / "model.safetensors"), "pca:2",
    ]  # fmt: skip
    assert (
        read_run(made[0].folder)["summary"]["preparation"]
        == (read_run(made[1].folder)["summary"]["preparation"])
    )
    assert compare.title[0].value == "Compare"
    compare.switch_page("pages/tasks/compare/compare.py").run()  # which AppTest forgets
    compared = runner().wait(job_in(compare), PATIENCE)
    assert compared.state == "finished", compared.error
    assert compared.request["labels"].endswith("truth.csv:phase_id")
    compare.run()
    names = compare.dataframe[0].value["Latents"].tolist()
    assert names[0].startswith("VAE 2") and names[1].startswith("PCA 2")
    others = compare.multiselect(key=f"compare.others.run:{made[0].folder.name}/scan_latents.h5")
    assert others.value == [f"run:{made[1].folder.name}/scan_latents.h5"]

    again = open_train(open_page)
    assert "Trainings of this scan" in [one.value for one in again.header]
    shown = again.button(key=f"show_{record.id}").click().run()
    assert job_in(shown) == record.id

    # A finished training is asked for once more: it begins anew, and a pause of it can be ended.
    assert runner().rerun(record.id).request["resume"] is False
    runner().cancel(record.id)
    runner().wait(record.id, PATIENCE)


def test_stopped_training_shows_what_it_learned_and_goes_on(
    open_page: OpenPage, scan: Path
) -> None:
    app = press(choose_tiny(open_train(open_page), epochs=500), "Train")
    job = job_in(app)
    seen = runner().get(job)
    weights = live.scratch_of(seen) / "checkpoint" / "model.safetensors"
    while not weights.is_file():
        assert runner().wait(job, 0.2).active
    app.run()
    assert "Cancel keeps the best weights so far" in page_text(app)
    press(app, "Cancel")
    assert runner().wait(job, PATIENCE).state == "cancelled"
    stopped = open_train(open_page, job=job)
    assert "can be used as they are" in page_text(stopped)
    assert {one.label for one in stopped.get("download_button")} >= {"model.safetensors"}
    live_file = live.scratch_of(seen) / "live.json"
    before = live_file.stat().st_mtime_ns
    press(stopped, "Resume")
    while live_file.stat().st_mtime_ns == before:
        assert runner().wait(job, 0.2).active
    assert runner().get(job).request["resume"] is True
    runner().cancel(job)
    runner().wait(job, PATIENCE)
    extract = press(open_train(open_page, job=job), "Extract latents with them")
    assert "vae-residual · 2 latent dimensions" in page_text(extract)


def test_curves_and_pictures_come_from_the_live_files(open_page: OpenPage, scan: Path) -> None:
    app = press(choose_tiny(open_train(open_page), epochs=400), "Train")
    job = job_in(app)
    runner().cancel(job)
    record = runner().wait(job, PATIENCE)
    folder = live.scratch_of(record)
    folder.mkdir(parents=True, exist_ok=True)
    losses = [
        {"epoch": epoch, "split": split, "reconstruction": 1 / (epoch + 1), "kl": 1, "total": 2}
        for epoch in range(3)
        for split in ("train", "held-out")
    ]
    state = {
        "state": "training", "epoch": 2, "epochs": 400, "best_epoch": 1, "patterns_per_s": 1234.5,
        "seconds": 3, "eta_s": 75, "losses": losses,
    }  # fmt: skip
    write_atomic(folder / "live.json", to_json(state).encode())
    np.save(folder / "live.npy", np.zeros((3, 8, 8, 8), np.float32))
    app = open_train(open_page, job=job)
    assert (
        "Epoch **2** of 400 · best so far: 1 · 1,234 samples per second · 1 min 15 s"
        in page_text(app)
    )
    assert len(app.get("plotly_chart")) == 1


def test_what_can_not_be_trained_is_reported_in_place_and_nothing_is_lost(
    open_page: OpenPage, scan: Path
) -> None:
    app = choose_tiny(open_train(open_page), latent_dim=65)
    assert "8 × 8 = 64 pixels" in page_text(app)
    assert [one for one in app.button if one.label == "Train" and one.disabled]

    images = patterns(30)
    images[3:] = 7
    write_kikuchi(scan / "flat.h5", images=images)
    app = press(choose_tiny(open_page("train", samples="folder:measured/flat.h5")), "Train")
    runner().wait(job_in(app), PATIENCE)
    app = app.run()
    assert "27 have the same value everywhere" in page_text(app)
    assert app.number_input(key="train.default.latent_dim").value == 2
    assert [one for one in app.button if one.label == "Train" and not one.disabled]


def test_preset_brings_its_own_settings(open_page: OpenPage, scan: Path) -> None:
    app = open_train(open_page)
    assert app.number_input(key="train.default.kl_weight").value == 1e-3
    app.button_group(key="train.preset").set_value("as-published").run()
    assert app.number_input(key="train.as-published.kl_weight").value == 1.0
    assert app.number_input(key="train.as-published.latent_dim").value == 512
    assert "Its KL weight of 1" in page_text(app)


@pytest.fixture
def latents(scan: Path) -> str:
    """Latents of a PCA of three components, from a run of this server."""
    request = VERBS.get("extract").request(
        location=(str(places.resolve(SCAN)),), checkpoint="pca:3", prepare=("background=dynamic",)
    )
    record = runner().wait(runner().submit("extract", request).id, PATIENCE)
    assert record.state == "finished", record.error
    return f"run:{record.folder.name}/scan_latents.h5"


def open_explore(open_page: OpenPage, latents: str, **fields: object) -> AppTest:
    query = to_query(Question(embedding="pca", **fields))
    maps = ["folder:measured/truth.csv"]
    return open_page("explore", samples=SCAN, latents=latents, maps=maps, **query)


def test_pinned_pattern_is_decoded_along_the_chosen_dimension(
    open_page: OpenPage, latents: str
) -> None:
    app = open_explore(open_page, latents, dim=1, pinned=4)
    app.selectbox(key="explore.tab").set_value("patterns").run()
    assert "Along latent 1" in page_text(app)
    [slider] = [one for one in app.slider if one.label == "Value of latent 1"]
    values = open_latents(places.resolve(latents)).dimension(1)
    assert slider.value == pytest.approx(float(values[4]), abs=1e-3)
    slider.set_value(slider.max).run()
    assert not app.exception
    assert not app.error


def test_worth_of_loaded_latents_and_of_a_map_of_labels(open_page: OpenPage, latents: str) -> None:
    app = open_explore(open_page, latents)
    app.selectbox(key="explore.tab").set_value("worth").run()
    assert "over 30 encoded points; these latents have no prior" in page_text(app)
    assert [one.label for one in app.metric] == ["Neighbors kept by PCA"]
    press(app, "Compute")
    metrics = {one.label: one.value for one in app.metric}
    assert float(metrics["ARI of KMeans"]) > 0.9
    assert metrics["Same label nearby"].endswith("%")


def test_latents_without_a_prior_to_speak_of_are_called_collapsed(
    open_page: OpenPage, data_root: Path, scan: Path
) -> None:
    values = np.random.default_rng(0).normal(0, 1e-3, (30, 4)).astype(np.float32)
    grid = ScanGrid.from_coordinates(np.arange(30) % 6, np.arange(30) // 6)
    found = LatentSet(values, default_sample_ids(30), np.arange(4, dtype=np.int32), grid)
    write_latents(data_root / "flat_latents.h5", found)
    app = open_explore(open_page, "folder:measured/flat_latents.h5")
    app.selectbox(key="explore.tab").set_value("worth").run()
    assert "none of 4 dimensions is active" in page_text(app)
    assert {one.label: one.value for one in app.metric}["Active dimensions"] == "0 of 4"
