"""Past runs of the workspace, read from one index that all sessions share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from latentcore.artifacts import read_run
from latentcore.artifacts.run_index import IndexedRun, RunIndex
from latentcore.errors import InputError
from pages.access import claims, identity, places

LATENTS_SUFFIX = "_latents.h5"
_MODEL = "model.safetensors"


def past_runs(*, everyones: bool = False) -> tuple[IndexedRun, ...]:
    """Return the finished runs, the newest first; of a damaged one, what is wrong with it.

    They are the user's own, and those that are shared with them; to operators, with `everyones`,
    all users'.
    """
    runs = _index(places.runs_folder()).runs()
    if not identity.way_in():
        return runs
    user = identity.current_user()
    if not user.name or (everyones and user.operator):
        return runs
    return tuple(run for run in runs if claims.of("run", run.folder.name).access(user, listed=True))


def past_run(name: str) -> IndexedRun | None:
    """Return the finished run in a folder of that name, whoever it belongs to."""
    return _index(places.runs_folder()).run(name)


def latents_of(samples: str) -> list[str]:
    """Return the places of all latents extracted from the scan at a place, the newest first."""
    return _latents_in(_runs_of(samples, "extract"))


def extracted_latents() -> list[str]:
    """Return the places of all latents extracted on this server, the newest first."""
    return _latents_in([run for run in past_runs() if run.record.get("verb") == "extract"])


def collections() -> list[IndexedRun]:
    """Return the runs that joined latents of several scans, the newest first."""
    return [run for run in past_runs() if run.record.get("verb") == "collect"]


def _latents_in(runs: Iterable[IndexedRun]) -> list[str]:
    return [f"run:{run.folder.name}/{name}" for run in runs for name in run.files(LATENTS_SUFFIX)]


def trainings_of(samples: str) -> list[Path]:
    """Return the run folders of all trainings on the scan at a place, the newest first."""
    return [run.folder for run in _runs_of(samples, "train")]


def models_of_runs() -> list[str]:
    """Return the places of the models that runs have left, the newest first."""
    return [
        f"run:{run.folder.name}/{_MODEL}" for run in past_runs() if (run.folder / _MODEL).is_file()
    ]


@lru_cache(maxsize=4)
def _index(folder: Path) -> RunIndex:
    return RunIndex(folder)


def _runs_of(samples: str, verb: str) -> list[IndexedRun]:
    try:
        location = Path(places.location(samples))
    except InputError:
        return []
    return [
        run
        for run in past_runs()
        if run.record.get("verb") == verb
        and any(Path(entry["location"]) == location for entry in run.record.get("inputs", ()))
    ]


def own_checkpoint(latents: str) -> Path | None:
    """Return the checkpoint that made the latents at a place; None where no run here made them."""
    found = run_of_latents(latents)
    return None if found is None else checkpoint_of(*found)


def reconstruction_errors(latents: str) -> Path | None:
    """Return the newest errors of the latents' samples, reconstructed by their own model."""
    found = run_of_latents(latents)
    checkpoint = own_checkpoint(latents)
    if found is None or checkpoint is None:
        return None
    samples = {entry["location"] for entry in _inputs(found[1], "samples")}
    for run in past_runs():
        if run.record.get("verb") != "reconstruct" or run.record.get("request", {}).get("rows"):
            continue
        model = {Path(entry["location"]) for entry in _inputs(run.record, "checkpoint")}
        same = samples & {entry["location"] for entry in _inputs(run.record, "samples")}
        errors = run.folder / "reconstruction_error.csv"
        if same and checkpoint in model and errors.is_file():
            return errors
    return None


def _inputs(run: Mapping[str, Any], role: str) -> list[Mapping[str, Any]]:
    return [entry for entry in run.get("inputs", ()) if entry["role"] == role]


def run_of_latents(place: str | None) -> tuple[Path, dict[str, Any]] | None:
    """Return folder and record of the extraction that made the latents at a place."""
    # Only a run of this server's own is believed: an uploaded file could name any checkpoint.
    if place is None or not place.startswith("run:"):
        return None
    folder = places.resolve(place).parent
    run = read_run(folder)
    return None if run is None or run.get("verb") != "extract" else (folder, run)


def checkpoint_of(folder: Path, run: dict[str, Any]) -> Path | None:
    """Return the checkpoint of an extraction: its own, or the one that it was given."""
    own = folder / "model.safetensors"
    if own.is_file():
        return own
    named = [Path(entry["location"]) for entry in _inputs(run, "checkpoint")]
    return next((path for path in named if path.exists() and _may_open(path)), None)


def _may_open(path: Path) -> bool:
    """Tell whether a file is for the present user: a run may be shared, and its model not."""
    if not identity.way_in():
        return True
    try:
        places.check_owner(places.place_of(path))
    except InputError:
        return False
    return True
