"""What results of a comparison have in common: notes, a map for Explore, files, the snippet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts import read_run
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from pages.frame import errors, navigation
from pages.results import run_files
from pages.scan.derived_maps import keep_as_maps
from pages.view import session as explorer
from pages.view.scene import Scene


def show_notes(notes: Sequence[str]) -> None:
    """Show what a report says of its own numbers."""
    for note in notes:
        st.info(errors.markdown_safe(errors.page_words(note)), icon=":material/info:")


def offer_maps(
    scene: Scene, name: str, columns: Callable[[], Mapping[str, NDArray[np.float32]]]
) -> None:
    """Offer numbers at the points in view as maps of Explore, or as columns without a grid.

    They are kept in the file `name`, and Explore colors by the first of them; `columns`, (n,) each,
    are asked when the button is pressed.
    """
    what = "columns of these samples" if scene.latents.grid is None else "maps of this scan"
    st.button(
        "See it in Explore", type="primary", icon=":material/hub:", key=f"compare.{name}.explore",
        help=f"Kept with the {what}: to color by, brush and filter.",
        on_click=_to_explore, args=(scene, name, columns),
    )  # fmt: skip


def _to_explore(
    scene: Scene, name: str, columns: Callable[[], Mapping[str, NDArray[np.float32]]]
) -> None:
    latents = scene.latents
    try:
        kept = columns()
        keep_as_maps(name, latents.sample_ids if latents.grid is None else latents.grid, kept)
    except InputError as error:
        errors.show(error)
        return
    first = next(iter(kept))
    explorer.update(color=first, reference=first, limits=None)
    navigation.go_to("explore")


def offer_files(record: JobRecord, *, key: str) -> None:
    """Offer the files of a run, and all of them in one."""
    files: Mapping[str, Any] = (read_run(record.folder) or {}).get("files", {})
    with st.container(horizontal=True):
        run_files.download_all(record.folder, files, key=f"{key}.zip")
        for name, entry in files.items():
            run_files.download(
                record.folder, name, entry["bytes"], key=f"{key}.get.{name}", label=name
            )


def show_snippet(snippet: str, locations: Sequence[str]) -> None:
    """Show a report's snippet, without the server's folders."""
    for location in locations:
        path = Path(location)
        snippet = snippet.replace(location, f"{path.parent.name}/{path.name}")
    with st.expander("Compute these numbers again", icon=":material/code:"):
        st.code(snippet, language="python")
