"""What an HDF5 file on S3 holds, shown without downloading it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.analysis.pattern_sheets import sample_picture
from latentcore.errors import InputError
from latentcore.readers.remote import RemoteLook, look_inside
from pages.access import places, s3
from pages.frame import errors
from pages.frame.tables import told
from pages.frame.units import size_text

_COLUMNS = 6
_WIDTH = 240


def preview(place: str, *, on_close: Callable[[], None]) -> None:
    """Show keys, shapes, types and attributes of a remote HDF5 file, and its first patterns."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{errors.markdown_safe(places.label(place))}**", width="stretch")
            st.button("Close", key="s3_preview_close", icon=":material/close:", on_click=on_close)
        try:
            version = s3.present_version(place)
            look = _look(places.location(place), version.etag, version.size)
        except InputError as error:
            errors.show(error)
            return
        st.caption(
            f"{size_text(look.size)} on S3; this look fetched {size_text(look.bytes_read)} in "
            f"{look.requests} requests."
        )
        _contents(look)
        _samples(look)


@st.cache_data(max_entries=32, show_spinner="Looking inside …")
def _look(location: str, etag: str, size: int) -> RemoteLook:
    del etag, size  # part of the key: a replaced object is looked into again
    return look_inside(location)


def _contents(look: RemoteLook) -> None:
    shown = [entry for entry in look.objects if entry.key != "/" or entry.attributes]
    frame = pd.DataFrame(
        {
            "Key": [entry.key for entry in shown],
            "Shape": [_shape(entry.shape) for entry in shown],
            "Type": [entry.dtype for entry in shown],
            "Attributes": [
                ", ".join(f"{name} = {value}" for name, value in entry.attributes.items())
                for entry in shown
            ],
        }
    )
    height: Any = "content" if len(shown) <= 8 else 330
    st.dataframe(frame, hide_index=True, height=height, alt=told(frame, "What the file holds"))
    if look.left_out:
        st.caption(f"{look.left_out:,} more entries are not listed.")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "group" if shape is None else " × ".join(map(str, shape)) or "one value"


def _samples(look: RemoteLook) -> None:
    if look.samples is None:
        st.caption(errors.markdown_safe(look.note))
        return
    st.caption(errors.markdown_safe(f"The first {len(look.samples)} of {look.samples_key!r}"))
    for start in range(0, len(look.samples), _COLUMNS):
        rows = range(start, min(start + _COLUMNS, len(look.samples)))
        for column, row in zip(st.columns(_COLUMNS), rows, strict=False):
            picture = sample_picture(look.samples[row])
            factor = max(1, _WIDTH // picture.shape[1])
            column.image(
                picture.repeat(factor, axis=0).repeat(factor, axis=1),
                caption=str(row),
                width="stretch",
                alt=f"Sample {row} of {look.samples_key}",
            )
