"""Regions as files: JSON out and in, and as a map of labels of the scan in view."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import streamlit as st

from latentcore.artifacts.region_files import LARGEST, regions_json, regions_of
from latentcore.cells import csv_bytes
from latentcore.containers import LatentSet, RegionSet, ScanPoints
from latentcore.errors import InputError, MalformedFileError
from latentcore.outputs.regions import label_table, lay
from latentcore.workflows import VERBS
from pages.access import places
from pages.access.uploads import store_upload
from pages.frame import errors
from pages.regions.kept import Kept, bring, kept
from pages.results.verb_files import show_files
from pages.scan import state
from pages.scan.derived_maps import keep_as_maps
from pages.view.question import Question
from pages.view.scene import Scene

_UPLOADER = "regions_upload"
LABEL_MAP = "regions"


class _Upload(io.BytesIO):
    name = "regions.json"


def kept_file(kept: Kept, only: RegionSet | None = None) -> str:
    """Write the regions, or only some, as a file of the workspace, for a verb; return its place."""
    regions = kept.regions if only is None else only
    key = "\n".join([kept.key, *(f"{region.id} {region.name}" for region in regions.regions)])
    place = _file(key, regions)
    try:
        places.check(place)
    except InputError:  # somebody has cleared the uploads
        _file.clear()
        place = _file(key, regions)
    return place


@st.cache_data(max_entries=32, show_spinner=False)
def _file(key: str, _regions: RegionSet) -> str:
    del key  # only part of the cache's key
    return store_upload(_Upload(regions_json(_regions).encode()))


def regions_request(scene: Scene, question: Question, place: str, **settings: Any) -> Any:
    """Return the request of the verb ``regions`` about a file of regions and what is in view."""
    assert scene.scan.latents is not None
    # Tables about samples are no maps: they have no x and y.
    names = scene.quantities(question) if scene.latents.grid is not None else ()
    specs = (scene.maps.origin[name] for name in names)
    return VERBS.get("regions").request(
        regions=places.location(place),
        samples=places.location(scene.scan.latents),
        map=tuple(f"{places.location(file)}:{column}" for file, column in specs),
        **settings,
    )


def keep_labels(latents: LatentSet, kept: Kept) -> None:
    """Put a map of the regions' names in view, to color by, rank against and probe for.

    Raises `InputError` if the disk is full.
    """
    assert latents.grid is not None
    labels = kept.regions.labels(kept.placed)
    names = np.array([*kept.regions.names, None], object)
    keep_as_maps(LABEL_MAP, latents.grid, {"region": names[labels]})


def offer_as_labels(latents: LatentSet) -> None:
    """Offer the regions of a scan where a page asks for labels, if they are no map in view yet."""
    try:
        found = kept(latents)
    except InputError:
        return  # Explore says what is wrong with them
    if not found.regions or latents.grid is None or has_label_map():
        return
    n = len(found.regions)
    if st.button(
        f"Use the {n:,} regions of this scan" if n > 1 else "Use the region of this scan",
        key="regions.offer",
        icon=":material/bookmarks:",
        help="Puts a map of the regions that were kept on the Explore page in view.",
    ):
        keep_labels(latents, found)
        st.rerun()


def has_label_map() -> bool:
    """Tell whether a map of regions is in view."""
    return any(places.label(place) == f"{LABEL_MAP}.parquet" for place in state.current().maps)


def show(scene: Scene, question: Question, regions: Kept) -> None:
    """Offer the files of the regions, and take a file of regions."""
    latents = scene.latents
    if regions.regions:
        st.markdown("**Files**")
        with st.container(horizontal=True):
            _downloads(latents, regions)
        asked = regions_request(scene, question, kept_file(regions))
        st.caption(
            "All files: labels, statistics of all regions and every pair, a figure, and a record "
            "that repeats it: those of `latentcore regions`."
        )
        show_files(
            "regions_files", "regions", asked, "Regions", about=regions.key, label="All files"
        )
    _upload(latents)


def _downloads(latents: LatentSet, regions: Kept) -> None:
    st.download_button(
        "regions.json",
        data=lambda: regions_json(regions.regions).encode(),
        file_name="regions.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key="regions.get.json",
    )
    st.download_button(
        "labels.csv",
        data=lambda: _labels_csv(latents, regions),
        file_name="labels.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="regions.get.csv",
    )
    if latents.grid is not None and st.button(
        "Use as a map of labels",
        key="regions.as_map",
        icon=":material/layers:",
        help="Puts a map of the regions in view: Rank and Agree hold latents against it, Probe "
        "learns it, filters and downloads have it. It stays as it is when regions change: use them "
        "again then.",
    ):
        keep_labels(latents, regions)
        st.rerun()


def _upload(latents: LatentSet) -> None:
    turn = st.session_state.get(_UPLOADER, 0)
    given = st.file_uploader("Add regions from a file", type="json", key=f"regions.upload.{turn}")
    same_scan = st.toggle(
        "Same scan", key="regions.same_scan",
        help="The file's regions were made on another file of this scan, for example before it was "
        "converted. Its points must lie on the same grid.",
    )  # fmt: skip
    if given is None:
        return
    try:
        if given.size > LARGEST:
            message = f"A file of regions has at most {LARGEST >> 20} MB."
            raise MalformedFileError(message)
        brought = regions_of(given.getvalue(), "The file")
        added, _ = bring(latents, brought, "add regions from a file", same_scan=same_scan)
    except InputError as error:
        errors.show(error)
        return
    st.toast(
        f"{added:,} of {len(brought):,} regions were added"
        + ("." if added == len(brought) else "; the others are there already.")
    )
    # A fresh uploader: else the file would be read again at every rerun.
    st.session_state[_UPLOADER] = turn + 1
    st.rerun()


def _labels_csv(latents: LatentSet, kept: Kept) -> bytes:
    laid = lay(kept.regions, ScanPoints.of_latents(latents))
    return csv_bytes(label_table(laid))
