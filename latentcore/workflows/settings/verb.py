"""``settings``: what the settings say, and whether this machine can live up to them."""

from __future__ import annotations

import difflib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.errors import InputError
from latentcore.progress import Progress
from latentcore.requests.verbs import option, verb
from latentcore.settings import PREFIX, Settings, all_variables, settings
from latentcore.workflows.settings.exposure import exposure
from latentcore.workflows.settings.logins import logins

_LITTLE_SPACE = 2_000_000_000
_CONNECT_S = 3.0


@dataclass(frozen=True)
class SettingsRequest:
    """Whether services elsewhere are asked, too."""

    offline: bool = option(False, help="look at this machine only, not at S3 or a Dask scheduler")


@verb("settings", "Show the settings, and what is wrong with them.", SettingsRequest, writes=False)
def check_settings(
    request: SettingsRequest, folder: RunFolder | None, progress: Progress
) -> dict[str, Any]:
    """Check every setting against this machine.

    Returns
    -------
    dict
        Each setting by its name, and ``notes``: what is wrong, empty where all is well.
    """
    del folder
    progress.step(0, 1, "checking the settings")
    found = settings()
    plain: dict[str, Any] = from_json(to_json({k: _text(v) for k, v in asdict(found).items()}))
    return {**plain, "notes": list(problems(found, online=not request.offline))}


def problems(found: Settings, *, online: bool = True) -> Iterator[str]:
    """Yield what is wrong with settings, a sentence each.

    Parameters
    ----------
    online : bool
        Whether S3 and a Dask scheduler are asked.
    """
    yield from _unknown_names()
    yield from _workspace(found.workspace)
    for root in found.data_roots:
        if not os.access(root, os.R_OK | os.X_OK):
            yield f"LATENT_DATA_ROOTS: {str(root)!r} can't be read. Give this user the right to."
    yield from _device(found.device)
    yield from exposure(found)
    yield from logins(found)
    if online:
        yield from _buckets(found)
        yield from _scheduler(found.dask_scheduler)


def _unknown_names() -> Iterator[str]:
    known = [f"{PREFIX}{field.name.upper()}" for field in fields(Settings)]
    for name in all_variables():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            yield f"{name} is no setting of this program. {hint}"


def _workspace(folder: Path) -> Iterator[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield (
            f"LATENT_WORKSPACE: {str(folder)!r} can't be written ({error.strerror}). Uploads, jobs "
            "and runs live there: name a folder that this user may write to."
        )
        return
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE:
        yield (
            f"LATENT_WORKSPACE: its disk has {free / 1e9:.1f} GB left. Remove old runs, or name a "
            "folder on another disk."
        )


def _device(name: str) -> Iterator[str]:
    from latentcore.encoders.device import resolve_device

    try:
        resolve_device(name)
    except InputError as error:
        yield f"LATENT_DEVICE: {error}"


def _buckets(found: Settings) -> Iterator[str]:
    from latentcore.storage import S3Location
    from latentcore.storage.objects import list_page

    for bucket in found.s3_buckets:
        try:
            list_page(S3Location(bucket), limit=1)
        except InputError as error:
            yield f"LATENT_S3_BUCKETS: {error}"


def _scheduler(address: str | None) -> Iterator[str]:
    if address is None:
        return
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname, parts.port or 8786), timeout=_CONNECT_S):
            return
    except (OSError, ValueError) as error:
        yield (
            f"LATENT_DASK_SCHEDULER: nothing answers at {address!r} ({error}). Start the "
            "scheduler, or correct the address (tcp://host:8786)."
        )


def _text(value: object) -> object:
    return [str(entry) for entry in value] if isinstance(value, tuple) else value
