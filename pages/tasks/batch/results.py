"""What a batch has given: its tables, and each input's run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.errors import InputError, LatentError
from latentcore.jobs import JobRecord
from latentcore.storage import is_remote
from latentcore.workflows.batch.tasks import Row
from pages.access import locations, places
from pages.frame import errors
from pages.frame.units import duration_text
from pages.jobs.panel import job_panel, runner
from pages.results import run_details, run_files
from pages.results.figures import show_figure
from pages.tasks.batch.table import counts, error_of, rows_of, rows_table

_LOOK_EVERY_S = 2.0
_MOST_TABLES = 8
_MOST_NOTES = 4
_FIGURE_WIDTH = 480


def show_batch(job: str) -> JobRecord | None:
    """Show a batch: how it stands, every input, and what it left; None where there is none."""
    record = job_panel(job, on_finished=_finished)
    if record is None:
        return None
    if record.active:
        _live_rows(job)
    else:
        _rows(record)
    return record


@st.fragment(run_every=_LOOK_EVERY_S)
def _live_rows(job: str) -> None:
    record = runner().get(job)
    if record is not None:
        _rows(record)


def _rows(record: JobRecord) -> None:
    rows = rows_of(record)
    if not rows:
        ended = "No input was begun, or the list of them (batch.json) is damaged."
        st.caption("Looking what there is to do." if record.active else ended)
        return
    st.markdown(counts(rows, active=record.active))
    chosen = rows_table(rows, active=record.active, key=f"batch_rows_{record.id}")
    if chosen is not None:
        _details(record, chosen)
    elif len(rows) > 1:
        st.caption("Choose a line to see its results, or the whole of its error.")


def _finished(record: JobRecord) -> None:
    run = read_run(record.folder) or {}
    rows = rows_of(record)
    for note in _shared_notes(run.get("summary", {}).get("notes", ()), rows):
        st.info(errors.markdown_safe(errors.page_words(note)), icon=":material/info:")
    files = run.get("files", {})
    with st.container(horizontal=True):
        _rest(record, rows)
        tables = [name for name in files if name.endswith(".csv")]
        # The summaries of all inputs first, then the verb's own tables side by side.
        for name in sorted(tables, key=lambda name: name.startswith("combined_"))[:_MOST_TABLES]:
            run_files.download(
                record.folder, name, files[name]["bytes"], key=f"get_{record.id}_{name}", label=name
            )
    if len(tables) > _MOST_TABLES:
        st.caption(f"{len(tables) - _MOST_TABLES} more tables are on the Runs page.")


def _shared_notes(notes: list[str], rows: list[Row]) -> list[str]:
    """Return the notes on the batch as a whole: why an input failed stands in its line."""
    failures = {f"{row.location} failed: {row.error.splitlines()[0]}" for row in rows if row.error}
    return [note for note in notes if note not in failures][:_MOST_NOTES]


def _rest(record: JobRecord, rows: list[Row]) -> None:
    """Offer to do what is missing, where something may be."""
    failed = sum(row.state == "failed" for row in rows)
    if failed:
        label = "Do the failed one again" if failed == 1 else f"Do the {failed:,} failed ones again"
        help_text = "Only what is missing or has changed is done; what is finished stays."
    elif any(is_remote(location) for location in record.request.get("location", ())):
        label, help_text = "Look for new objects", "Does what has come or changed since."
    else:
        return
    st.button(
        label,
        key=f"rest_{record.id}",
        type="primary" if failed else "secondary",
        icon=":material/replay:",
        on_click=_do_the_rest,
        args=(record.id,),
        help=help_text,
    )


def _do_the_rest(job: str) -> None:
    try:
        runner().rerun(job, rest=True)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")


def _details(record: JobRecord, row: Row) -> None:
    title = errors.markdown_safe(locations.shown(row.location))
    with st.container(border=True):
        if row.state == "failed":
            errors.show(LatentError(error_of(row)), locations.shown(row.location))
            return
        if row.state != "finished":
            st.markdown(f"**{title}** has no results yet.")
            return
        folder = record.folder / row.name
        run = read_run(folder)
        to = errors.markdown_safe(row.uploaded)
        uploaded = f" · uploaded to {to}" if row.uploaded else ""
        st.markdown(f"**{title}** · {duration_text(row.seconds)}{uploaded}")
        if run is None:
            st.caption("Its files are not on this server any more.")
            return
        with st.container(horizontal=True):
            _explore(folder, row)
        figure = next((name for name in run.get("files", {}) if name.endswith(".png")), None)
        if figure is not None:
            show_figure(folder / figure, f"{title}: {figure}", width=_FIGURE_WIDTH)
        run_details.files(folder, run)


def _explore(folder: Path, row: Row) -> None:
    """Offer the latents that the input became, or those that it is."""
    for place in run_files.latents_in(read_run(folder) or {}, folder):
        run_files.open_in_explore(place, read_run(folder) or {}, key=f"explore_{place}")
        return
    if row.location.endswith("_latents.h5") and not is_remote(row.location):
        try:
            place = places.place_of(row.location)
        except InputError:
            return
        made_by = read_run(Path(row.location).parent) or {}
        run_files.open_in_explore(place, made_by, key=f"explore_{row.name}_{place}")
