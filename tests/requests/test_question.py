"""When two requests ask the same, which one module decides for runs, jobs and batches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from latentcore.artifacts import read_run
from latentcore.containers import InputRecord
from latentcore.jobs import JobRunner
from latentcore.requests.question import (
    changes,
    job_id,
    question_of,
    version_of_inputs,
    work_digest,
)
from latentcore.requests.verbs import VERBS, option_of
from latentcore.workflows import execute
from latentcore.workflows.batch import BatchRequest
from latentcore.workflows.extract.verb import ExtractRequest
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

# Whoever adds a field here has thought about it: the answer is the same bit for bit.
SAME_ANSWER = {
    ("extract", "batch_size"),
    ("extract", "clobber"),
    ("train", "resume"),
    ("batch", "executor"),
    ("batch", "scheduler"),
    ("batch", "workers"),
    ("batch", "clobber"),
    ("batch", "resume"),
    ("domains", "memory"),
}
SAME_WORK = SAME_ANSWER | {("extract", "strict"), ("train", "max_minutes"), ("train", "labels")}
FIELDS = [
    (verb, field.name) for verb, kind in VERBS.items() for field in dataclasses.fields(kind.request)
]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", full_grid(6, 5), patterns(30, (12, 12)))


@pytest.mark.parametrize(("verb", "field"), FIELDS)
def test_every_field_changes_the_question_or_says_that_it_does_not(verb: str, field: str) -> None:
    plain = {one.name: "1" for one in dataclasses.fields(VERBS.get(verb).request)}
    other = {**plain, field: "2"}
    same = question_of(verb, plain) == question_of(verb, other)
    assert same == ((verb, field) in SAME_ANSWER)


def test_what_does_not_change_the_answer_needs_no_other_work() -> None:
    found = set()
    for verb, field in FIELDS:
        (one,) = (f for f in dataclasses.fields(VERBS.get(verb).request) if f.name == field)
        if not (option_of(one).changes_answer and option_of(one).changes_work):
            found.add((verb, field))
    assert found == SAME_WORK


def test_another_batch_size_finds_the_finished_job_and_run(scan: Path, tmp_path: Path) -> None:
    def request(**options: object) -> ExtractRequest:
        return ExtractRequest(
            location=(str(scan),),
            checkpoint="pca:3",
            device="cpu",
            **options,  # type: ignore[arg-type]
        )

    with JobRunner(tmp_path / "jobs") as runner:
        first = runner.wait(runner.submit("extract", request(batch_size=7)).id, 60)
        assert first.state == "finished", first.error
        again = runner.submit("extract", request(batch_size=3, clobber=True))
        assert (again.id, again.attempt, again.state) == (first.id, 1, "finished")
        assert runner.find("extract", request()) == again
        assert runner.find("extract", request(seed=1)) is None
    assert execute("extract", request(batch_size=5), first.folder)["skipped"]
    execute("extract", request(batch_size=5), tmp_path / "other")
    execute("extract", request(seed_names=True), tmp_path / "another")
    ids = [read_run(folder)["run_id"] for folder in (tmp_path / "other", tmp_path / "another")]
    assert first.run_id == ids[0] != ids[1]


def test_a_batch_is_the_same_with_more_workers_or_other_batch_sizes() -> None:
    def batch(options: str, **more: object) -> str:
        return job_id("batch", BatchRequest("extract", ("a.h5",), options, **more), None)  # type: ignore[arg-type]

    asked = '{"checkpoint": "pca:2", "batch_size": 3}'
    assert batch(asked) == batch('{"batch_size": 30, "checkpoint": "pca:2"}', workers=4)
    assert batch(asked) != batch('{"batch_size": 3, "checkpoint": "pca:3"}')
    assert batch("no JSON") != batch("[1]")
    versions = {version_of_inputs("extract", {"location": ["a"], "batch_size": n}) for n in (1, 2)}
    assert len(versions) == 1


def test_records_of_other_versions_are_compared_without_a_crash() -> None:
    request = ExtractRequest(location=("a.h5",), checkpoint="pca:2", strict=True)
    inputs = [InputRecord("a.h5", "kikuchi-hdf5", "blake2b:1", "samples")]
    entry = {**dataclasses.asdict(inputs[0]), "location": "elsewhere/a.h5", "novel": 1}
    old = {"location": ["a.h5"], "checkpoint": "pca:2", "batch_size": 9}
    assert changes("extract", request, inputs, {"request": old, "inputs": [entry]}) == []
    novel = {"request": {**old, "novel": 1}, "inputs": [{**entry, "fingerprint": "blake2b:2"}]}
    assert changes("extract", request, inputs, novel) == ["content of inputs", "novel"]
    assert "checkpoint" in changes("extract", request, inputs, {})


def test_work_goes_on_where_only_the_ending_differs() -> None:
    def digest(device: str = "cpu", **options: object) -> str:
        request = ExtractRequest(location=("a.h5",), checkpoint="pca:2", **options)  # type: ignore[arg-type]
        return work_digest("extract", request, [], computed_on=device)

    assert digest() == digest(strict=True, batch_size=2, clobber=True)
    assert len({digest(), digest("cuda"), digest(pool="max")}) == 3


def test_long_texts_and_odd_ones_name_no_file() -> None:
    for text in ("a" * 5000, "/" + "b" * 300, "nul\0", ""):
        request = ExtractRequest(location=(text,), checkpoint="pca:2")
        assert job_id("extract", request, None)
        assert version_of_inputs("extract", {"location": [text]})
