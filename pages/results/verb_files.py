"""The files of a verb, prepared by a job when somebody asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.errors import LatentError
from latentcore.jobs import JobRecord
from pages.frame import errors
from pages.frame.units import size_text
from pages.jobs.panel import job_panel, runner
from pages.results import run_files


def show_files(
    slot: str,
    verb: str,
    asked: Any,
    title: str,
    *,
    about: str,
    label: str = "Prepare the files",
    on_finished: Callable[[JobRecord], None] | None = None,
    panel: bool = True,
) -> None:
    """Offer to run a verb, then show its job, then what it found, then its files.

    `slot` is where the session keeps the job; another request, or another `about`, begins anew.
    `title` is the job's and `label` the button's. `on_finished` draws what the finished job found.
    Without a `panel` the page shows jobs in progress at another place.
    """
    text = about + json.dumps(asdict(asked), sort_keys=True, default=str)
    known = st.session_state.get(slot)
    record = runner().get(known[1]) if known is not None and known[0] == text else None
    if record is not None and record.active:
        if panel:
            job_panel(record.id)
        else:
            st.caption("In progress, see above.")
    elif record is not None and record.finished:
        if on_finished is not None:
            on_finished(record)
        _offer(record, key=slot)
    else:
        if record is not None and record.error:
            errors.show(LatentError(record.error))
        if st.button(label, icon=":material/inventory_2:", key=f"{slot}.prepare"):
            st.session_state[slot] = (text, runner().submit(verb, asked, title=title).id)
            st.rerun()


def _offer(record: JobRecord, *, key: str) -> None:
    """Offer the files of a finished job: all at once, and each."""
    run = read_run(record.folder) or {}
    files = run.get("files", {})
    run_files.download_all(record.folder, files, key=f"{key}.zip.{record.id}")
    with st.expander(f"{len(files)} files", icon=":material/folder_open:"):
        for name, entry in files.items():
            run_files.download(
                record.folder, name, entry["bytes"], key=f"{key}.{record.id}.{name}",
                label=f"{name}  ·  {size_text(entry['bytes'])}",
            )  # fmt: skip
    kept = errors.markdown_safe(record.folder.name)
    st.caption(f"Kept as {kept} on the Runs page, with everything that repeats it.")
