"""Rates, identities and commands: pure functions of a record or a request."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest

from latentcore.cli import build_parser, request_in
from latentcore.errors import Cancelled, RequestError
from latentcore.jobs import JobRecord, command_line, rate_and_eta, request_from, request_of
from latentcore.jobs.folder import JobFolder, ProgressWriter
from latentcore.requests.question import job_id
from tests.jobs.child.toy_verbs import ToyRequest


def job(**changes: object) -> JobRecord:
    known: dict = {"id": "a", "verb": "toy", "request": {}, "out": "", "state": "running"}
    return JobRecord(**{**known, **changes})


def test_share_is_of_the_present_stage_and_never_more_than_all() -> None:
    shares = [job(done=done, total=total).share for done, total in ((0, 0), (1, 4), (5, 4))]
    assert shares == [0.0, 0.25, 1.0]


def test_rate_counts_what_was_done_since_the_stage_began() -> None:
    record = job(done=300, total=1000, stage_at=100.0, updated=110.0)
    assert rate_and_eta(record) == (30.0, pytest.approx(700 / 30))


def test_rate_of_a_resumed_job_leaves_out_what_it_found() -> None:
    record = job(done=900, total=1000, stage_done=800, stage_at=100.0, updated=110.0)
    assert rate_and_eta(record) == (10.0, 10.0)
    assert rate_and_eta(record, now=113.0) == (10.0, 7.0)


def test_nothing_is_foretold_of_a_job_that_is_later_than_was_foretold() -> None:
    record = job(done=50, total=112, stage_at=100.0, updated=110.0)
    assert rate_and_eta(record, now=122.0) == (5.0, pytest.approx(0.4))
    assert rate_and_eta(record, now=123.0) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"done": 0, "total": 10, "updated": 10.0},
        {"done": 800, "total": 1000, "stage_done": 800, "updated": 10.0},
        {"done": 1, "total": 10, "updated": 0.1},
        {"done": 5, "total": 10, "updated": 10.0, "state": "queued"},
    ],
)
def test_rate_is_unknown_while_nothing_was_done(changes: dict) -> None:
    assert rate_and_eta(job(**changes)) is None


def test_elapsed_ends_with_the_job() -> None:
    assert job().elapsed(5.0) == 0.0
    assert job(started=3.0).elapsed(5.0) == 2.0
    assert job(started=3.0, ended=4.0).elapsed(5.0) == 1.0


def test_record_survives_the_disk_and_unknown_fields() -> None:
    record = job(done=3, error="µ")
    assert JobRecord.from_plain({**record.to_plain(), "of_a_later_version": 1}) == record


def test_request_comes_back_equal() -> None:
    request = ToyRequest("a b", keep_above=("m:BC", 70.5), prepare=("size=60x60",), dim=(1, 2))
    assert request_from("toy", request_of(request)) == request
    with pytest.raises(RequestError, match="Ask for it anew"):
        request_from("toy", {"loc": "a"})


@pytest.mark.parametrize(
    "request_",
    [
        ToyRequest("a"),
        ToyRequest("it's a file; rm -rf", steps=7, pause=0.1 + 0.2, clobber=True),
        ToyRequest("a", keep_above=("m.csv:BC", 1e-7), prepare=("a=1", "b=2"), dim=(3, 4)),
    ],
)
def test_command_line_parses_back_to_the_request(request_: ToyRequest) -> None:
    words = shlex.split(command_line("toy", request_, "out folder"))
    assert words[:3] == ["python", "-m", "latentcore"]
    parsed = build_parser().parse_args(words[3:])
    assert parsed.out == "out folder"
    assert request_in(parsed) == request_


def test_question_depends_on_the_files_behind_it(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("x,y,BC\n")
    request = ToyRequest("a", keep_above=(f"{table}:BC", 70.0))
    before = job_id("toy", request, None)
    assert job_id("toy", request, None) == before
    assert job_id("toy", request, tmp_path) != before
    table.write_text("x,y,BC\n0,0,1\n")
    assert job_id("toy", request, None) != before


def test_progress_is_coalesced_and_the_last_word_kept(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create(job())
    writer = ProgressWriter(folder)
    start = time.monotonic()
    for done in range(20_001):
        writer.step(done, 20_000, "stepping")
    writer.flush()
    lines = (folder.path / "progress.jsonl").read_text().splitlines()
    assert len(lines) <= 5 * (time.monotonic() - start) + 2
    assert folder.with_progress(job()).done == 20_000


def test_progress_file_starts_anew_when_large(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("latentcore.jobs.folder._SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("latentcore.jobs.folder._LARGEST_PROGRESS", 2000)
    folder = JobFolder(tmp_path / "job")
    folder.create(job())
    writer = ProgressWriter(folder)
    for done in range(101):
        writer.step(done, 100, "stepping")
        assert folder.with_progress(job()).done == done
    assert (folder.path / "progress.jsonl").stat().st_size < 2500


def test_half_written_line_is_not_read(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create(job())
    (folder.path / "progress.jsonl").write_text('{"done": 1, "total": 9}\n{"done": 2, "to')
    assert folder.with_progress(job()).done == 1


def test_new_stage_starts_its_own_rate(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create(job())
    writer = ProgressWriter(folder)
    writer.step(5, 10, "fitting")
    writer.flush()
    writer.step(40, 100, "encoding")
    writer.flush()
    assert folder.with_progress(job()).stage_done == 40


def test_wish_to_stop_is_obeyed_at_the_next_report(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create(job())
    folder.ask_to_cancel()
    with pytest.raises(Cancelled):
        ProgressWriter(folder).step(1, 2, "")
