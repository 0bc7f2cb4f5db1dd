"""What latents are called: by the encoder that made them, when, and of what preparation.

Latents that no run of this server made keep the name of their file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from latentcore.errors import InputError
from pages.access import labels, places
from pages.jobs.past_runs import LATENTS_SUFFIX, past_runs, run_of_latents

_RUN = "run:"
# Parts of the names of encoders' families. To ask the families would import PyTorch.
_KINDS = {"pca": "PCA", "vae": "VAE", "resnet": "ResNet"}


@dataclass(frozen=True)
class _Made:
    """Latents of a run.

    Attributes
    ----------
    title : str
        The encoder and its size, ``"VAE 16"``; or what somebody called the run.
    about : tuple of str
        What follows the time: the preparation, and the file's name where a run left several.
    """

    title: str
    created: datetime
    about: tuple[str, ...]
    named: bool


def name_of(place: str | None) -> str:
    """Return what the latents at a place are called: ``"VAE 32 · 08:24 · denoised"``.

    In the time of the session's browser; the date where it isn't today's. Told apart from all
    other latents of the server. Any other file has the name that its place gives it.
    """
    return names_of([place or ""])[place or ""]


def names_of(named: Iterable[str]) -> dict[str, str]:
    """Return what the files at some places are called, as `name_of` calls each."""
    wanted = tuple(named)
    known = _all_names() if any(place.startswith(_RUN) for place in wanted) else {}
    return {
        place: known.get(place) or _lone_name(place, time_text) or places.label(place)
        for place in wanted
    }


def names_with_scans(named: Iterable[str]) -> dict[str, str]:
    """Return names of latents with that of the scan before each, where there may be several."""
    return {place: f"{scan_of(place)} · {name}" for place, name in names_of(named).items()}


def scan_of(place: str) -> str:
    """Return what the scan is called that latents were made of: as their samples' file."""
    name = places.label(samples_of(place) or place).split(" · ")[0]
    return Path(name).stem.removesuffix("_latents") or "scan"


def samples_of(place: str) -> str | None:
    """Return the place of the samples that latents were made of, where a run here says so."""
    try:
        known = run_of_latents(place)
        inputs: list[dict[str, Any]] = [] if known is None else known[1].get("inputs", [])
        found = next((one["location"] for one in inputs if one["role"] == "samples"), None)
        return None if found is None else places.place_of(found)
    except InputError:
        return None


def lasting_name(place: str | None) -> str:
    """Return a name that is still true tomorrow, for titles that are kept: with the date."""
    place = place or ""
    return _lone_name(place, _date_and_time) or places.label(place)


def encoder_title(run: Mapping[str, Any]) -> str:
    """Return kind and size of an extraction's encoder, ``"PCA 30"``; a collection's name."""
    summary = run.get("summary", {})
    if run.get("verb") == "collect":
        return f"{summary.get('name')} ({len(summary.get('scans') or ())} scans)"
    family = str(summary.get("encoder") or "latents")
    kind = next((_KINDS[part] for part in family.split("-") if part in _KINDS), family.capitalize())
    return f"{kind} {summary.get('latent_dim') or ''}".rstrip()


def preparation_title(run: Mapping[str, Any]) -> str:
    """Return in a word or two how samples were prepared where that is not the usual way."""
    summary = run.get("summary", {})
    done = summary.get("preparation") or {}
    if done.get("nlpar"):
        return "denoised"
    if done.get("average"):
        return "averaged"
    plain = done.get("background", "none") == "none" and not done.get("smooth")
    if done and plain and done.get("scale", "none") == "none":
        return "raw"
    if run.get("request", {}).get("prepare") and done.get("background", "none") == "none":
        return "background kept"
    return ""


def moment_of(run: Mapping[str, Any]) -> datetime:
    """Return when a run's record was written; 1970 where it doesn't say."""
    try:
        moment = datetime.fromisoformat(run.get("created", ""))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def local_zone() -> tzinfo:
    """Return the time zone of the session's browser, UTC where it tells none."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        return UTC


def time_text(moment: datetime) -> str:
    """Write a time as people say it today: ``08:24``, ``Nov 21``, ``Nov 21, 2025``."""
    local, now = moment.astimezone(local_zone()), datetime.now(local_zone())
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return f"{local:%b} {local.day:d}" + (f", {local.year:d}" if local.year != now.year else "")


def _all_names() -> dict[str, str]:
    """Return the names of all latents of this server's own runs, no two alike."""
    found: dict[str, _Made] = {}
    for run in past_runs():
        known = run.record.get("verb") in ("extract", "collect")
        files = run.files(LATENTS_SUFFIX) if known else []
        for file in files:
            place = f"{_RUN}{run.folder.name}/{file}"
            found[place] = _made(run.folder, run.record, file, len(files) > 1)
    names = _told_apart(found)
    counts: Counter[str] = Counter()
    for place in reversed(list(names)):  # the oldest keeps the plain name
        counts[names[place]] += 1
        if counts[names[place]] > 1:
            names[place] += f" ({counts[names[place]]})"
    return names


def _told_apart(found: Mapping[str, _Made]) -> dict[str, str]:
    names = {place: _joined(made, time_text) for place, made in found.items()}
    for when in (_date_and_time, _seconds):
        counts = Counter(names.values())
        names = {
            place: name if counts[name] == 1 else _joined(found[place], when)
            for place, name in names.items()
        }
    return names


def _lone_name(place: str, when: Callable[[datetime], str]) -> str:
    try:
        known = run_of_latents(place)
    except InputError:  # they are gone
        known = None
    if known is None:
        return ""
    folder, run = known
    several = sum(name.endswith(LATENTS_SUFFIX) for name in run.get("files", {})) > 1
    return _joined(_made(folder, run, place.rsplit("/", 1)[-1], several), when)


def _made(folder: Path, run: Mapping[str, Any], file: str, several: bool) -> _Made:
    given = labels.read(folder).name
    stem = (file.rsplit("/", 1)[-1].removesuffix(LATENTS_SUFFIX),) if several else ()
    about = () if given else (preparation_title(run),)
    return _Made(given or encoder_title(run), moment_of(run), (*about, *stem), bool(given))


def _joined(made: _Made, when: Callable[[datetime], str]) -> str:
    """Write a name; one that somebody gave needs a time only where another run has the same."""
    time = "" if made.named and when is not _seconds else when(made.created)
    parts: Sequence[str] = (made.title, time, *made.about)
    return " · ".join(part for part in parts if part)


def _date_and_time(moment: datetime) -> str:
    local = moment.astimezone(local_zone())
    return f"{local:%b} {local.day} {local:%H:%M}"


def _seconds(moment: datetime) -> str:
    local = moment.astimezone(local_zone())
    return f"{local:%b} {local.day} {local:%H:%M:%S}"
