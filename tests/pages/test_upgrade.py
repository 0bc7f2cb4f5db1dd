"""An upgrade keeps workspaces; what a newer version of the program wrote is refused, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest

from latentcore.artifacts.embedding_model import EmbeddingModel, write_embedding_model
from latentcore.cli import main
from latentcore.readers import open_latents
from latentcore.version import __version__
from pages.access import places
from pages.jobs.panel import runner
from pages.regions.kept import Candidate, keep
from tests.factories.old_workspace import VERSIONS, OldWorkspace, write_old_workspace
from tests.pages.conftest import OpenPage
from tests.pages.use import PAGES

REFUSAL = (
    "is of format version '2', written by version 9.0.0 of this program; version "
    f"{__version__}, which runs here, reads format version '1'"
)

last = pytest.mark.parametrize("old", VERSIONS[-1:], indirect=True)


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, workspace: Path) -> OldWorkspace:
    """Write the workspace, before `demo` adds this version's demo scan."""
    return write_old_workspace(workspace, request.param)


@pytest.fixture
def view(old: OldWorkspace) -> dict[str, str]:
    named = {"samples": old.samples, "latents": old.latents, "maps": old.maps}
    return {name: places.place_of(path) for name, path in named.items()}


def said(app: AppTest) -> str:
    shown = (*app.error, *app.warning, *app.caption, *app.markdown)
    return "\n".join(str(one.value) for one in shown).replace("\\", "")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_page_opens_what_an_older_version_wrote(
    old: OldWorkspace, view: dict[str, str], open_page: OpenPage, workspace: Path
) -> None:
    before = contents(workspace / "runs") | contents(workspace / "uploads")
    for page in PAGES:
        app = open_page(page, **view)
        assert not app.exception, page
        assert not app.error, (page, said(app))
        assert app.title, page
    listed = open_page("runs").dataframe[0].value
    states = dict(zip(listed["Title"], listed["State"], strict=True))
    assert {states[title] for title in old.titles} == {"✓ finished"}
    assert states["stopped"] == "– interrupted"
    assert {path: path.read_bytes() for path in before} == before


def test_jobs_of_an_older_version_are_found_again_resumed_and_repeated(
    old: OldWorkspace, open_page: OpenPage
) -> None:
    open_page("runs")
    assert runner().wait(runner().rerun(old.interrupted).id, 60).finished
    done = next(record for record in runner().list() if record.title.startswith("project"))
    ended = runner().wait(runner().rerun(done.id).id, 120)
    assert ended.finished, (ended.error, runner().log_text(done.id))
    assert (ended.folder / "embedding_model.safetensors").is_file()


def test_the_command_line_takes_what_an_older_version_wrote(
    old: OldWorkspace, tmp_path: Path
) -> None:
    commands = {
        "inspect": [str(old.latents), "--json"],
        "map": [str(old.latents), "--dim", "0"],
        "extract": [str(old.samples), "--checkpoint", str(old.model)],
        "session": [str(old.latents), "--dim", "0", "--map", str(old.maps), "--method", "kmeans",
                    "--embedding", str(old.embedding)],
    }  # fmt: skip
    for verb, given in commands.items():
        out = [] if verb == "inspect" else ["--out", str(tmp_path / verb)]
        assert main([verb, *given, *out, "--quiet"]) == 0, verb


@last
def test_regions_kept_before_records_named_their_writer_are_read_and_changed(
    old: OldWorkspace, view: dict[str, str], open_page: OpenPage, workspace: Path
) -> None:
    record = kept_regions(old, workspace)
    change_json(record, lambda plain: plain.pop("versions"))
    assert not open_page("explore", **view).error
    kept_regions(old, workspace, "rim")
    assert [region["name"] for region in json.loads(record.read_text())["states"][-1]["regions"]] \
        == ["pore", "rim"]  # fmt: skip


def kept_regions(old: OldWorkspace, workspace: Path, name: str = "pore") -> Path:
    found = open_latents(str(old.latents))
    keep(found, [Candidate(name, np.arange(30) < 3 + len(name), {"kind": "test"})])
    [record] = (workspace / "regions").glob("*/regions.json")
    return record


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


def newer(plain: dict[str, Any]) -> None:
    """Turn a record into one of a version that doesn't exist yet."""
    plain["encoding-version"] = "2"
    plain.get("provenance", plain).setdefault("versions", {})["latentcore"] = "9.0.0"


def newer_in_header(path: Path) -> None:
    with safe_open(path, "np") as file:
        record = json.loads(file.metadata()["latentcore"])
    newer(record)
    save_file(load_file(path), path, {"latentcore": json.dumps(record)})


def newer_latents(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["encoding-version"] = "2"
        made = json.loads(file.attrs["provenance"])
        made["versions"]["latentcore"] = "9.0.0"
        file.attrs["provenance"] = json.dumps(made)


@last
def test_a_newer_run_is_refused_by_page_and_job_and_nothing_of_it_is_lost(
    old: OldWorkspace, open_page: OpenPage
) -> None:
    folder = old.embedding.parent
    change_json(folder / "run.json", newer)
    before = contents(folder)
    job = folder.name.rpartition("-")[2]
    app = open_page("runs", run=job)
    assert REFUSAL in said(app)
    assert "damaged" not in said(app)
    ended = runner().wait(runner().rerun(job).id, 60)
    assert ended.state == "failed"
    assert REFUSAL in ended.error
    assert "give another" in ended.error
    assert contents(folder) == before


@last
def test_newer_latents_are_refused_by_page_and_command_line(
    old: OldWorkspace, view: dict[str, str], open_page: OpenPage, capsys: Any
) -> None:
    newer_latents(old.latents)
    before = old.latents.read_bytes()
    assert REFUSAL in said(open_page("explore", **view))
    assert main(["inspect", str(old.latents)]) == 2
    assert REFUSAL in capsys.readouterr().err
    assert old.latents.read_bytes() == before


@last
def test_newer_models_are_refused(old: OldWorkspace, tmp_path: Path, capsys: Any) -> None:
    newer_in_header(old.model)
    given = [str(old.samples), "--checkpoint", str(old.model), "--out", str(tmp_path / "out")]
    assert main(["extract", *given]) == 2
    assert REFUSAL in " ".join(capsys.readouterr().err.split())


@last
def test_newer_embeddings_are_refused(old: OldWorkspace, tmp_path: Path, capsys: Any) -> None:
    path = old.embedding.with_name("embedding_model.safetensors")
    fitted = {"mean": np.zeros(2, np.float32)}
    write_embedding_model(path, EmbeddingModel("pca", {}, "", None, (0, 1), ("a",), fitted))
    newer_in_header(path)
    given = [str(old.latents), "--into", str(path.parent), "--out", str(tmp_path / "out")]
    assert main(["project", *given]) == 2
    assert REFUSAL in " ".join(capsys.readouterr().err.split())


@last
def test_newer_regions_are_refused_and_not_changed(
    old: OldWorkspace, view: dict[str, str], open_page: OpenPage, workspace: Path
) -> None:
    record = kept_regions(old, workspace)
    change_json(record, newer)
    before = contents(workspace / "regions")
    app = open_page("explore", **view)
    assert not app.exception
    assert REFUSAL in said(app)
    assert contents(workspace / "regions") == before
