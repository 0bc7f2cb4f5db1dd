"""The Runs page, empty and full."""

from __future__ import annotations

import base64
import io
import shlex
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import to_json
from latentcore.cli import build_parser, request_in
from latentcore.jobs import JobRecord, command_line, request_from
from latentcore.readers import open_samples
from latentcore.settings import settings
from latentcore.workflows import VERBS, execute
from pages.access import places
from pages.jobs.panel import runner
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.pages.use import page_text

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of its own, with a scan in its data root."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LATENT_DATA_ROOTS", str(root))
    settings.cache_clear()
    yield write_kikuchi(root / "scan.h5")
    st.cache_resource.clear()
    st.cache_data.clear()
    settings.cache_clear()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=PATIENCE)
    app.query_params["samples"] = "folder:data/scan.h5"
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("pages/tasks/runs/runs.py").run()


def extraction(scan: Path, checkpoint: str = "pca:3") -> JobRecord:
    request = VERBS.get("extract").request(location=(str(scan),), checkpoint=checkpoint)
    record = runner().submit("extract", request, title=f"{checkpoint} of the scan")
    return runner().wait(record.id, PATIENCE)


def test_empty_page_says_what_to_do(scan: Path) -> None:
    app = open_page()
    assert "Nothing has been run yet" in page_text(app)
    assert not app.dataframe


def test_run_shows_its_files_provenance_and_command(scan: Path) -> None:
    record = extraction(scan)
    app = open_page(run=record.id)
    shown = page_text(app)
    assert "**scan_latents.h5**" in shown.replace("\\", "")
    assert "sha256 " in shown
    listing, inputs, parameters, made = (frame.value for frame in app.dataframe)
    assert listing["Title"].tolist() == ["pca:3 of the scan"]
    with open_samples(scan) as samples:
        assert listing["n"].tolist() == [len(samples)]
    assert inputs["Role"].tolist() == ["samples"]
    assert inputs["File"].tolist() == ["scan.h5 · data"]
    assert dict(zip(parameters["Name"], parameters["Value"], strict=True))["checkpoint"] == "pca:3"
    assert {"run id", "seed", "python", "torch"} <= set(made["Name"])
    labels = [one.label for one in app.get("download_button")]
    assert any(label.startswith("All as zip") for label in labels)
    command = next(one.value for one in app.code if "latentcore extract" in one.value)
    words = shlex.split(command)[3:]
    request = request_from("extract", record.request)
    assert request_in(build_parser().parse_args(words)) == request


def test_a_run_is_pictured_named_and_noted_in_plain_text(scan: Path) -> None:
    record = extraction(scan)
    before = (record.folder / "run.json").read_bytes()
    app = open_page(run=record.id)
    picture = app.dataframe[0].value["Preview"][0].partition("base64,")[2]
    with Image.open(io.BytesIO(base64.b64decode(picture))) as shown, open_samples(scan) as samples:
        rows, columns = samples.grid.shape
        assert shown.width / shown.height == pytest.approx(columns / rows, rel=0.02)
    assert "Note" not in app.dataframe[0].value
    app.text_input(key=f"name_of_{record.id}").set_value("The *best*")
    app.text_area(key=f"note_of_{record.id}").set_value("# no heading")
    next(one for one in app.button if one.label == "Keep").click().run()
    listing = app.dataframe[0].value
    assert (listing["Title"][0], listing["Note"][0]) == ("The *best*", "# no heading")
    assert "\\# no heading" in [one.value for one in app.markdown]
    assert "The *best*" in app.sidebar.selectbox(key="pick_latents").options
    assert (record.folder / "run.json").read_bytes() == before


def test_what_has_just_ended_is_in_the_sidebar_of_every_page(scan: Path) -> None:
    record, failed = extraction(scan), extraction(scan, "pca:99")
    app = open_page().switch_page("pages/tasks/batch/batch.py").run()
    said = "\n".join(one.value for one in app.sidebar.markdown).replace("\\", "")
    assert "pca:3 of the scan" in said and "pca:99 of the scan" in said
    assert app.sidebar.get("page_link")[0].proto.query_string == f"run={failed.id}"
    app.button(key=f"sidebar_open_{record.id}").click().run()
    assert app.session_state["scan"].latents == f"run:{record.folder.name}/scan_latents.h5"
    assert app.title[0].value == "Explore"


def test_failed_job_says_why_and_can_be_tried_again(scan: Path) -> None:
    record = extraction(scan, "pca:99")
    assert record.state == "failed"
    app = open_page(run=record.id)
    assert "pca:99 asks for more components" in page_text(app)
    app.button(key=f"again_{record.id}").click().run()
    again = runner().wait(record.id, PATIENCE)
    assert again.attempt == 2


def test_run_is_repeated_and_deleted(scan: Path) -> None:
    record = extraction(scan)
    app = open_page(run=record.id)
    app.button(key=f"rerun_{record.id}").click().run()
    assert runner().wait(record.id, PATIENCE).attempt == 2
    app = open_page(run=record.id)
    app.button(key=f"delete_{record.id}").click().run()
    assert "Nothing has been run yet" in page_text(app)
    assert not record.folder.exists()


def test_run_that_no_job_says_of_is_listed_too(scan: Path) -> None:
    request = VERBS.get("extract").request(location=(str(scan),), checkpoint="pca:2")
    execute("extract", request, places.runs_folder() / "by-hand")
    app = open_page(run="by-hand")
    assert app.dataframe[0].value["Title"].tolist() == ["PCA 2 of scan.h5"]
    app.button(key="rerun_by-hand").click().run()
    [record] = runner().list()
    assert runner().wait(record.id, PATIENCE).state == "finished"
    app = open_page(run="by-hand")
    app.button(key="delete_by-hand").click().run()
    assert not (places.runs_folder() / "by-hand").exists()
    assert runner().get(record.id).finished


def test_latents_open_in_explore_with_their_patterns(scan: Path) -> None:
    record = extraction(scan)
    place = f"run:{record.folder.name}/scan_latents.h5"
    app = open_page(run=record.id)
    app.button(key=f"explore_{place}").click().run()
    assert app.session_state["scan"].latents == place
    assert app.session_state["scan"].samples == "folder:data/scan.h5"


def test_labels_of_a_run_are_exported_with_the_orientations_in_view(scan: Path) -> None:
    """The scan in view has Euler angles; the names of its phases are shown as they are."""
    coords = full_grid(6, 5)
    table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1]})
    angles = {"phi1_deg": 10.0, "Phi_deg": 20.0, "phi2_deg": 30.0}
    phases = ["![a](http://b/c.png)", "*beta*"]
    table.assign(**angles, phase=15 * phases).to_csv(scan.parent / "maps.csv", index=False)
    table.assign(latent_d0=np.arange(30) % 2).to_csv(scan.parent / "latents.csv", index=False)
    table.assign(bc=np.arange(30) // 3).to_csv(scan.parent / "bc.csv", index=False)
    request = VERBS.get("cluster").request(
        latents=str(scan.parent / "latents.csv"), dim=0, map=str(scan.parent / "bc.csv"),
        method="kmeans", k=2,
    )  # fmt: skip
    execute("cluster", request, places.runs_folder() / "clustered")
    app = open_page(run="clustered", maps="folder:data/maps.csv")
    assert app.selectbox(key="export_clustered.from").options == ["maps.csv · data", "nowhere"]
    app.selectbox(key="export_clustered.format").set_value("orix").run()
    app.button(key="export_clustered.job.prepare").click().run()
    [record] = runner().list()
    assert runner().wait(record.id, PATIENCE).state == "finished"
    app.run()
    assert "The Laue group of " in page_text(app)
    assert not [one for one in app.caption if "![a]" in one.value or "*beta*" in one.value]
    with h5py.File(record.folder / "clustered.h5") as file:
        clusters = file["crystal_map/data/cluster"][()]
        assert set(file["crystal_map/data/phase_id"][()]) == {1, 2}
    assert len(clusters) == 30
    assert set(clusters) == {0, 1}


def test_no_path_of_the_server_is_shown_for_files_outside_of_it(scan: Path, tmp_path: Path) -> None:
    outside = write_kikuchi(tmp_path / "secret_place.h5")
    record = extraction(outside)
    app = open_page(run=record.id)
    frames = " ".join(frame.value.to_string() for frame in app.dataframe)
    assert "secret_place.h5" in frames
    shown = page_text(app) + frames + " ".join(one.value for one in app.code)
    assert str(tmp_path / "secret") not in shown


SAMPLE_REQUESTS = {
    "extract": {
        "location": ("a b.h5", "c.h5"),
        "checkpoint": "pca:3",
        "partition": ("train", "valid"),
        "prepare": ("size=30x30", "smooth=1"),
        "resolution": (30, 40),
        "keep_above": ("m.csv:BC", 70.5),
        "batch_size": 7,
        "clobber": True,
    },
    "project": {"latents": "l.h5"},
    "cluster": {"latents": "l.h5", "dim": 3, "map": ("m.csv",), "method": "kmeans", "k": 4},
    "map": {"latents": "l.h5", "dim": (1, 2)},
    "export": {"labels": ("a.csv:c",), "format": "ang", "with_": ("m.csv",), "from_": "s.h5"},
    "batch": {
        "verb": "extract",
        "location": ("a.h5", "s3://scans/series/"),
        "options": to_json({"checkpoint": "pca:3", "keep_above": ["m.csv:BC", 70.5]}).strip(),
        "upload": "s3://scans/results",
        "workers": 2,
    },
}


@pytest.mark.parametrize("verb", SAMPLE_REQUESTS)
def test_command_line_of_a_verb_parses_back(verb: str) -> None:
    request = VERBS.get(verb).request(**SAMPLE_REQUESTS[verb])
    parsed = build_parser().parse_args(shlex.split(command_line(verb, request, "out"))[3:])
    assert request_in(parsed) == request


def test_the_only_map_of_an_older_run_stays_one() -> None:
    request = VERBS.get("cluster").request(latents="l.h5", dim=3, map="m.csv", method="gmm")
    assert command_line("cluster", request).endswith(" --map m.csv")
