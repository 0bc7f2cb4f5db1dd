"""Runs that belong to a scan: what was once extracted from it or trained on it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from latentcore.artifacts import read_run
from latentcore.errors import InputError
from pages.access import places

__all__ = ["latents_of", "trainings_of"]

_MOST_RUNS = 200
_LATENTS_SUFFIX = "_latents.h5"


def latents_of(samples: str) -> list[str]:
    """Return the places of all latents extracted from a scan, the newest first.

    Parameters
    ----------
    samples : str
        Place of the patterns.
    """
    return [
        f"run:{folder.name}/{name}"
        for folder, run in _runs_of(samples, "extract")
        for name in run.get("files", {})
        if name.endswith(_LATENTS_SUFFIX)
    ]


def trainings_of(samples: str) -> list[Path]:
    """Return the run folders of all trainings on a scan, the newest first.

    Parameters
    ----------
    samples : str
        Place of the patterns.
    """
    return [folder for folder, _ in _runs_of(samples, "train")]


def _runs_of(samples: str, verb: str) -> list[tuple[Path, dict[str, Any]]]:
    try:
        location = Path(places.location(samples))
    except InputError:
        return []
    runs = ((folder, read_run(folder)) for folder in _newest_runs())
    return [
        (folder, run)
        for folder, run in runs
        if run is not None and run.get("verb") == verb and _was_read(run, location)
    ]


def _newest_runs() -> list[Path]:
    folder = places.runs_folder()
    if not folder.is_dir():
        return []
    finished = []
    for entry in folder.iterdir():
        with suppress(OSError):  # no run, an unfinished one, or one that may not be read
            if not entry.name.startswith("."):
                finished.append(((entry / "run.json").stat().st_mtime, entry))
    return [entry for _, entry in sorted(finished, reverse=True)[:_MOST_RUNS]]


def _was_read(run: dict[str, Any], location: Path) -> bool:
    inputs = run.get("inputs", [])
    return any(Path(entry["location"]) == location for entry in inputs)
