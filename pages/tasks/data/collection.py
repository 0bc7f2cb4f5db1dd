"""Latents of several scans as one collection: which, in what order, called what, with what maps."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors, navigation
from pages.jobs.latents_names import names_of
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.jobs.past_runs import collections, extracted_latents, run_of_latents
from pages.results import run_files
from pages.scan.sidebar import places_of_kind

PAGE = "data"
_FEWEST, _MOST = 2, 50
_MOST_LISTED = 12


def collection_maker() -> None:
    """Ask for the scans, and start the job that joins them."""
    st.caption(
        "2 to 50 scans whose latents one encoder made, side by side in one view: embeddings, "
        "clusters, ranking and probes over all of them."
    )
    offered = list(dict.fromkeys((*extracted_latents(), *places_of_kind("latents"))))
    if len(offered) < _FEWEST:
        st.info(
            "There are not two sets of latents here yet. Extract those of each scan with the same "
            "model (*Batch* does so for many files), or open files of latents.",
            icon=":material/library_add:",
        )
        navigation.link("batch", "Extract many scans")
    else:
        _form(offered)
    _job()
    _made_before()


def _form(offered: list[str]) -> None:
    names = names_of(offered)
    scans = {place: _scan_of(place) for place in offered}
    chosen = st.multiselect(
        "Latents, in the order in which their scans are to lie",
        offered,
        format_func=lambda place: f"{scans[place]} · {names[place]}",
        max_selections=_MOST,
        key="data.collection.latents",
        placeholder="Choose two or more",
        persist_state="session",
    )
    maps = places_of_kind("maps")
    rows = [_member(place, scans[place], maps) for place in chosen]
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input(
        "Name of the collection", "collection", key="data.collection.name", max_chars=60,
        help="Its files are called so: letters, digits, spaces, dots and hyphens.",
    )  # fmt: skip
    if right.button(
        "Make the collection", type="primary", icon=":material/library_add:",
        disabled=len(chosen) < _FEWEST, key="data.collection.make",
    ):  # fmt: skip
        request = VERBS.get("collect").request(
            latents=tuple(map(places.location, chosen)),
            map=_rounds([found for _, found in rows]),
            scans=tuple(called for called, _ in rows),
            name=name.strip(),
        )
        watch(runner().submit("collect", request, title=f"Collection {name.strip()}").id, PAGE)


def _member(place: str, scan: str, maps: list[str]) -> tuple[str, list[str]]:
    """Ask what a scan is called in the collection, and which maps are its own."""
    left, right = st.columns([1, 2])
    called = left.text_input("Scan", scan, key=f"data.collection.scan.{place}", max_chars=60)
    found = right.multiselect(
        "Its maps", maps, format_func=places.label, key=f"data.collection.maps.{place}",
        default=[one for one in maps if one == _samples_of(place)], placeholder="none",
        help="Maps of one name in several scans become one map of the collection.",
    )  # fmt: skip
    return called, found


def _rounds(found: list[list[str]]) -> tuple[str, ...]:
    """Return one map of each scan, '-' where one has none, round after round."""
    rounds = zip_longest(*found)
    return tuple("-" if one is None else places.location(one) for row in rounds for one in row)


def _samples_of(place: str) -> str | None:
    """Return the place of the samples that latents were made of, where a run here says so."""
    try:
        known = run_of_latents(place)
        inputs: list[dict[str, Any]] = [] if known is None else known[1].get("inputs", [])
        found = next((one["location"] for one in inputs if one["role"] == "samples"), None)
        return None if found is None else places.place_of(found)
    except InputError:
        return None


def _scan_of(place: str) -> str:
    name = places.label(_samples_of(place) or place).split(" · ")[0]
    return Path(name).stem.removesuffix("_latents") or "scan"


def _job() -> None:
    job = watched(PAGE)
    if job is not None and job_panel(job, on_finished=_made) is None:
        unwatch(PAGE)


def _made(record: JobRecord) -> None:
    run = read_run(record.folder) or {}
    for note in run.get("summary", {}).get("notes", ()):
        st.caption(errors.markdown_safe(errors.page_words(note)))
    for place in run_files.latents_in(run, record.folder):
        run_files.open_in_explore(place, run, key=f"data.collection.open.{place}")


def _made_before() -> None:
    """List the collections of this server, to be opened again."""
    found = collections()
    if found:
        st.markdown("**Collections**")
    for run in found[:_MOST_LISTED]:
        for place in run_files.latents_in(run.record, run.folder):
            scans = run.record.get("summary", {}).get("scans") or ()
            about = ", ".join(str(scan.get("name")) for scan in scans)
            st.button(
                errors.markdown_safe(names_of([place])[place]),
                key=f"data.collection.again.{place}", type="tertiary", icon=":material/hub:",
                help=errors.markdown_safe(f"Open in Explore: {about}"),
                on_click=run_files.show_in_explore, args=(place, run.record),
            )  # fmt: skip
    if len(found) > _MOST_LISTED:
        st.caption(f"{len(found) - _MOST_LISTED} older ones are on the Runs page.")
