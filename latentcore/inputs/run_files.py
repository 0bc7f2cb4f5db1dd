"""A file that a run has left, where the request names the run's folder or the file itself."""

from __future__ import annotations

from pathlib import Path

from latentcore.errors import RequestError


def file_of_run(run: str, name: str, *, option: str, verb: str) -> Path:
    """Return the path of the file of that name.

    Raises
    ------
    RequestError
        If there is none.
    """
    path = Path(run)
    path = path / name if path.is_dir() else path
    if not path.is_file():
        message = (
            f"⟨{option}⟩ {run!r} holds no {name}. Give the folder of a run of {verb!r}; one that "
            "is older and has no such file is made again by the same command."
        )
        raise RequestError(message)
    return path
