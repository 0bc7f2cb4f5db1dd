"""Past runs of the workspace, read from one index that all sessions share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from latentcore.artifacts.run_index import IndexedRun, RunIndex
from latentcore.errors import InputError
from pages.access import places

__all__ = ["latents_of", "models_of_runs", "past_run", "past_runs", "trainings_of"]

_LATENTS_SUFFIX = "_latents.h5"
_MODEL = "model.safetensors"


def past_runs() -> tuple[IndexedRun, ...]:
    """Return the finished runs, the newest first; of a damaged one, what is wrong with it."""
    return _index(places.runs_folder()).runs()


def past_run(name: str) -> IndexedRun | None:
    """Return the finished run in a folder of that name."""
    return _index(places.runs_folder()).run(name)


def latents_of(samples: str) -> list[str]:
    """Return the places of all latents extracted from the scan at a place, the newest first."""
    return [
        f"run:{run.folder.name}/{name}"
        for run in _runs_of(samples, "extract")
        for name in run.files(_LATENTS_SUFFIX)
    ]


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
