"""The files that this browser had in view before: open again, delete or forget."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from latentcore.errors import InputError, RequestError
from pages.access import claims, places, uploads
from pages.frame import errors
from pages.frame.units import size_text
from pages.jobs.latents_names import time_text
from pages.jobs.panel import runner
from pages.people import sharing
from pages.scan import memory, state
from pages.tasks.data import intake

_MOST_SHOWN = 12


def recent_files() -> None:
    """List the files, the latest first."""
    found = memory.recent_files()
    if not found:
        st.caption("Files that you open are listed here, with a way to delete what you uploaded.")
    for number, file in enumerate(found[:_MOST_SHOWN]):
        _line(number, file)
    if len(found) > _MOST_SHOWN:
        st.caption(f"{len(found) - _MOST_SHOWN} older ones come up as these are forgotten.")


def _line(number: int, file: memory.RecentFile) -> None:
    try:
        path, gone = places.resolve(file.place), ""
    except InputError as error:
        path, gone = None, str(error).split("\n", 1)[0]
    own = file.place.startswith("upload:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            errors.markdown_safe(places.label(file.place)),
            key=f"recent_open_{number}",
            type="tertiary",
            icon=":material/draft:",
            disabled=path is None,
            help=errors.markdown_safe(gone) or "Open it again",
            on_click=intake.bring_in,
            args=([file.place],),
        )
        seen = time_text(datetime.fromtimestamp(file.seen, UTC))
        st.caption(f"{_size(path)} · {seen}", width="stretch")
        thing = claims.thing_at(file.place)
        if thing is not None and path is not None:
            sharing.share_button(*thing, key=f"recent_{number}")
        with st.popover("", icon=":material/delete:" if own else ":material/close:"):
            st.write(
                "The uploaded file is removed from the server and can't be brought back."
                if own
                else "It is taken off this list; the file itself stays where it is."
            )
            st.button(
                "Delete for good" if own else "Forget",
                key=f"recent_delete_{number}",
                type="primary",
                on_click=_remove,
                args=(file.place, own),
            )


def _size(path: Path | None) -> str:
    if path is None:
        return "gone"
    return "folder" if path.is_dir() else size_text(path.stat().st_size)


def _remove(place: str, own: bool) -> None:
    """Take a file off the list; of the workspace's own the file as well."""
    try:
        if own:
            _refuse_while_read(place)
        _out_of_view(place)
        if own:
            uploads.delete_upload(place)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")
        return
    memory.forget_file(place)


def _refuse_while_read(place: str) -> None:
    try:
        path = str(places.resolve(place))
    except InputError:
        return  # gone already
    for job in runner().list():
        if job.active and path in json.dumps(dict(job.request)):
            message = f"The job {job.title!r} reads this file. Cancel it first, or wait for it."
            raise RequestError(message)


def _out_of_view(place: str) -> None:
    scan = state.current()
    if place not in scan.places:
        return
    left = replace(
        scan,
        samples=None if scan.samples == place else scan.samples,
        latents=None if scan.latents == place else scan.latents,
        maps=tuple(other for other in scan.maps if other != place),
    )
    state.choose(samples=left.samples, latents=left.latents, maps=left.maps)
