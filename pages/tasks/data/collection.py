"""Latents of several scans as one collection: which, in what order, called what, with what maps."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors, navigation
from pages.jobs.latents_names import names_of, names_with_scans, samples_of, scan_of
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.jobs.past_runs import collections, extracted_latents
from pages.results import run_files
from pages.scan import loading
from pages.scan.sidebar import places_of_kind

PAGE = "data"
_FEWEST, _MOST = 2, 50
_MOST_LISTED = 12
_LATENTS, _NAME = "data.collection.latents", "data.collection.name"


def collection_maker() -> None:
    """Ask for the scans, and start the job that joins them."""
    st.caption(
        "2 to 50 scans whose latents one encoder made, side by side in one view: embeddings, "
        "clusters, ranking and probes over all of them."
    )
    chosen = st.session_state.get(_LATENTS, ())
    offered = list(dict.fromkeys((*extracted_latents(), *places_of_kind("latents"), *chosen)))
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
    names = names_with_scans(offered)
    chosen = st.multiselect(
        "Latents, in the order in which their scans are to lie",
        offered,
        format_func=names.__getitem__,
        max_selections=_MOST,
        key=_LATENTS,
        placeholder="Choose two or more",
        persist_state="session",
    )
    maps = places_of_kind("maps")
    rows = [_member(place, scan_of(place), maps, first=place == chosen[0]) for place in chosen]
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input(
        "Name of the collection", "collection", key=_NAME, max_chars=60,
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


def _member(place: str, scan: str, maps: list[str], *, first: bool) -> tuple[str, list[str]]:
    """Ask what a scan is called in the collection, and which maps are its own."""
    left, middle, right = st.columns([1, 2, 0.3], vertical_alignment="bottom")
    scan_key, maps_key = _keys(place)
    st.session_state.setdefault(scan_key, scan)
    st.session_state.setdefault(maps_key, [one for one in maps if one == samples_of(place)])
    called = left.text_input("Scan", key=scan_key, max_chars=60)
    found = middle.multiselect(
        "Its maps", list(dict.fromkeys((*maps, *st.session_state[maps_key]))),
        format_func=places.label, key=maps_key, placeholder="none",
        help="Maps of one name in several scans become one map of the collection.",
    )  # fmt: skip
    right.button(
        ":material/arrow_upward:", key=f"data.collection.up.{place}", type="tertiary",
        disabled=first, help="Earlier", on_click=_move_up, args=(place,),
    )  # fmt: skip
    return called, found


def _keys(place: str) -> tuple[str, str]:
    return f"data.collection.scan.{place}", f"data.collection.maps.{place}"


def _move_up(place: str) -> None:
    order = list(st.session_state[_LATENTS])
    at = order.index(place)
    order[at - 1 : at + 1] = [place, order[at - 1]]
    st.session_state[_LATENTS] = order


def _rounds(found: list[list[str]]) -> tuple[str, ...]:
    """Return one map of each scan, '-' where one has none, round after round."""
    rounds = zip_longest(*found)
    return tuple("-" if one is None else places.location(one) for row in rounds for one in row)


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
            with st.container(horizontal=True):
                st.button(
                    errors.markdown_safe(names_of([place])[place]),
                    key=f"data.collection.again.{place}", type="tertiary", icon=":material/hub:",
                    help=errors.markdown_safe(f"Open in Explore: {about}"),
                    on_click=run_files.show_in_explore, args=(place, run.record),
                )  # fmt: skip
                st.button(
                    "Change", key=f"data.collection.change.{place}", type="tertiary",
                    icon=":material/edit:", on_click=_begin_with, args=(run.record,),
                    help="Add, leave out, rename or reorder scans above. It becomes a new "
                    "collection; this one stays.",
                )  # fmt: skip
    if len(found) > _MOST_LISTED:
        st.caption(f"{len(found) - _MOST_LISTED} older ones are on the Runs page.")


def _begin_with(run: Mapping[str, Any]) -> None:
    """Fill the form with what a collection was made of, without the files that are gone."""
    request, scans = run.get("request", {}), run.get("summary", {}).get("scans", ())
    locations, maps = request.get("latents", ()), request.get("map", ())
    found = [_there(location, "latents") for location in locations]
    for at, (place, scan) in enumerate(zip(found, scans, strict=False)):
        if place is not None:
            own = [_there(one, "maps") for one in maps[at :: len(locations)] if one != "-"]
            scan_key, maps_key = _keys(place)
            st.session_state[scan_key] = str(scan.get("name", ""))
            st.session_state[maps_key] = [one for one in own if one is not None]
    st.session_state[_LATENTS] = [place for place in found if place is not None]
    st.session_state[_NAME] = str(request.get("name", ""))
    gone = found.count(None)
    if gone:
        st.toast(f"{gone} of {len(found)} scans can't be opened any more and are left out.")


def _there(location: str, kind: str) -> str | None:
    """Return the place of latents or maps; None where it can't be opened."""
    try:
        place = places.place_of(location)
        return place if kind in loading.kinds_of(place) else None
    except InputError:
        return None
