"""A run's files: sizes, checksums, downloads, and the way to the Explore page."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.errors import InputError
from pages.access import identity, places
from pages.frame import navigation
from pages.frame.errors import markdown_safe
from pages.frame.units import size_text
from pages.scan import state

# Streamlit holds a download in the server's memory until the session ends.
_LARGEST_DOWNLOAD = 400_000_000

_MIMES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".png": "image/png",
    ".h5": "application/x-hdf5",
}


def latents_in(run: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the places of the latents that a run left; the run may be one of a batch's."""
    names = [name for name in run.get("files", {}) if name.endswith("_latents.h5")]
    if not names or not folder.resolve().is_relative_to(places.runs_folder().resolve()):
        return []
    place = places.place_of(folder)
    return [f"{place}/{name}" for name in names]


def open_in_explore(place: str, run: Mapping[str, Any], *, key: str, kind: str = "primary") -> None:
    """Offer to look at latents, with what they were made of, and what was measured with them."""
    st.button(
        "Open in Explore",
        key=key,
        icon=":material/hub:",
        type=kind,  # type: ignore[arg-type]
        on_click=show_in_explore,
        args=(place, run),
    )


def show_in_explore(place: str, run: Mapping[str, Any]) -> None:
    """Put latents in view, with what they were made of, and go to Explore; for callbacks."""
    samples = _samples_of(run)
    changes: dict[str, Any] = {"latents": place} | ({"samples": samples} if samples else {})
    if run.get("verb") == "collect":  # maps of a single scan say nothing of several
        changes |= {"samples": None, "maps": tuple(_beside(place, run, "_maps.parquet"))}
    elif tables := _beside(place, run, "_cutouts.parquet"):
        changes["maps"] = tuple(dict.fromkeys((*state.current().maps, *tables)))
    state.choose(**changes)
    navigation.go_to("explore")


def download(folder: Path, name: str, size: int, *, key: str, label: str = "") -> None:
    """Offer one file; it is read when somebody asks for it. Its label is shown as it is."""
    path = folder / name
    text = f"{path.name}, {size_text(size)}"
    st.download_button(
        markdown_safe(label) or "Download",
        when_asked(path.read_bytes, folder),
        file_name=path.name,
        mime=_MIMES.get(path.suffix, "application/octet-stream"),
        key=key,
        icon=":material/download:",
        on_click="ignore",
        disabled=size > _LARGEST_DOWNLOAD or not path.is_file(),
        help=markdown_safe(_too_large(size, folder) or text),
    )


def download_all(folder: Path, files: Mapping[str, Mapping[str, Any]], *, key: str) -> None:
    """Offer all files of a run, with its ``run.json``, as one archive."""
    size = sum(entry["bytes"] for entry in files.values())
    st.download_button(
        f"All as zip ({size_text(size)})",
        when_asked(lambda: _zipped(folder, ["run.json", *files]), folder),
        file_name=f"{folder.name}.zip",
        mime="application/zip",
        key=key,
        icon=":material/folder_zip:",
        on_click="ignore",
        disabled=size > _LARGEST_DOWNLOAD,
        help=markdown_safe(_too_large(size, folder))
        or "With run.json, which says how it was made.",
    )


def when_asked(make: Callable[[], bytes], folder: Path) -> Callable[[], bytes]:
    """Return what makes a download of a run when it is asked for, if the user may still have it.

    Streamlit asks in a thread without a session, so that whose download it is must be known before.
    """
    user, place = identity.current_user(), places.place_of(folder)

    def read() -> bytes:
        with identity.acting_as(user):
            places.check_owner(f"{place}/run.json")
        return make()

    return read


def _too_large(size: int, folder: Path) -> str:
    if size <= _LARGEST_DOWNLOAD:
        return ""
    return (
        f"{size_text(size)} is too large to go through the browser. Copy it from the server: it "
        f"lies in the workspace, in runs/{folder.name}."
    )


def _zipped(folder: Path, names: list[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            archive.write(folder / name, f"{folder.name}/{name}")
    return content.getvalue()


def _beside(place: str, run: Mapping[str, Any], suffix: str) -> list[str]:
    """Return the places of the tables that were written with latents, by the end of their names."""
    folder = place.rpartition("/")[0]
    return [f"{folder}/{name}" for name in run.get("files", {}) if name.endswith(suffix)]


def _samples_of(run: Mapping[str, Any]) -> str | None:
    """Return the place of the patterns, None where they can't be opened any more."""
    for entry in run.get("inputs", []):
        if entry["role"] == "samples":
            try:
                place = places.place_of(entry["location"])
                places.check(place)
            except InputError:
                return None
            return place
    return None
