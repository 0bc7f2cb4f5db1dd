"""A batch of objects: fetched, computed and uploaded, each once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts import to_json
from latentcore.errors import Cancelled
from latentcore.progress import Progress
from latentcore.storage.cache import cache_folder
from latentcore.workflows import execute
from latentcore.workflows.batch.ledger import read_ledger
from latentcore.workflows.batch.tasks import Steps
from latentcore.workflows.batch.verb import BatchRequest
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.storage.conftest import BUCKET
from tests.storage.server import Line, Server

pytestmark = pytest.mark.usefixtures("configure")

PREFIX = "night/"
OPTIONS = to_json({"checkpoint": "pca:3"})


@pytest.fixture
def series(server: Server, tmp_path: Path) -> list[str]:
    """Twelve scans; two are corrupt."""
    for number in range(12):
        path = tmp_path / f"scan_{number:02}.h5"
        images = np.random.default_rng(number).normal(size=(30, 1, 8, 8)).astype(np.float32)
        write_kikuchi(path, full_grid(6, 5), images)
        if number in (3, 7):
            path.write_bytes(path.read_bytes()[:1500])
        server.client.upload_file(str(path), BUCKET, f"{PREFIX}{path.name}")
    return [f"s3://{BUCKET}/{PREFIX}scan_{number:02}.h5" for number in range(12)]


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "batch.csv", keep_default_na=False).set_index("folder")


def keys(server: Server, prefix: str) -> dict[str, str]:
    found = server.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return {entry["Key"].removeprefix(prefix): entry["ETag"] for entry in found}


def modified(server: Server, prefix: str) -> dict[str, object]:
    found = server.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    return {entry["Key"]: (entry["LastModified"], entry["ETag"]) for entry in found}


def test_twelve_objects_give_nine_results_and_three_rows_with_errors(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    request = BatchRequest("extract", tuple(series), OPTIONS, upload=f"s3://{BUCKET}/results")

    def one_vanishes(done: int, total: int, message: str) -> None:
        if done == 2:  # long before its turn, but after the batch has looked at it
            server.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}scan_09.h5")

    summary = execute("batch", request, out, Progress(one_vanishes))
    assert (summary["n"], summary["finished"], summary["failed"]) == (12, 9, 3)
    states = table(out)
    failed = states[states.state == "failed"]
    assert list(failed.index) == ["scan_03", "scan_07", "scan_09"]
    assert "no object at" in failed.error["scan_09"]
    assert list(states.uploaded[states.state == "finished"]) == [
        f"s3://{BUCKET}/results/{name}" for name in states.index if name not in failed.index
    ]
    stored = keys(server, "results/")
    assert len([key for key in stored if key.endswith("_latents.h5")]) == 9
    for name in ("scan_00", "scan_11"):
        local = out / name / f"{name}_latents.h5"
        body = server.client.get_object(Bucket=BUCKET, Key=f"results/{name}/{local.name}")["Body"]
        assert body.read() == local.read_bytes()
    again_only_what_is_missing(server, series, request, out)


def again_only_what_is_missing(
    server: Server, series: list[str], request: BatchRequest, out: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    with h5py.File(out.parent / "scan_09.h5") as file:
        assert "images" in file
    server.client.upload_file(str(out.parent / "scan_09.h5"), BUCKET, f"{PREFIX}scan_09.h5")
    summary = execute("batch", request, out)
    assert (summary["finished"], summary["failed"], summary["done_before"]) == (10, 2, 9)
    after = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    assert {path: after[path] for path in before} == before
    assert len(after) == 10


def test_cleaning_up_leaves_results_in_the_bucket_only(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    request = BatchRequest(
        "extract", (series[0], series[1]), OPTIONS, upload=f"s3://{BUCKET}/clean", clean_up=True
    )
    assert execute("batch", request, out)["finished"] == 2
    assert not (out / "scan_00").exists()
    assert not list(cache_folder().glob("*/scan_*"))
    assert {"scan_00/run.json", "scan_01/scan_01_latents.h5"} <= set(keys(server, "clean/"))
    assert execute("batch", request, out)["done_before"] == 2


def test_upload_that_failed_is_made_up_for_without_computing_again(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    files = (series[0],)
    nowhere = BatchRequest("extract", files, OPTIONS, upload="s3://no-such-bucket/x")
    assert execute("batch", nowhere, out)["failed"] == 1
    assert "no bucket" in table(out).error["scan_00"]
    written = (out / "scan_00/run.json").stat().st_mtime_ns
    there = BatchRequest("extract", files, OPTIONS, upload=f"s3://{BUCKET}/late")
    assert execute("batch", there, out)["finished"] == 1
    assert (out / "scan_00/run.json").stat().st_mtime_ns == written
    assert "scan_00/run.json" in keys(server, "late/")


def test_what_lies_at_the_upload_place_is_done_for_a_fresh_folder_too(
    server: Server,
    configure: Callable[..., None],
    series: list[str],
    tmp_path: Path,
) -> None:
    place = f"s3://{BUCKET}/shared"
    request = BatchRequest("extract", tuple(series[:3]), OPTIONS, upload=place)
    assert execute("batch", request, tmp_path / "out")["finished"] == 3
    stored = modified(server, "shared/")
    configure(LATENT_WORKSPACE=str(tmp_path / "another machine"))
    summary = execute("batch", request, tmp_path / "fresh")
    assert (summary["finished"], summary["done_before"]) == (3, 3)
    assert modified(server, "shared/") == stored
    states = table(tmp_path / "fresh")
    assert list(states.state) == ["finished"] * 3
    assert list(states.uploaded) == [f"{place}/{name}" for name in states.index]
    summaries = pd.read_csv(tmp_path / "fresh/summaries.csv")
    assert list(summaries.latent_dim) == [3, 3, 3]
    assert not list((tmp_path / "fresh").glob("*/run.json")), "nothing was computed"
    more = replace(request, location=tuple(series[:3] + series[4:5]))
    summary = execute("batch", more, tmp_path / "fresh")
    assert (summary["finished"], summary["done_before"]) == (4, 3)


def test_what_lies_there_of_another_version_or_request_is_not_done(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    place = f"s3://{BUCKET}/versions"
    request = BatchRequest("extract", tuple(series[:2]), OPTIONS, upload=place)
    execute("batch", request, tmp_path / "out")
    first = keys(server, "versions/")
    other = replace(request, options=to_json({"checkpoint": "pca:2"}))
    summary = execute("batch", other, tmp_path / "other")
    assert (summary["finished"], summary["done_before"]) == (2, 0)
    assert all(first[key] != etag for key, etag in keys(server, "versions/").items())
    # The first batch's own ledger says finished, but what lies there now answers another question.
    assert execute("batch", request, tmp_path / "out")["done_before"] == 0
    assert execute("batch", request, tmp_path / "again")["done_before"] == 2
    server.client.upload_file(str(tmp_path / "scan_05.h5"), BUCKET, f"{PREFIX}scan_01.h5")
    summary = execute("batch", request, tmp_path / "changed")
    assert (summary["finished"], summary["done_before"]) == (2, 1)
    server.client.delete_object(Bucket=BUCKET, Key="versions/scan_00/run.json")
    assert execute("batch", request, tmp_path / "changed")["done_before"] == 1
    assert "scan_00/run.json" in keys(server, "versions/")


def test_local_files_are_known_again_by_content_wherever_they_lie(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    place = f"s3://{BUCKET}/local"
    for folder, seconds in ((here, 1_000_000_000), (there, 1_100_000_000)):
        folder.mkdir()
        shutil.copy(tmp_path / "scan_00.h5", folder / "scan.h5")
        os.utime(folder / "scan.h5", (seconds, seconds))
    request = BatchRequest("extract", (str(here / "scan.h5"),), OPTIONS, upload=place)
    assert execute("batch", request, tmp_path / "out")["done_before"] == 0
    elsewhere = replace(request, location=(str(there / "scan.h5"),))
    assert execute("batch", elsewhere, tmp_path / "fresh")["done_before"] == 1
    shutil.copy(tmp_path / "scan_01.h5", there / "scan.h5")
    assert execute("batch", elsewhere, tmp_path / "later")["done_before"] == 0


def test_interrupted_clobber_does_not_take_older_uploads_for_done(
    series: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    place = f"s3://{BUCKET}/clobbered"
    request = BatchRequest("extract", tuple(series[:3]), OPTIONS, upload=place)
    execute("batch", request, out)

    def step(done: int, total: int, message: str) -> None:
        if done == 1:
            progress.cancel()

    progress = Progress(step)
    again = replace(request, clobber=True)
    with pytest.raises(Cancelled):
        execute("batch", again, out, progress)
    waiting = [row for row in read_ledger(out) if row.state != "finished"]
    assert waiting
    summary = execute("batch", replace(again, resume=True), out)
    assert summary["done_before"] == 3 - len(waiting)


def test_prefix_and_pattern_mean_the_objects_below(
    server: Server, series: list[str], tmp_path: Path
) -> None:
    server.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}notes.txt", Body=b"not a scan")
    request = BatchRequest("extract", (f"s3://{BUCKET}/{PREFIX}scan_0[01]*",), OPTIONS)
    assert execute("batch", request, tmp_path / "out")["n"] == 2


def test_line_that_breaks_costs_no_file(
    server: Server, line: Line, series: list[str], tmp_path: Path
) -> None:
    line.cut_after(60_000)
    request = BatchRequest("extract", tuple(series[:3]), OPTIONS, upload=f"s3://{BUCKET}/cut")
    assert execute("batch", request, tmp_path / "out")["finished"] == 3
    assert line.cuts == 1


def test_next_file_comes_while_one_is_computed(
    series: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    for step in ("fetch", "compute", "store"):
        whole = getattr(Steps, step)

        def noted(self: Steps, *arguments: object, step: str = step, whole=whole) -> None:
            happened.append(f"{step} {self.task.name} begins")
            whole(self, *arguments)
            happened.append(f"{step} {self.task.name} ends")

        monkeypatch.setattr(Steps, step, noted)
    request = BatchRequest("extract", tuple(series[:3]), OPTIONS, upload=f"s3://{BUCKET}/over")
    execute("batch", request, tmp_path / "out")
    order = {what: place for place, what in enumerate(happened)}
    assert order["fetch scan_01 begins"] < order["compute scan_00 ends"]
    assert order["store scan_00 begins"] < order["compute scan_01 ends"]
    # and never further ahead than one: disk and memory stay bounded
    assert order["fetch scan_02 begins"] > order["compute scan_00 ends"]
