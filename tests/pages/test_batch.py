"""The Batch page: inputs in, rows out, and nothing that a person types leads out of its places."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from torch import nn

from latentcore.artifacts import from_json
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import CheckpointError, InputError, RequestError
from latentcore.jobs import JobRecord
from latentcore.settings import settings
from latentcore.workflows.batch.ledger import LEDGER, Ledger, read_ledger
from latentcore.workflows.batch.tasks import Row
from pages.access import locations, places
from pages.jobs.panel import runner
from pages.tasks.batch import table
from pages.tasks.batch.checkpoint import refuse_program
from pages.tasks.batch.inputs import latents_of_runs
from tests.encoders.programs import trace
from tests.pages.conftest import OpenPage
from tests.pages.use import page_text

PATIENCE = 120


def write_series(folder: Path, count: int = 3) -> list[Path]:
    """Write latents of a few scans of 6 × 5 points."""
    x, y = np.meshgrid(np.arange(6), np.arange(5))
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    files = []
    for number in range(count):
        values = np.random.default_rng(number).normal(size=(30, 2)).astype(np.float32)
        latents = LatentSet(values, default_sample_ids(30), np.arange(2, dtype=np.int32), grid)
        files.append(folder / f"scan_{number}.h5")
        write_latents(files[-1], latents)
    return files


def press(app: AppTest, label: str) -> AppTest:
    [button] = [one for one in app.button if label in one.label]
    return button.click().run()


def start_button(app: AppTest) -> AppTest:
    [button] = [one for one in app.button if one.label.startswith("Start ")]
    return button


def asks_for(app: AppTest, verb: str, lines: str) -> AppTest:
    app.selectbox(key="batch.verb").set_value(verb).run()
    latents = any("Earlier runs" in one.options for one in app.button_group)
    app.button_group(key=f"batch.way.{latents}").set_value("Lines of text").run()
    return app.text_area(key="batch.lines").set_value(lines).run()


def job_of(app: AppTest, state: str = "finished") -> JobRecord:
    value = app.query_params["job"]
    record = runner().wait(value if isinstance(value, str) else value[0], PATIENCE)
    assert record.state == state, record.error
    return record


def rows(app: AppTest) -> dict[str, str]:
    [frame] = [one.value for one in app.dataframe if "State" in one.value]
    return dict(zip(frame["Input"], frame["State"], strict=True))


def test_empty_page_asks_and_starts_nothing(open_page: OpenPage) -> None:
    app = open_page("batch")
    assert "No files in this folder" in page_text(app)
    assert "`{folder}`, `{stem}` and `{name}`" in page_text(app)
    assert start_button(app).disabled
    assert not app.dataframe


def test_failed_inputs_are_rows_and_only_they_are_done_again(
    open_page: OpenPage, data_root: Path
) -> None:
    write_series(data_root)
    (data_root / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    (data_root / "note.txt").write_text("no input")
    app = asks_for(open_page("batch"), "map", "folder:measured/*.h5")
    assert "**4** named: bad.h5 · measured, scan_0.h5 · measured" in page_text(app)
    app = press(app, "Start with 4 inputs")
    record = job_of(app)
    app.run()
    assert "**3** finished · **1** failed" in page_text(app)
    assert rows(app) == {
        "bad.h5 · measured": "✕ failed",
        **{f"scan_{number}.h5 · measured": "✓ finished" for number in range(3)},
    }
    [frame] = [one.value for one in app.dataframe]
    assert str(data_root) not in frame.to_string()
    labels = {one.label for one in app.get("download_button")}
    assert {"batch.csv", "summaries.csv", "combined_latent_full_d0.csv"} <= labels
    before = {path: path.stat().st_mtime_ns for path in record.folder.glob("*/run.json")}
    write_latents_again(data_root)
    app = press(app, "Do the failed one again")
    job_of(app)
    assert rows(app.run())["bad.h5 · measured"] == "✓ finished"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not [one for one in app.button if "failed" in one.label]
    other = press(open_page("batch", job=record.id), "New batch")
    assert "job" not in other.query_params
    assert record.id in press(other, "Show").query_params["job"]


def test_batch_whose_inputs_all_failed_has_failed_and_one_with_some_says_so(
    open_page: OpenPage, data_root: Path
) -> None:
    write_series(data_root, 1)
    (data_root / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    app = press(asks_for(open_page("batch"), "map", "folder:measured/*.h5"), "Start with 2")
    part = job_of(app)
    assert "1 of 2 inputs failed" in page_text(app.run())
    assert ":orange-badge[:material/warning: partly failed]" in page_text(app)
    listed = page_text(open_page("batch"))
    assert f":small[:orange[:material/warning:] {part.title}]" in listed.replace("\\", "")
    app = press(asks_for(open_page("batch"), "map", "folder:measured/bad.h5"), "Start with one")
    job_of(app, "failed")
    assert "All inputs failed" in page_text(app.run())
    assert rows(app) == {"bad.h5 · measured": "✕ failed"}
    write_latents_again(data_root)
    job_of(press(app, "Try again"))
    assert rows(app.run())["bad.h5 · measured"] == "✓ finished"
    states = open_page("runs").dataframe[0].value.set_index("Title")["State"]
    assert states[part.title] == "! partly failed"


def write_latents_again(folder: Path) -> None:
    (folder / "bad.h5").write_bytes((folder / "scan_0.h5").read_bytes())


def test_folder_offers_what_fits_a_pattern(open_page: OpenPage, data_root: Path) -> None:
    write_series(data_root)
    (data_root / "deep").mkdir()
    (data_root / "scan.txt").write_text("no input")
    app = open_page("batch")
    assert "**4** fit: scan.txt" in page_text(app)
    app.text_input(key="batch.files.folder:measured.pattern").set_value("scan_?.h5").run()
    assert "**3** of 4 fit: scan_0.h5, scan_1.h5, scan_2.h5" in page_text(app)
    app.button_group(key="batch.files.folder:measured.which").set_value("Some of them").run()
    field = app.multiselect(key="batch.files.folder:measured.some")
    field.set_value(["folder:measured/scan_1.h5"]).run()
    assert start_button(app).label == "Start with one input"
    app.selectbox(key="batch.folder.folder:measured").set_value("folder:measured/deep").run()
    assert "No files in this folder" in page_text(app)


def test_latents_of_runs_and_of_a_batch_are_offered_newest_run_first(workspace: Path) -> None:
    names = ("batch-b/scan_1", "batch-b/scan_0", "extract-a", "unfinished", ".extract-c.unfinished")
    for age, name in enumerate(names):
        folder = places.runs_folder() / name
        folder.mkdir(parents=True)
        file = folder / f"{folder.name}_latents.h5"
        file.touch()
        os.utime(file, (1e9 - age, 1e9 - age))
        if name != "unfinished":
            (folder / "run.json").write_text("{}")
    offered = latents_of_runs()
    assert list(offered) == [
        "run:batch-b/scan_0/scan_0_latents.h5",
        "run:batch-b/scan_1/scan_1_latents.h5",
        "run:extract-a/extract-a_latents.h5",
    ]
    assert offered["run:extract-a/extract-a_latents.h5"].startswith(
        "extract-a_latents.h5 · extract-a · 2001-09-09"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/etc/passwd", "no place that this server may read"),
        ("folder:measured/../../etc/passwd", "no place that this server may read"),
        ("folder:measured/gone.h5", "There is nothing at"),
        ("folder:measured/*.nothing", "Nothing in 'folder:measured' fits"),
        ("folder:elsewhere/*.h5", "names no folder of this server"),
        ("s3://secret/scan.h5", "lies in no bucket that this server offers"),
        ("s3:secret/scan.h5", "lies in no bucket that this server offers"),
        ("https://example.org/a.h5", "no place that this server may read"),
    ],
)
def test_lines_that_lead_elsewhere_are_refused(open_page: OpenPage, line: str, said: str) -> None:
    app = asks_for(open_page("batch"), "map", line)
    assert said in page_text(app)
    assert start_button(app).disabled


def test_options_come_from_the_request_and_what_is_missing_is_said(
    open_page: OpenPage, data_root: Path
) -> None:
    files = write_series(data_root)
    app = asks_for(open_page("batch"), "cluster", "folder:measured/scan_*.h5")
    assert "Still needed: Latent dimension, Map." in page_text(app)
    app.number_input(key="batch.cluster.dim").set_value(0).run()
    assert "Still needed: Map." in page_text(app)
    app.selectbox(key="batch.cluster.method").set_value("kmeans").run()
    app.text_input(key="batch.cluster.map.beside").set_value("{stem}_bc.csv:bc").run()
    assert "3 of 3 inputs have no such file beside them" in page_text(app)
    app.text_input(key="batch.cluster.more.k").set_value("two").run()
    assert "k can't be read from 'two'" in page_text(app)
    app.text_input(key="batch.cluster.more.k").set_value("2").run()
    x, y = np.meshgrid(np.arange(6), np.arange(5))
    lines = [f"{a},{b},{a * b}" for a, b in zip(x.ravel(), y.ravel(), strict=True)]
    for file in files[:2]:
        file.with_name(f"{file.stem}_bc.csv").write_text("x,y,bc\n" + "\n".join(lines) + "\n")
    app.run()
    assert "1 of 3 inputs have no such file beside them and will fail: scan_2_bc.csv" in page_text(
        app
    )
    app = press(app, "Start with 3 inputs")
    record = job_of(app)
    assert from_json(record.request["options"]) == {
        "dim": 0, "method": "kmeans", "map": "{folder}/{stem}_bc.csv:bc", "k": 2,
    }  # fmt: skip
    assert [row.state for row in read_ledger(record.folder)] == ["finished", "finished", "failed"]


@pytest.mark.parametrize(
    "text",
    ["/etc/passwd", "{folder}/../secret.csv", "{folder}/.hidden.csv", "{folder}/link.csv:bc",
     "relative.csv", "s3://secret/map.csv:bc", "~/map.csv", "{folder}/x.csv:/../../y"],
)  # fmt: skip
def test_options_name_no_file_outside_of_the_places(
    demo: Path, data_root: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "secret.csv").write_text("x,y,bc\n")
    (data_root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (data_root / ".hidden.csv").touch()
    inputs = [str(path) for path in write_series(data_root, 2)]
    with pytest.raises(InputError):
        locations.check_file(text, inputs)
    locations.check_file("{folder}/{stem}_bc.csv:bc", inputs)
    locations.check_file(str(places.resolve("demo:demo_elements.csv")) + ":Fe", inputs)


def test_plain_options_are_no_paths() -> None:
    for text in ("/etc/passwd", "a/b", "..\\b", "~root"):
        with pytest.raises(RequestError, match="reads like a path"):
            locations.check_text("tag", (1, [text]))
    locations.check_text("prepare", ("scale=z_score", "crop=0:8:0:8"))


def test_only_offered_buckets_are_read_and_written(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_S3_BUCKETS", "scans, results")
    settings.cache_clear()
    assert locations.from_lines("s3://scans/night/*.h5") == ["s3://scans/night/*.h5"]
    assert locations.from_lines("s3:scans/night/a.h5") == ["s3://scans/night/a.h5"]
    locations.check_file("{folder}/{stem}.csv", ["s3://scans/night/"])
    for text in ("s3://secret/a.h5", "s3://scans.secret/a.h5", "s3://scans@secret/a.h5"):
        with pytest.raises(InputError):
            locations.from_lines(text)


def test_exported_program_is_refused_unless_the_operator_offers_it(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("LATENT_MODEL_FOLDER", str(models))
    settings.cache_clear()
    offered = trace(models / "program.pt", nn.Flatten(), 1, 1, 8, 8)
    foreign = trace(tmp_path / "program.pt", nn.Flatten(), 1, 1, 8, 8)
    refuse_program(offered)
    with pytest.raises(CheckpointError, match="LATENT_MODEL_FOLDER"):
        refuse_program(foreign)
    (models / "link.pt").symlink_to(foreign)
    with pytest.raises(CheckpointError, match="LATENT_MODEL_FOLDER"):
        refuse_program(models / "link.pt")


def test_program_in_a_server_folder_keeps_the_batch_from_starting(
    open_page: OpenPage, data_root: Path
) -> None:
    trace(data_root / "program.pt", nn.Flatten(), 1, 1, 8, 8)
    app = asks_for(open_page("batch"), "extract", "demo:demo.h5")
    app.button(key="batch.extract.take.folder:measured/program.pt").click().run()
    assert "to encode with it is to run it" in page_text(app)
    assert start_button(app).disabled
    app.button_group(key="batch.extract.kind").set_value("PCA per file").run()
    assert "latents of different files can't be compared" in page_text(app)
    assert not start_button(app).disabled


def test_hundreds_of_rows_are_one_table_whose_errors_are_short(tmp_path: Path) -> None:
    summary = {"latents": {"a_latents.h5": {"rate": 1234.56}}}
    made = [Row(f"/data/scan_{n}.h5", f"scan_{n}", state="queued") for n in range(400)]
    made[0] = Row("/data/scan_0.h5", "scan_0", state="finished", summary=summary, seconds=2.0)
    made[1] = Row("/data/scan_1.h5", "scan_1", state="failed", error="/data/scan_1.h5 " + "x" * 300)
    made[2] = Row("/data/scan_2.h5", "scan_2", state="running")
    ledger = Ledger(tmp_path / "out", made)
    record = JobRecord(id="a", verb="batch", request={}, out=str(tmp_path / "out"))
    frame = table.frame(table.rows_of(record), active=True)
    assert list(frame.columns) == ["Input", "State", "Seconds", "Samples/s", "Error"]
    assert frame["Samples/s"][0] == 1234.6
    assert frame["Error"][1].startswith("scan_1.h5 x")
    assert len(frame["Error"][1]) == 90
    assert table.counts(made, active=False).endswith("**1** stopped")
    assert "**397** waiting" in table.counts(made, active=True)
    assert "⏸ stopped" in set(table.frame(made, active=False)["State"])
    ledger.put(Row("/data/scan_2.h5", "scan_2", state="finished"))
    assert table.rows_of(record)[2].state == "finished"
    (tmp_path / "out" / LEDGER).unlink()
    assert table.rows_of(record) == []
