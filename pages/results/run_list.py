"""What there is to see on the Runs page: jobs, and run folders whose jobs are gone."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.artifacts import read_run, run_damage
from latentcore.errors import presentable
from latentcore.figures.previews import is_kept, preview
from latentcore.jobs import JobRecord
from latentcore.settings import settings
from pages.access import claims, identity, labels, places
from pages.access.claims import Access
from pages.access.places import is_plain
from pages.frame.tables import told
from pages.frame.units import duration_text, size_text
from pages.jobs.latents_names import encoder_title, local_zone, preparation_title
from pages.jobs.panel import runner
from pages.jobs.past_runs import past_run, past_runs

_MOST = 200
_NO_CALENDAR = 1 << 37
_NO_RUN = (
    "{!r} lies among the runs, but holds no run.json: it is unfinished, or no run.\n"
    "Nothing else is affected. Delete it, or move it to where it belongs."
)
# A picture that isn't kept yet takes a moment: so many of the newest, for so long each time.
_MOST_PREVIEWS = 60
_PREVIEWS_S = 1.5
# A table shows no icons, only letters.
_ROW = 44
_SIGNS = {
    "finished": "✓",
    "partly failed": "!",
    "cancelled": "–",
    "failed": "✕",
    "interrupted": "–",
    "unreadable": "⚠",
}


@dataclass(frozen=True)
class Entry:
    """One line of the list.

    Attributes
    ----------
    key : str
        The job's id, or the run folder's name.
    started : float
        Seconds since 1970 in UTC.
    seconds : float
        0 where that is not known.
    size : int
        Bytes of its files, 0 where it has none.
    note : str
        What somebody wrote about it.
    count : int
        How many samples or points it was about, 0 where that is not known.
    damage : str
        What is wrong with its record; empty where it is good.
    access : str
        What the present user may do with it, see `pages.access.claims`; an operator who may do
        nothing with it sees its line all the same.
    owners : tuple of str
        Whose it is; empty where people don't sign in, or didn't when it was made.
    """

    key: str
    title: str
    verb: str
    state: str
    started: float
    seconds: float
    count: int
    size: int
    note: str
    job: JobRecord | None
    folder: Path
    damage: str = ""
    access: Access = "own"
    owners: tuple[str, ...] = ()


def entries() -> list[Entry]:
    """Return jobs and runs, newest first: the user's, those shared with them, an operator's all."""
    jobs = [_of_job(record) for record in runner().list(_MOST, everyones=True)]
    known = {entry.folder.name for entry in jobs}
    lost = [_damaged(places.jobs_folder() / job, why) for job, why in runner().damaged().items()]
    foreign = _foreign(known) if identity.current_user().operator else []
    listed = [*jobs, *lost, *_orphans(known), *foreign]
    if identity.way_in():
        listed += _linked(listed)
    newest = sorted(listed, key=lambda entry: entry.started, reverse=True)[:_MOST]
    if not identity.way_in():
        return newest
    return [
        replace(
            entry,
            note=entry.note if (access := claims.access("run", entry.folder.name)) else "",
            access=access,
            owners=claims.of("run", entry.folder.name).owners,
        )
        for entry in newest
    ]


def _linked(listed: list[Entry]) -> list[Entry]:
    """Return what the address names and no list does: it was shared by its address alone."""
    key = st.query_params.get("run", "")
    if any(key in (entry.key, entry.folder.name) for entry in listed):
        return []
    record = runner().get(key)
    if record is not None:
        return [_of_job(record)]
    if not is_plain(key) or "/" in key or not claims.access("run", key):
        return []
    run = past_run(key)
    return [] if run is None or run.damage else [_of_run(run.folder, run.record)]


def table(listed: list[Entry]) -> int | None:
    """Show the list; return the number of the chosen line."""
    wanted = st.query_params.get("run")
    chosen = next((n for n, entry in enumerate(listed) if entry.key == wanted), None)
    frame = pd.DataFrame(
        {
            "Preview": _previews(listed),
            "Title": [entry.title for entry in listed],
            "Whose": [_whose(entry) for entry in listed],
            "Verb": [entry.verb for entry in listed],
            "State": [f"{_SIGNS[entry.state]} {entry.state}" for entry in listed],
            "Started": [_local(entry.started) for entry in listed],
            "Duration": [duration_text(entry.seconds) if entry.seconds else "" for entry in listed],
            "n": [entry.count or None for entry in listed],
            "Size": [size_text(entry.size) if entry.size else "" for entry in listed],
            "Note": [entry.note for entry in listed],
        }
    )
    frame = frame.drop(columns=[name for name in ("Whose", "Note") if not any(frame[name])])
    event = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [] if chosen is None else [chosen]}},
        # Lines move when a job comes or goes, so the table is another one then.
        key="runs_" + "_".join(entry.key[:4] for entry in listed[:20]) + str(len(listed)),
        row_height=_ROW,
        alt=told(frame, "Jobs and runs"),
        placeholder="",
        column_config={
            "Preview": st.column_config.ImageColumn("", width=72),
            "Title": st.column_config.TextColumn(width=310),
            "Started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "n": st.column_config.NumberColumn(format="localized", help="Samples or points"),
        },
    )
    rows = event.selection.rows
    number = rows[0] if rows else None
    _remember(None if number is None else listed[number].key, wanted)
    return number


def _whose(entry: Entry) -> str:
    """Return whose a run is where it isn't simply one's own."""
    if entry.access == "own":
        others = [name for name in entry.owners if name != identity.current_user().name]
        return f"yours and {', '.join(others)}'s" if others else ""
    shared = claims.of("run", entry.folder.name).shared if entry.access else {}
    return ", ".join(entry.owners) or ("everybody" if claims.EVERYBODY in shared else "nobody")


def disk_text(listed: list[Entry]) -> str:
    """Say how much room runs and uploads take, and how much is left."""
    runs = sum(entry.size for entry in listed)
    brought = sum(
        file.stat().st_size for file in places.uploads_folder().glob("*/*") if file.is_file()
    )
    free = shutil.disk_usage(settings().workspace).free
    return (
        f"Runs take {size_text(runs)}, uploaded files {size_text(brought)}; {size_text(free)} are "
        "free on the server."
    )


def _local(seconds: float) -> Any:
    """Return a time as the clock of the browser showed it."""
    if not seconds:
        return pd.NaT
    return pd.Timestamp(datetime.fromtimestamp(seconds, local_zone()).replace(tzinfo=None))


def _previews(listed: list[Entry]) -> list[str | None]:
    """Return pictures as addresses that hold them; those that take long come another time."""
    until = time.monotonic() + _PREVIEWS_S
    found: list[str | None] = [None] * len(listed)
    for number, entry in enumerate(listed[:_MOST_PREVIEWS]):
        if entry.state not in ("finished", "partly failed") or not entry.access:
            continue
        if time.monotonic() < until or is_kept(entry.folder):
            picture = preview(entry.folder, read_run(entry.folder) or {})
            if picture:
                found[number] = f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
    return found


def _remember(key: str | None, before: str | None) -> None:
    if key == before:
        return
    if key is None:
        st.query_params.pop("run", None)
    else:
        st.query_params["run"] = key


def _of_job(record: JobRecord) -> Entry:
    damage = run_damage(record.folder) if record.state == "finished" else ""
    finished = past_run(record.folder.name) if record.state == "finished" else None
    run = finished.record if finished and not damage else {}
    label = labels.read(record.folder)
    return Entry(
        key=record.id,
        title=label.name or record.title,
        verb=record.verb,
        state="unreadable" if damage else "partly failed" if record.partly_failed else record.state,
        started=record.started or record.created,
        seconds=record.elapsed(),
        count=_count(run),
        size=_size(run),
        note=label.note,
        job=record,
        folder=record.folder,
        damage=damage,
    )


def _damaged(folder: Path, damage: str) -> Entry:
    """Return the line of a folder whose record can't be read."""
    shown = presentable(folder.name)
    return Entry(
        key=shown,
        title=shown,
        verb="",
        state="unreadable",
        started=_changed(folder),
        seconds=0.0,
        count=0,
        size=0,
        note="",
        job=None,
        folder=folder,
        damage=damage,
    )


def _changed(path: Path) -> float:
    """Return when something changed; 0 where a clock was so wrong that no calendar has it."""
    with suppress(OSError):
        changed = path.lstat().st_mtime
        if 0 <= changed < _NO_CALENDAR:
            return changed
    return 0.0


def _orphans(known: set[str]) -> list[Entry]:
    return [
        _damaged(run.folder, run.damage) if run.damage else _of_run(run.folder, run.record)
        for run in past_runs(everyones=True)
        if run.folder.name not in known
    ]


def _foreign(known: set[str]) -> list[Entry]:
    """Return what lies among the runs and is none: people and other programs have put it there."""
    listed = {run.folder.name for run in past_runs(everyones=True)} | known
    with suppress(OSError):
        return [
            _damaged(path, _NO_RUN.format(presentable(path.name)))
            for path in sorted(places.runs_folder().iterdir())
            if path.name not in listed
            and not path.name.startswith(".")
            and not os.path.lexists(path / "run.json")
        ]
    return []


def _count(run: Mapping[str, Any]) -> int:
    """Return what a run's summary calls n; how far a job has come is counted otherwise."""
    summary = run.get("summary", {})
    found = summary.get("n", summary.get("n_points"))
    if found is None and isinstance(summary.get("roi"), Mapping):
        found = summary["roi"].get("n")
    return found if isinstance(found, int) else 0


def _size(run: Mapping[str, Any]) -> int:
    return sum(entry["bytes"] for entry in run.get("files", {}).values())


def _title(path: Path, run: Mapping[str, Any]) -> str:
    """Say what a run is that no job says of: of latents what made them, of which scan."""
    scans = [entry["location"] for entry in run.get("inputs", ()) if entry["role"] == "samples"]
    if run["verb"] != "extract" or not scans:
        return f"{run['verb']} · {path.name}"
    made = f"{encoder_title(run)} of {scans[0].rpartition('/')[2]}"
    return ", ".join(filter(None, (made, preparation_title(run))))


def _of_run(path: Path, run: Mapping[str, Any]) -> Entry:
    label = labels.read(path)
    return Entry(
        key=path.name,
        title=label.name or _title(path, run),
        verb=run["verb"],
        state="finished",
        started=_seconds(run.get("created", "")),
        seconds=0.0,
        count=_count(run),
        size=_size(run),
        note=label.note,
        job=None,
        folder=path,
    )


def _seconds(text: str) -> float:
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return 0.0
