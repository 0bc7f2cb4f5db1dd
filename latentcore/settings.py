"""Every setting of the program, read once from the environment and checked at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from latentcore.errors import SettingsError

__all__ = ["Settings", "settings"]


@dataclass(frozen=True)
class Settings:
    """What the server's operator may choose.

    Attributes
    ----------
    workspace : Path
        ``LATENT_WORKSPACE``: uploads, jobs and runs live here.
    data_roots : tuple of Path
        ``LATENT_DATA_ROOTS``, separated by ``:`` as in ``PATH``. Server folders that users may
        open; nothing outside them can be read. Empty: none.
    max_upload_mb : int
        ``LATENT_MAX_UPLOAD_MB``: the largest file that may be uploaded.
    models_in_memory : int
        ``LATENT_MODELS_IN_MEMORY``: loaded encoders kept between sessions.
    array_store_mb : int
        ``LATENT_ARRAY_STORE_MB``: memory for the arrays that browsers fetch.
    """

    workspace: Path
    data_roots: tuple[Path, ...] = ()
    max_upload_mb: int = 200
    models_in_memory: int = 3
    array_store_mb: int = 512

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises
        ------
        SettingsError
            If one can't be used; the message names it.
        """
        roots = tuple(
            _folder("LATENT_DATA_ROOTS", entry)
            for entry in environment.get("LATENT_DATA_ROOTS", "").split(os.pathsep)
            if entry
        )
        default = Path.home() / ".latent-explorer"
        return cls(
            workspace=Path(environment.get("LATENT_WORKSPACE", default)).expanduser().resolve(),
            data_roots=roots,
            max_upload_mb=_number(environment, "LATENT_MAX_UPLOAD_MB", 200),
            models_in_memory=_number(environment, "LATENT_MODELS_IN_MEMORY", 3),
            array_store_mb=_number(environment, "LATENT_ARRAY_STORE_MB", 512),
        )


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return Settings.from_environment(os.environ)


def _folder(name: str, text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        message = f"{name} names {text!r}, which is no folder. Create it or correct the setting."
        raise SettingsError(message)
    return path


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        message = f"{name} is {text!r}, but must be a whole number of at least 1."
        raise SettingsError(message)
    return int(text)
