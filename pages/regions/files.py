"""Regions as files: JSON out and in, and as a map of labels of the scan in view."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st

from latentcore.artifacts.region_files import LARGEST, regions_json, regions_of
from latentcore.containers import LatentSet
from latentcore.errors import InputError, MalformedFileError
from pages.access import places
from pages.access.uploads import store_upload
from pages.frame import errors
from pages.regions.kept import Kept, bring, kept
from pages.scan import state
from pages.scan.derived_maps import keep_as_maps

_UPLOADER = "regions_upload"
LABEL_MAP = "regions"


class _Upload(io.BytesIO):
    name = "regions.json"


def kept_file(kept: Kept) -> str:
    """Write the regions as a file of the workspace, for a verb; return its place."""
    place = _file(kept.key, kept)
    try:
        places.check(place)
    except InputError:  # somebody has cleared the uploads
        _file.clear()
        place = _file(kept.key, kept)
    return place


@st.cache_data(max_entries=32, show_spinner=False)
def _file(key: str, _kept: Kept) -> str:
    del key  # only part of the cache's key
    return store_upload(_Upload(regions_json(_kept.regions).encode()))


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


def show(latents: LatentSet, regions: Kept) -> None:
    """Offer the files of the regions, and take a file of regions."""
    with st.container(horizontal=True):
        st.download_button(
            "regions.json",
            data=lambda: regions_json(regions.regions).encode(),
            file_name="regions.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            disabled=not regions.regions,
            key="regions.get.json",
        )
        if latents.grid is not None:
            st.download_button(
                "labels.csv",
                data=lambda: _labels_csv(latents, regions),
                file_name="labels.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                disabled=not regions.regions,
                key="regions.get.csv",
            )
            if st.button(
                "Use as a map of labels",
                key="regions.as_map",
                icon=":material/layers:",
                disabled=not regions.regions,
                help="Puts a map of the regions in view: Rank and Agree hold latents against it, "
                "Probe learns it, filters and downloads have it. It stays as it is when regions "
                "change: use them again then.",
            ):
                keep_labels(latents, regions)
                st.rerun()
    _upload(latents)


def _upload(latents: LatentSet) -> None:
    turn = st.session_state.get(_UPLOADER, 0)
    given = st.file_uploader("Add regions from a file", type="json", key=f"regions.upload.{turn}")
    if given is None:
        return
    try:
        if given.size > LARGEST:
            message = f"A file of regions has at most {LARGEST >> 20} MB."
            raise MalformedFileError(message)
        brought = regions_of(given.getvalue(), "The file")
        added, _ = bring(latents, brought, "add regions from a file")
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
    import pandas as pd

    assert latents.grid is not None
    x, y = latents.grid.plain_coordinates()
    labels = kept.regions.labels(kept.placed)
    names = np.array([*kept.regions.names, ""], object)
    table = pd.DataFrame({"x": x, "y": y, "label": names[labels]})
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text.encode()
