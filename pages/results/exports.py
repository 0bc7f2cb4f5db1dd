"""Label maps as files that other programs open, for every page that has labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.analysis.orientations.scan import euler_names
from latentcore.errors import InputError
from latentcore.inputs.labels import LABEL_TABLES
from latentcore.jobs import JobRecord
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame.errors import markdown_safe
from pages.results.verb_files import show_files
from pages.scan import loading, state

_REPORT = "report.json"


def offer_export(
    labels: str, *, key: str, about: str, sources: Sequence[str] = (), panel: bool = True
) -> None:
    """Offer a label map in every format of ``export``.

    Parameters
    ----------
    labels : str
        What ``export`` takes: ``FILE:COLUMN``, or the folder of a run.
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
        left, middle, right = st.columns(3)
        name = left.selectbox(
            "Format",
            EXPORT_FORMATS.names(),
            index=EXPORT_FORMATS.names().index("ctf"),
            format_func=lambda one: EXPORT_FORMATS.get(one).title,
            key=f"{key}.format",
        )
        left.caption(f"Opens in {EXPORT_FORMATS.get(name).opens_in}.")
        found = _with_orientations(sources or _in_view())
        source = middle.selectbox(
            "Orientations from",
            [*found, None],
            format_func=_label,
            key=f"{key}.from",
            help="Euler angles and phases are carried over unchanged, with MAD, band contrast, IQ "
            "and the like. Without them every point is written as not indexed.",
        )
        beside = right.multiselect(
            "Maps beside the labels",
            [place for place in state.current().maps if _opens(place)],
            format_func=_label,
            key=f"{key}.with",
            placeholder="none",
            help="Their values go along where the format has room for them.",
        )
        show_files(
            f"{key}.job",
            "export",
            VERBS.get("export").request(
                labels=(labels,),
                format=name,
                with_=tuple(map(places.location, beside)),
                from_=None if source is None else places.location(source),
            ),
            f"{Path(labels).name} as {EXPORT_FORMATS.get(name).title}",
            about="|".join([about, *(loading.version(one) for one in (source, *beside) if one)]),
            label="Write the files",
            on_finished=_show_notes,
            panel=panel,
        )


def offer_export_of_run(folder: Path, run: Mapping[str, Any], *, key: str) -> None:
    """Offer the labels of a run on the Runs page, where it is of a verb that leaves labels."""
    if run.get("verb") in LABEL_TABLES:
        sources = _with_orientations(_read_by(run))
        about = f"{run.get('run_id')} {run.get('created')}"
        offer_export(str(folder), key=key, about=about, sources=sources, panel=False)


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


def _label(place: str | None) -> str:
    return "nowhere" if place is None else places.label(place)


def _show_notes(record: JobRecord) -> None:
    """Show what the export says of its files; names from files are no markdown."""
    notes = json.loads((record.folder / _REPORT).read_text(encoding="utf-8"))["notes"]
    for note in notes:
        st.caption(markdown_safe(note))
