"""The files of a verb, prepared by a job when somebody asks for them; labels in other formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.analysis.orientations.scan import euler_names
from latentcore.artifacts import read_run
from latentcore.errors import InputError, LatentError
from latentcore.inputs.labels import LABEL_TABLES
from latentcore.jobs import JobRecord
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.frame.units import size_text
from pages.jobs.panel import job_panel, runner
from pages.results import run_files
from pages.scan import loading, state


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
    offer_export_of_run(record.folder, run, key=f"{key}.export")


def offer_export(
    labels: Mapping[str, str],
    *,
    key: str,
    about: str,
    sources: Sequence[str] = (),
    panel: bool = True,
) -> None:
    """Offer label maps in every format of ``export``.

    Parameters
    ----------
    labels : Mapping of str to str
        What each is called, and what ``export`` takes for it: ``FILE:COLUMN``, or a run's folder.
    key : str
        Tells these widgets from others'.
    about : str
        Changes when the labels do.
    sources : sequence of str
        Places that may hold the orientations; else those of the scan in view are offered.
    panel : bool
        Whether the job is shown here while it is active.
    """
    with st.container(border=True):
        st.markdown("**Export for other programs**")
        # Other label maps are another widget: what was chosen of these says nothing of those.
        chosen = st.multiselect(
            "Labels", list(labels), default=list(labels)[:1], key=f"{key}.labels.{'|'.join(labels)}"
        )
        form, source, beside = _ask_export(key, sources or _in_view())
        if not chosen:
            st.caption("Choose labels.")
            return
        files = [place for place in (source, *beside) if place is not None]
        show_files(
            f"{key}.job",
            "export",
            VERBS.get("export").request(
                labels=tuple(labels[name] for name in chosen),
                format=form,
                with_=tuple(map(places.location, beside)),
                from_=None if source is None else places.location(source),
            ),
            f"{', '.join(chosen)} as {EXPORT_FORMATS.get(form).title}",
            about="|".join([about, *map(loading.version, files)]),
            label="Write the files",
            on_finished=_show_notes,
            panel=panel,
        )


def _ask_export(key: str, sources: Sequence[str]) -> tuple[str, str | None, list[str]]:
    """Ask for a format, the file of the orientations, and maps to go along."""
    left, middle, right = st.columns(3)
    names = EXPORT_FORMATS.names()
    form = left.selectbox(
        "Format",
        names,
        index=names.index("ctf"),
        format_func=lambda name: EXPORT_FORMATS.get(name).title,
        key=f"{key}.format",
    )
    left.caption(f"Opens in {EXPORT_FORMATS.get(form).opens_in}.")
    source = middle.selectbox(
        "Orientations from",
        [*_with_orientations(sources), None],
        format_func=lambda place: "nowhere" if place is None else places.label(place),
        key=f"{key}.from",
        help="Euler angles and phases are carried over unchanged, with MAD, band contrast, IQ "
        "and the like. Without them every point is written as not indexed.",
    )
    beside = right.multiselect(
        "Maps beside the labels",
        [place for place in state.current().maps if _opens(place)],
        format_func=places.label,
        key=f"{key}.with",
        placeholder="none",
        help="Their values go along where the format has room for them.",
    )
    return form, source, beside


def offer_export_of_run(
    folder: Path, run: Mapping[str, Any], *, key: str, panel: bool = True
) -> None:
    """Offer the labels of a run, where it is of a verb that leaves labels; see `offer_export`."""
    if run.get("verb") in LABEL_TABLES:
        sources = _with_orientations(_read_by(run))
        about = f"{run.get('run_id')} {run.get('created')}"
        labels = {folder.name: str(folder)}
        offer_export(labels, key=key, about=about, sources=sources, panel=panel)


def _in_view() -> tuple[str, ...]:
    scan = state.current()
    return (*scan.maps, *([scan.samples] if scan.samples else ()))


def _read_by(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the places of the files that a run has read, as far as they are still there."""
    found = []
    for entry in run.get("inputs", ()):
        try:
            found.append(places.place_of(entry["location"]))
        except InputError:
            continue
    return tuple(found)


def _with_orientations(found: Sequence[str]) -> list[str]:
    return [
        place
        for place in dict.fromkeys(found)
        if _opens(place) and euler_names(loading.maps(place))
    ]


def _opens(place: str) -> bool:
    """Tell whether a place holds maps."""
    try:
        if "maps" not in loading.kinds_of(place):
            return False
        loading.maps(place)
    except InputError:
        return False
    return True


def _show_notes(record: JobRecord) -> None:
    """Show what the export says of its files; names from files are no markdown."""
    notes = json.loads((record.folder / "report.json").read_text(encoding="utf-8"))["notes"]
    for note in notes:
        st.caption(errors.markdown_safe(errors.page_words(note)))
