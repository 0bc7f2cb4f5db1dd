"""What there is to see on the Runs page: jobs, and run folders whose jobs are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.artifacts import run_damage
from latentcore.jobs import JobRecord
from pages.access import places
from pages.frame.units import duration_text
from pages.jobs.panel import runner
from pages.jobs.past_runs import past_run, past_runs

_MOST = 200
# A table shows no icons, only letters.
_SIGNS = {
    "finished": "✓",
    "partly failed": "!",
    "cancelled": "–",
    "failed": "✕",
    "interrupted": "⏸",
    "damaged": "⚠",
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
    count : int
        How many samples or points it was about, 0 where that is not known.
    damage : str
        What is wrong with its record; empty where it is good.
    """

    key: str
    title: str
    verb: str
    state: str
    started: float
    seconds: float
    count: int
    job: JobRecord | None
    folder: Path
    damage: str = ""


def entries() -> list[Entry]:
    """Return jobs and runs, newest first."""
    jobs = [_of_job(record) for record in runner().list(_MOST)]
    known = {entry.folder.name for entry in jobs}
    lost = [_damaged(places.jobs_folder() / job, why) for job, why in runner().damaged().items()]
    listed = [*jobs, *lost, *_orphans(known)]
    return sorted(listed, key=lambda entry: entry.started, reverse=True)[:_MOST]


def table(listed: list[Entry]) -> int | None:
    """Show the list; return the number of the chosen line."""
    wanted = st.query_params.get("run")
    chosen = next((n for n, entry in enumerate(listed) if entry.key == wanted), None)
    frame = pd.DataFrame(
        {
            "Title": [entry.title for entry in listed],
            "Verb": [entry.verb for entry in listed],
            "State": [f"{_SIGNS[entry.state]} {entry.state}" for entry in listed],
            "Started (UTC)": [
                pd.Timestamp(entry.started, unit="s") if entry.started else pd.NaT
                for entry in listed
            ],
            "Duration": [duration_text(entry.seconds) if entry.seconds else "" for entry in listed],
            "n": [entry.count or None for entry in listed],
        }
    )
    event = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [] if chosen is None else [chosen]}},
        # Lines move when a job comes or goes, so the table is another one then.
        key="runs_" + "_".join(entry.key[:4] for entry in listed[:20]) + str(len(listed)),
        column_config={
            "Title": st.column_config.TextColumn(width="large"),
            "Started (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "n": st.column_config.NumberColumn(format="localized", help="Samples or points"),
        },
    )
    rows = event.selection.rows
    number = rows[0] if rows else None
    _remember(None if number is None else listed[number].key, wanted)
    return number


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
    return Entry(
        key=record.id,
        title=record.title,
        verb=record.verb,
        state="damaged" if damage else "partly failed" if record.partly_failed else record.state,
        started=record.started or record.created,
        seconds=record.elapsed(),
        count=_count(finished.record) if finished and not damage else 0,
        job=record,
        folder=record.folder,
        damage=damage,
    )


def _damaged(folder: Path, damage: str) -> Entry:
    """Return the line of a folder whose record can't be read."""
    return Entry(
        key=folder.name,
        title=folder.name,
        verb="",
        state="damaged",
        started=folder.stat().st_mtime,
        seconds=0.0,
        count=0,
        job=None,
        folder=folder,
        damage=damage,
    )


def _orphans(known: set[str]) -> list[Entry]:
    return [
        _damaged(run.folder, run.damage) if run.damage else _of_run(run.folder, run.record)
        for run in past_runs()
        if run.folder.name not in known
    ]


def _count(run: Mapping[str, Any]) -> int:
    """Return what a run's summary calls n; how far a job has come is counted otherwise."""
    summary = run.get("summary", {})
    found = summary.get("n", summary.get("n_points"))
    if found is None and isinstance(summary.get("roi"), Mapping):
        found = summary["roi"].get("n")
    return found if isinstance(found, int) else 0


def _of_run(path: Path, run: Mapping[str, Any]) -> Entry:
    return Entry(
        key=path.name,
        title=f"{run['verb']} · {path.name}",
        verb=run["verb"],
        state="finished",
        started=_seconds(run.get("created", "")),
        seconds=0.0,
        count=_count(run),
        job=None,
        folder=path,
    )


def _seconds(text: str) -> float:
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return 0.0
