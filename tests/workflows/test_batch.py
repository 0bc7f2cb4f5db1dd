"""A verb over many inputs: everything arrives, once, whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts import from_json, read_run, to_json
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import build_parser, main, request_in
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.encoders import open_checkpoint
from latentcore.errors import Cancelled, RequestError, UnknownNameError
from latentcore.progress import Progress
from latentcore.settings import settings
from latentcore.workflows import VERBS, execute
from latentcore.workflows.batch.inputs import expanded, filled_in, names_of
from latentcore.workflows.batch.ledger import read_ledger
from latentcore.workflows.batch.verb import BatchRequest
from tests.encoders.programs import trace
from tests.factories.kikuchi import write_kikuchi

MAP = to_json({"dim": [0]})


def write_file(path: Path, seed: int = 0) -> Path:
    """Write latents of a 6 × 5 scan."""
    x, y = np.meshgrid(np.arange(6), np.arange(5))
    values = np.random.default_rng(seed).normal(size=(30, 2)).astype(np.float32)
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel())
    path.parent.mkdir(exist_ok=True, parents=True)
    write_latents(
        path, LatentSet(values, default_sample_ids(30), np.arange(2, dtype=np.int32), grid)
    )
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return [str(write_file(tmp_path / f"in/scan_{n}.h5", n)) for n in range(3)]


def run(out: Path, files: list[str], **changes) -> dict:
    request = BatchRequest("map", tuple(files), **{"options": MAP, **changes})
    return execute("batch", request, out)


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "batch.csv", keep_default_na=False)


def marks(out: Path) -> dict[str, int]:
    """Return when each input's results were written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/run.json")}


def test_each_input_gets_a_run_folder_like_its_own(tmp_path: Path, files: list[str]) -> None:
    summary = run(tmp_path / "out", files)
    assert (summary["n"], summary["finished"], summary["failed"]) == (3, 3, 0)
    execute("map", VERBS.get("map").request(latents=files[1], dim=(0,)), tmp_path / "alone")
    names = sorted(path.name for path in (tmp_path / "alone").iterdir())
    assert sorted(path.name for path in (tmp_path / "out/scan_1").iterdir()) == names
    for name in names:
        if name != "run.json":
            alone = (tmp_path / "alone" / name).read_bytes()
            assert (tmp_path / "out/scan_1" / name).read_bytes() == alone
    assert list(table(tmp_path / "out").columns[:4]) == ["location", "state", "seconds", "error"]
    assert set(table(tmp_path / "out").state) == {"finished"}
    assert (read_run(tmp_path / "out") or {})["request"]["verb"] == "map"


def test_what_fails_is_a_row_and_only_that_is_done_again(tmp_path: Path, files: list[str]) -> None:
    out = tmp_path / "out"
    bad = tmp_path / "in/bad.h5"
    bad.write_bytes(b"\x89HDF\r\n\x1a\n, then nothing")
    gone = tmp_path / "in/gone.h5"
    all_files = [files[0], str(bad), str(gone), *files[1:]]
    summary = run(out, all_files)
    assert (summary["finished"], summary["failed"], len(summary["notes"])) == (3, 2, 2)
    states = table(out).set_index("folder")
    assert list(states.state) == ["finished", "failed", "failed", "finished", "finished"]
    assert "no file at" in states.error["gone"]
    before = marks(out)
    write_file(bad, 8)
    summary = run(out, all_files)
    assert (summary["finished"], summary["failed"], summary["done_before"]) == (4, 1, 3)
    after = marks(out)
    assert {name: after[name] for name in before} == before
    assert "bad" in after


def test_a_changed_input_or_request_is_done_again(tmp_path: Path, files: list[str]) -> None:
    out = tmp_path / "out"
    run(out, files)
    before = marks(out)
    write_file(Path(files[1]), 77)
    run(out, files)
    after = marks(out)
    assert [name for name in before if after[name] != before[name]] == ["scan_1"]
    run(out, files, options=to_json({"dim": [1]}))
    assert all(marks(out)[name] != after[name] for name in after)
    assert (out / "scan_0/latent_full_d1.csv").is_file()
    before = marks(out)
    assert run(out, files, options=to_json({"dim": [1]}), clobber=True)["done_before"] == 0
    assert all(marks(out)[name] != before[name] for name in before)


def test_cancelled_batch_keeps_what_is_finished(tmp_path: Path, files: list[str]) -> None:
    out = tmp_path / "out"

    def step(done: int, total: int, message: str) -> None:
        if done == 2:
            progress.cancel()

    progress = Progress(step)
    with pytest.raises(Cancelled):
        execute("batch", BatchRequest("map", tuple(files), MAP), out, progress)
    assert read_run(out) is None
    before = marks(out)
    assert len(before) >= 2
    assert run(out, files)["finished"] == 3
    assert {name: marks(out)[name] for name in before} == before


def test_several_processes_give_the_same(tmp_path: Path, files: list[str]) -> None:
    bad = tmp_path / "in/bad.csv"
    bad.write_text("nothing")
    run(tmp_path / "one", [*files, str(bad)])
    summary = run(tmp_path / "two", [*files, str(bad)], workers=2)
    assert (summary["finished"], summary["failed"]) == (3, 1)
    for name in ("scan_0", "scan_1", "scan_2"):
        for path in (tmp_path / "one" / name).glob("*.csv"):
            assert path.read_bytes() == (tmp_path / "two" / name / path.name).read_bytes()
    columns = ["location", "state", "error"]
    pd.testing.assert_frame_equal(
        table(tmp_path / "one")[columns], table(tmp_path / "two")[columns]
    )


def test_killed_batches_end_as_an_uninterrupted_one(tmp_path: Path) -> None:
    files = [str(write_file(tmp_path / f"in/s{n}.h5", n)) for n in range(6)]
    run(tmp_path / "whole", files)
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "latentcore", "batch", "map", *files, "--dim", "0"]
    chance = random.Random(3)
    written: dict[str, int] = {}
    for _ in range(5):
        with subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.DEVNULL) as process:
            until_some_work(out, written, process)
            time.sleep(chance.uniform(0, 0.4))
            process.send_signal(signal.SIGKILL)
        now = marks(out)
        assert {name: now[name] for name in written} == written, "something was computed twice"
        written = now
        for path in out.glob("*/run.json"):
            assert_whole(path.parent)
    subprocess.run([*command, "--out", str(out)], check=True, capture_output=True)
    assert {name: marks(out)[name] for name in written} == written
    assert len(marks(out)) == 6
    for path in (tmp_path / "whole").glob("*/*"):
        if path.name != "run.json":
            assert (out / path.parent.name / path.name).read_bytes() == path.read_bytes()
    assert not list(out.glob("**/.*.unfinished"))


def until_some_work(out: Path, before: dict[str, int], process: subprocess.Popen) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end and len(marks(out)) == len(before):
        time.sleep(0.01)


def assert_whole(folder: Path) -> None:
    files = (read_run(folder) or {})["files"]
    for name, details in files.items():
        assert (folder / name).stat().st_size == details["bytes"]


def test_killed_between_computing_and_noting_is_not_computed_again(
    tmp_path: Path, files: list[str]
) -> None:
    out = tmp_path / "out"
    run(out, files)
    before, summaries = marks(out), [row.summary for row in read_ledger(out)]
    ledger = (out / "batch.json").read_text()
    (out / "batch.json").write_text(ledger.replace('"finished"', '"running"'))
    (out / "run.json").unlink()
    (out / ".scan_0.unfinished" / "files").mkdir(parents=True)
    assert run(out, files)["finished"] == 3
    assert marks(out) == before
    assert [row.summary for row in read_ledger(out)] == summaries
    assert not (out / ".scan_0.unfinished").exists()


def test_small_tables_stand_side_by_side(tmp_path: Path, files: list[str]) -> None:
    run(tmp_path / "out", files)
    both = pd.read_csv(tmp_path / "out/combined_latent_full_d0.csv")
    assert list(both.columns) == ["location", "x", "y", "latent_d0"]
    assert list(both.location.unique()) == files
    assert len(both) == 90
    summaries = pd.read_csv(tmp_path / "out/summaries.csv")
    assert list(summaries.location) == files
    assert set(summaries.n_points) == {30}


def test_a_pca_per_file_is_a_note_of_the_batch_reported_once(tmp_path: Path) -> None:
    scans = [str(write_kikuchi(tmp_path / f"scan_{n}.h5")) for n in range(2)]
    options = to_json({"checkpoint": "pca:2"})
    both = execute("batch", BatchRequest("extract", tuple(scans), options), tmp_path / "out")
    [note] = both["notes"]
    assert "pca:2 was fitted on these samples alone" in note
    one = execute("batch", BatchRequest("extract", (scans[0],), options), tmp_path / "one")
    assert one["notes"] == []


def test_program_as_checkpoint_runs_only_from_the_operators_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch import nn

    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("LATENT_MODEL_FOLDER", str(models))
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path / "workspace"))
    settings.cache_clear()
    scan = str(write_kikuchi(tmp_path / "scan.h5"))
    for folder, state in ((tmp_path, "failed"), (models, "finished")):
        trace(folder / "program.pt", nn.Flatten(), 1, 1, 8, 8)
        options = to_json({"checkpoint": str(folder / "program.pt")})
        request = BatchRequest("extract", (scan,), options)
        out = tmp_path / f"out-{state}"
        execute("batch", request, out)
        [row] = read_ledger(out)
        assert row.state == state, row.error
        assert ("LATENT_MODEL_FOLDER" in row.error) == (state == "failed")
        # Whoever may run programs anyway, at a shell, lends what opens them.
        execute("batch", replace(request, clobber=True), out, open_model=open_checkpoint)
        assert [row.state for row in read_ledger(out)] == ["finished"]
    settings.cache_clear()


def test_interrupted_clobber_goes_on_where_it_was(tmp_path: Path, files: list[str]) -> None:
    out = tmp_path / "out"
    run(out, files)
    first = marks(out)

    def step(done: int, total: int, message: str) -> None:
        if done == 2:
            progress.cancel()

    progress = Progress(step)
    request = BatchRequest("map", tuple(files), MAP, clobber=True)
    with pytest.raises(Cancelled):
        execute("batch", request, out, progress)
    stopped = marks(out)
    done = [name for name in stopped if stopped[name] != first[name]]
    assert len(done) >= 2
    execute("batch", replace(request, resume=True), out)
    after = marks(out)
    assert {name: after[name] for name in done} == {name: stopped[name] for name in done}
    assert all(after[name] != first[name] for name in after)


def test_summaries_may_count_by_number(tmp_path: Path, files: list[str]) -> None:
    x, y = np.meshgrid(np.arange(6), np.arange(5))
    spec = tmp_path / "bc.csv"
    pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "bc": (x * y).ravel()}).to_csv(spec, index=False)
    options = {"dim": 0, "map": str(spec), "method": "kmeans", "k": 2}
    request = BatchRequest("cluster", tuple(files[:2]), to_json(options))
    assert execute("batch", request, tmp_path / "out")["finished"] == 2
    table = pd.read_csv(tmp_path / "out/summaries.csv")
    assert len(table) == 2
    assert any(name.endswith(".1") for name in table.columns), list(table.columns)


def test_names_are_stems_and_stay(tmp_path: Path) -> None:
    names = names_of(["a/one.h5", "b/one.h5", "b/two.ome.tiff"], {})
    assert names["b/two.ome.tiff"] == "two"
    assert names["a/one.h5"] != names["b/one.h5"]
    assert all(name.startswith("one-") for name in (names["a/one.h5"], names["b/one.h5"]))
    later = names_of(["c/two.h5", "b/two.ome.tiff"], names)
    assert later["b/two.ome.tiff"] == "two"
    assert later["c/two.h5"].startswith("two-")


def test_parts_of_the_location_are_filled_in() -> None:
    options = {"map": "{folder}/{stem}_bc.csv:bc", "prepare": ["a={name}"], "dim": 3}
    assert filled_in(options, "s3://b/scans/a.h5") == {
        "map": "s3://b/scans/a_bc.csv:bc",
        "prepare": ["a=a.h5"],
        "dim": 3,
    }


def test_patterns_mean_the_files_that_fit(tmp_path: Path, files: list[str]) -> None:
    assert expanded([str(tmp_path / "in/scan_*.h5"), files[0]]) == files
    with pytest.raises(RequestError, match="Nothing fits"):
        expanded([str(tmp_path / "in/*.nothing")])


def test_command_line(tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture) -> None:
    out = str(tmp_path / "out")
    words = ["batch", "map", *files, "--dim", "0", "1", "--cmap", "magma", "--out", out, "--quiet"]
    assert main(words) == 0
    assert "finished: 3" in capsys.readouterr().out
    request = request_in(build_parser().parse_args(words))
    assert request.verb == "map"
    assert request.location == tuple(files)
    assert "magma" in request.options
    assert main(words) == 0
    assert "done_before: 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("bad", "good", "status"), [(0, 2, 0), (1, 2, 1), (2, 1, 1), (2, 0, 2), (1, 0, 2)]
)
def test_exit_status_says_whether_some_or_all_inputs_failed(
    tmp_path: Path,
    files: list[str],
    capsys: pytest.CaptureFixture[str],
    bad: int,
    good: int,
    status: int,
) -> None:
    broken = [str(tmp_path / f"in/gone_{number}.h5") for number in range(bad)]
    words = ["batch", "map", *broken, *files[:good], "--dim", "0", "--out", str(tmp_path / "out")]
    assert main([*words, "--quiet", "--json"]) == status
    summary = from_json(capsys.readouterr().out)
    assert (summary["failed"], summary["finished"]) == (bad, good)
    assert main([*words, "--quiet"]) == status  # what is done already stays so, what fails too


def test_help_says_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["batch", "--help"], ["batch", "map", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
        expected = " ".join(capsys.readouterr().out.split())
        assert "1 when some inputs failed, 2 when all did" in expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verb": "inspect"}, "can't be batched"),
        ({"verb": "batch"}, "can't be batched"),
        ({"options": "["}, "no JSON object"),
        ({"options": '{"nothing": 1}'}, "doesn't fit"),
        ({"workers": 0}, "at least one"),
        ({"scheduler": "tcp://nowhere:1"}, "executor dask"),
        ({"executor": "dask"}, "scheduler"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    tmp_path: Path, files: list[str], changes: dict, said: str
) -> None:
    values = {"verb": "map", "location": tuple(files), "options": MAP, **changes}
    with pytest.raises(RequestError, match=said):
        execute("batch", BatchRequest(**values), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_verbs_and_executors_are_reported(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'map'"):
        execute("batch", BatchRequest("mapp", tuple(files)), tmp_path / "out")
    with pytest.raises(UnknownNameError, match="executor"):
        run(tmp_path / "out", files, executor="slurm")


def test_unexpected_error_of_one_input_is_a_row(
    tmp_path: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import latentcore.outputs.latent_maps as module

    whole = module.latent_map_table

    def breaks(latents: LatentSet, dim: int) -> pd.DataFrame:
        if os.fspath(latents.ref.location).endswith("scan_1.h5"):
            message = "surprise"
            raise ZeroDivisionError(message)
        return whole(latents, dim)

    monkeypatch.setattr(module, "latent_map_table", breaks)
    assert run(tmp_path / "out", files)["failed"] == 1
    assert "ZeroDivisionError: surprise" in table(tmp_path / "out").error[1]
