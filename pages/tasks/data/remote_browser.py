"""The buckets that the operator offers, as folders: look around, look inside, open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.errors import InputError
from latentcore.settings import settings
from latentcore.storage import S3Location
from latentcore.storage.objects import ObjectEntry, ObjectPage, list_page
from pages.access import places, s3
from pages.access.s3 import SCHEME
from pages.frame import errors
from pages.frame.tables import told
from pages.scan import fetching
from pages.tasks.data import intake
from pages.tasks.data.remote_preview import preview

_HERE = "s3_here"
_START = "s3_start"
_PAGES = "s3_pages"
_PREVIEWED = "s3_previewed"
_OPEN = "open"
# A listing is asked once in a while, not at each click.
_LOOK_AGAIN_S = 10.0
_MOST_BUTTONS = 24


def remote_browser() -> None:
    """Offer the objects in the configured buckets."""
    offered = s3.offered()
    if not offered:
        st.info(
            "No bucket is open. The operator names some in `LATENT_S3_BUCKETS` (separated by "
            "commas) before the start of the server, and `LATENT_S3_ENDPOINT` if the service is "
            "not AWS.",
            icon=":material/cloud_off:",
        )
        return
    here = _here(offered)
    _bucket_and_breadcrumbs(here, offered)
    st.text_input(
        "Names that begin with",
        key=_START,
        on_change=_first_page,
        placeholder="any",
        icon=":material/filter_alt:",
        help="The service filters, over all pages. Capitals matter.",
        width=320,
    )
    tokens = st.session_state.setdefault(_PAGES, [""])
    try:
        page = _listing(here, st.session_state.get(_START, ""), tokens[-1], settings().s3_endpoint)
    except InputError as error:
        errors.show(error)
        _try_again()
        return
    _folders([entry.location for entry in page.entries if entry.is_prefix])
    objects = [entry for entry in page.entries if not entry.is_prefix]
    chosen = _objects(objects) if objects else []
    if not page.entries:
        begin = st.session_state.get(_START)
        which = f" with a name that begins with {begin!r}" if begin else ""
        st.caption(errors.markdown_safe(f"Nothing here{which}."))
    _turn_pages(page, len(tokens))
    if objects:
        _actions(chosen)
    if (place := st.session_state.get(_PREVIEWED)) is not None:
        preview(place, on_close=_close_preview)


def downloads() -> None:
    """Show the objects that were opened and are on the way; bring in what has arrived."""
    if not fetching.is_waiting(_OPEN):
        return
    arrived = fetching.take_arrived(_OPEN)
    if arrived is None:
        fetching.panel(_OPEN)
        return
    if arrived.cancelled:
        st.toast("Cancelled. What has arrived is kept.", icon=":material/cancel:")
    failed = [
        intake.Outcome(places.label(place), error=error) for place, error in arrived.failed.items()
    ]
    if arrived.places or failed:
        with st.spinner("Opening …"):
            intake.bring_in(arrived.places, failed)
        st.rerun()


def _here(offered: Sequence[str]) -> S3Location:
    here: S3Location = st.session_state.setdefault(_HERE, S3Location(offered[0]))
    return here


def _bucket_and_breadcrumbs(here: S3Location, offered: Sequence[str]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if len(offered) > 1:
            st.session_state["s3_bucket"] = here.bucket
            st.selectbox(
                "Bucket",
                offered,
                key="s3_bucket",
                label_visibility="collapsed",
                on_change=_choose_bucket,
                width=220,
            )
        parts = here.key.split("/")[:-1]
        for depth in range(len(parts) + 1):
            name = (parts[depth - 1] or "(no name)") if depth else here.bucket
            st.button(
                errors.markdown_safe(name),
                key=f"s3_crumb_{depth}",
                type="tertiary",
                icon=":material/folder_open:" if depth == len(parts) else None,
                on_click=_go,
                args=(S3Location(here.bucket, "".join(f"{part}/" for part in parts[:depth])),),
            )


def _folders(prefixes: list[S3Location]) -> None:
    if len(prefixes) > _MOST_BUTTONS:
        st.selectbox(
            "Folder",
            prefixes,
            index=None,
            key="s3_folder",
            format_func=lambda prefix: prefix.name,
            placeholder=f"Choose among {len(prefixes)} folders",
            on_change=_go_to_chosen,
            width=320,
        )
        return
    if not prefixes:
        return
    with st.container(horizontal=True, gap="small"):
        for prefix in prefixes:
            st.button(
                errors.markdown_safe(prefix.name),
                key=f"s3_folder_{prefix}",
                icon=":material/folder:",
                on_click=_go,
                args=(prefix,),
            )


def _objects(objects: list[ObjectEntry]) -> list[str]:
    """Show the objects; return the places of those that are chosen."""
    frame = pd.DataFrame(
        {
            "Name": [entry.location.name for entry in objects],
            "Size": [entry.size for entry in objects],
            "Changed (UTC)": [pd.Timestamp(entry.modified) for entry in objects],
        }
    )
    event: Any = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        # Another listing is another table: a chosen line must not mean another object.
        key=f"s3_objects_{objects[0].location}_{objects[-1].location}_{len(objects)}",
        height="content" if len(objects) <= 8 else 330,
        alt=told(frame, "Objects on S3"),
        column_config={
            "Name": st.column_config.TextColumn(width="large"),
            "Size": st.column_config.NumberColumn(format="bytes"),
            "Changed (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )
    chosen = (objects[row].location for row in event.selection.rows if row < len(objects))
    return [f"{SCHEME}{location.bucket}/{location.key}" for location in chosen]


def _turn_pages(page: ObjectPage, number: int) -> None:
    if number == 1 and not page.more:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Previous page",
            icon=":material/chevron_left:",
            disabled=number == 1,
            on_click=_page_back,
        )
        st.button(
            "Next page",
            icon=":material/chevron_right:",
            disabled=not page.more,
            on_click=_page_on,
            args=(page.more,),
        )
        st.caption(f"Page {number}, {len(page.entries)} entries")


def _actions(chosen: list[str]) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"Open {len(chosen)} objects" if len(chosen) > 1 else "Open",
            key="s3_open",
            icon=":material/file_open:",
            type="primary",
            disabled=not chosen or fetching.is_waiting(_OPEN),
            on_click=_open,
            args=(chosen,),
            help="Downloads them into the server's cache, once per version.",
        )
        st.button(
            "Preview",
            key="s3_preview",
            icon=":material/visibility:",
            disabled=len(chosen) != 1,
            on_click=_show_preview,
            args=(chosen,),
            help="What one HDF5 file holds, read by ranges without a download.",
        )


@st.cache_data(max_entries=128, ttl=_LOOK_AGAIN_S, show_spinner="Asking S3 …")
def _listing(below: S3Location, start: str, more: str, endpoint: str | None) -> ObjectPage:
    del endpoint  # part of the key
    return list_page(below, start=start, more=more)


def _try_again() -> None:
    st.button("Try again", key="s3_again", icon=":material/refresh:", on_click=_listing.clear)


def _go(prefix: S3Location) -> None:
    st.session_state[_HERE] = prefix
    st.session_state[_START] = ""
    _first_page()


def _go_to_chosen() -> None:
    if (chosen := st.session_state["s3_folder"]) is not None:
        _go(chosen)


def _choose_bucket() -> None:
    _go(S3Location(st.session_state["s3_bucket"]))


def _first_page() -> None:
    st.session_state[_PAGES] = [""]
    _close_preview()


def _page_on(more: str) -> None:
    st.session_state[_PAGES] = [*st.session_state[_PAGES], more]
    _close_preview()


def _page_back() -> None:
    st.session_state[_PAGES] = st.session_state[_PAGES][:-1] or [""]
    _close_preview()


def _open(chosen: list[str]) -> None:
    _close_preview()
    fetching.begin(_OPEN, chosen)


def _show_preview(chosen: list[str]) -> None:
    st.session_state[_PREVIEWED] = chosen[0]


def _close_preview() -> None:
    st.session_state.pop(_PREVIEWED, None)
