"""Samples behind the points: thumbnails, their mean, and one of them large."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from latentcore.analysis.pattern_sheets import (
    evenly_spaced,
    gray_levels,
    pattern_sheet,
    signed_levels,
)
from latentcore.analysis.representatives import Representatives
from latentcore.encoding.reconstruction import Reconstruction
from latentcore.errors import InputError
from latentcore.figures.colors import lut
from pages.access import places
from pages.frame import errors, navigation
from pages.frame.tables import show_table
from pages.panels.array_store import array_store
from pages.scan import loading
from pages.scan.loading import one_sample, samples_word
from pages.tasks.explore import decoder
from pages.view.question import Question
from pages.view.scene import Scene

_THUMBNAILS = 24
_MEAN_OF = 2_000
_SHEET_COLUMNS = 8
_LARGE = 280
_NEIGHBORS = 5


def patterns_url(scene: Scene, sent: Representatives | None, sent_key: str) -> str | None:
    """Return where the browser fetches a point's pattern, None where no patterns are open.

    `sent` are the points that the browser has, None where it has all; `sent_key` changes when they
    do.
    """
    if scene.scan.samples is None or scene.sample_rows is None:
        return None
    place, rows, source = scene.scan.samples, scene.sample_rows, loading.samples(scene.scan.samples)

    def pattern(number: int) -> NDArray[np.generic]:
        places.check_owner(place)  # at each: a share may have ended
        point = number if sent is None else int(sent.all_rows[number])
        row = int(rows[point])
        if row < 0:
            raise IndexError(point)
        found: NDArray[np.generic] = source.read(np.array([row]))[0, 0]
        return found

    key = scene.key if sent is None else f"{scene.key}|{sent_key}"
    return array_store().put_patterns(key, pattern)


def show(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Mapping[str, NDArray[np.bool_]],
) -> None:
    """Show the pinned sample large, and thumbnails and mean of the selections."""
    if scene.sample_rows is None:
        st.info(
            f"No {samples_word(scene.latents.grid)} are open that belong to these latents. Open "
            "them on the Data page.",
            icon=":material/grid_on:",
        )
        return
    if question.pinned is None:
        word = one_sample(scene.latents.grid)
        st.caption(f"Click a point in a panel to see its {word} large.")
    else:
        show_pinned(scene, question, traversal=True)
    chosen = {f"selection {name}": mask for name, mask in masks.items() if mask.any()}
    for title, mask in (chosen or {f"the {scene.region}": inside}).items():
        _selection(scene, title, mask)


def show_pinned(scene: Scene, question: Question, *, traversal: bool = False) -> None:
    """Show the point that was clicked, if any: place, values, pattern, and its neighbors.

    Parameters
    ----------
    traversal : bool
        Show also what the decoder makes of latents beside its own.
    """
    point = question.pinned
    if point is None:
        return
    row = -1 if scene.sample_rows is None else int(scene.sample_rows[point])
    where = errors.markdown_safe(_where(scene, point))
    st.markdown(f"**Point {point:,}**{where}" + (f" · sample {row:,}" if row >= 0 else ""))
    st.caption(errors.markdown_safe(_values(scene, question, point)))
    if row >= 0:
        _pictures_of(scene, question, row, traversal=traversal)
    elif scene.sample_rows is not None:
        st.caption(f"Point {point:,} has no {one_sample(scene.latents.grid)} in the open file.")
    _neighbors(scene, point)
    navigation.link("search", "Search samples like this one", query_params={"like": str(point)})


def _pictures_of(scene: Scene, question: Question, row: int, *, traversal: bool) -> None:
    assert question.pinned is not None
    columns = st.columns(4)
    raw = _read(scene, np.array([row]))[0]
    with columns[0]:
        _image(gray_levels(raw), f"{one_sample(scene.latents.grid)} as recorded")
    try:
        found = decoder.reconstruction(scene, row)
    except InputError as error:
        errors.show(error)
        return
    if found is not None:
        _reconstruction(found, columns[1:])
        if traversal:
            decoder.show_traversal(scene, question, question.pinned)


def _neighbors(scene: Scene, point: int) -> None:
    """Show the samples whose latents are most similar, and where they lie."""
    similar = np.array(scene.similarity(point))
    similar[point] = np.nan
    n = min(_NEIGHBORS, int(np.isfinite(similar).sum()))
    if not n:
        return
    ranked = np.nan_to_num(similar, nan=-np.inf)
    nearest = np.argpartition(-ranked, n - 1)[:n]
    nearest = nearest[np.lexsort((nearest, -ranked[nearest]))]
    st.caption("Most similar by cosine of the latents")
    rows = None if scene.sample_rows is None else scene.sample_rows[nearest]
    if rows is not None and (rows >= 0).all():
        # Read in the file's order, which rows are unique and sorted in.
        there, back = np.unique(rows, return_inverse=True)
        st.image(pattern_sheet(_read(scene, there)[back], columns=n), width="stretch")
    grid = scene.latents.grid
    where = {} if grid is None else {"x": grid.x[nearest], "y": grid.y[nearest]}
    show_table(pd.DataFrame({"point": nearest, **where, "similarity": similar[nearest]}))


def _reconstruction(found: Reconstruction, columns: Sequence[DeltaGenerator]) -> None:
    prepared, made, residual = (
        part[0, 0] for part in (found.prepared, found.reconstructed, found.residual)
    )
    pictures = (
        (gray_levels(prepared), "prepared"),
        (gray_levels(made), "reconstruction"),
        (
            signed_levels(residual, lut("blue-white-red")),
            f"residual, ±{np.abs(residual).max():.2g}; mean square {found.mse[0]:.3g}",
        ),
    )
    for column, (picture, caption) in zip(columns, pictures, strict=True):
        with column:
            _image(picture, caption)


def _selection(scene: Scene, title: str, mask: NDArray[np.bool_]) -> None:
    assert scene.sample_rows is not None
    rows = scene.sample_rows[mask]
    rows = rows[rows >= 0]
    if len(rows) == 0:
        st.caption(f"None of {title} is in the open file.")
        return
    key = hashlib.blake2b(rows.tobytes(), digest_size=12).hexdigest()
    thumbnails, mean, used = _pictures(scene.key, key, scene, rows)
    left, right = st.columns([1, 3])
    word = samples_word(scene.latents.grid)
    with left:
        sampled = "" if used == len(rows) else f" of {used:,}, evenly picked from {len(rows):,}"
        _image(gray_levels(mean), f"mean of {title}{sampled or f', {used:,} {scene.points}'}")
    with right:
        st.image(thumbnails, caption=f"{word} of {title}, evenly picked", width="stretch")


@st.cache_data(max_entries=32, show_spinner="Reading samples …")
def _pictures(
    scene_key: str, rows_key: str, _scene: Scene, _rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64], int]:
    """Return a sheet of thumbnails, the mean pattern, and of how many patterns it is the mean."""
    del scene_key, rows_key  # only part of the cache's key
    rows = np.sort(evenly_spaced(np.sort(_rows), _MEAN_OF))
    patterns = _read(_scene, rows)
    few = evenly_spaced(np.arange(len(rows)), _THUMBNAILS)
    mean = patterns.mean(axis=0, dtype=np.float64)
    return pattern_sheet(patterns[few], columns=_SHEET_COLUMNS), mean, len(rows)


def _read(scene: Scene, rows: NDArray[np.int64]) -> NDArray[np.generic]:
    assert scene.scan.samples is not None
    return loading.samples(scene.scan.samples).read(rows)[:, 0]


def _image(picture: NDArray[np.uint8], caption: str) -> None:
    # Kikuchi patterns are small: enlarge by whole pixels, so that nothing is smoothed away.
    times = max(1, _LARGE // max(picture.shape[:2]))
    large = picture.repeat(times, axis=0).repeat(times, axis=1)
    st.image(large, caption=caption)


def _where(scene: Scene, point: int) -> str:
    grid = scene.latents.grid
    if grid is None:
        return ""
    unit = f" {grid.unit}" if grid.unit else ""
    return f" at x = {grid.x[point]:g}{unit}, y = {grid.y[point]:g}{unit}"


def _values(scene: Scene, question: Question, point: int) -> str:
    assert question.dim is not None
    parts = [f"latent {question.dim} = {scene.latents.dimension(question.dim)[point]:.5g}"]
    for name in scene.maps.names[:8]:
        value = scene.maps.get(name)[point]
        names = scene.maps.categories.get(name, {})
        shown = names.get(int(value), f"{value:g}") if np.isfinite(value) else "–"
        parts.append(f"{name} = {shown}")
    return " · ".join(parts)
