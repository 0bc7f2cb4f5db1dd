"""The rows of a view of a selection as a file, for verbs."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.errors import InputError
from pages.access import places
from pages.access.uploads import store_upload
from pages.view.scene import Scene


class _Rows(io.BytesIO):
    name = "selection_rows.npy"


def rows_file(scene: Scene) -> str | None:
    """Write the rows in view as a file of the workspace, for a verb; None where all are."""
    if scene.only is None:
        return None
    place = _stored(f"{scene.about}{scene.only_key}", scene.only)
    try:
        places.check(place)
    except InputError:  # somebody has cleared the uploads
        _stored.clear()
        place = _stored(f"{scene.about}{scene.only_key}", scene.only)
    return places.location(place)


@st.cache_data(max_entries=64, show_spinner=False)
def _stored(key: str, _rows: NDArray[np.bool_]) -> str:
    del key
    file = _Rows()
    np.save(file, np.flatnonzero(_rows))
    return store_upload(file)
