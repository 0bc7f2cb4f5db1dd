"""Which samples are in view, where these are not all: a selection alone, or what filters keep."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.errors import InputError
from pages.frame import errors
from pages.regions.kept import Kept
from pages.tasks.explore import filters, label_strokes
from pages.view import only, session
from pages.view.question import Question
from pages.view.scene import Scene

# With fewer points there is nothing to cluster or embed.
_FEWEST_IN_VIEW = 5


def narrowed(scene: Scene, regions: Kept) -> Scene:
    """Return the scene of the selection that alone is in view, with the way back."""
    question = session.question()
    if not question.only:
        return scene
    try:
        found = only.narrowed(
            scene,
            question,
            lambda drawn: {**regions.panels(drawn), **label_strokes.panels(drawn, scene, regions)},
        )
    except InputError as error:
        text = f":material/warning: {errors.markdown_safe(str(error))} All points are shown."
        found = scene
    else:
        text = (
            f":material/filter_center_focus: **Only a selection is in view: {found.n_in_view:,} of "
            f"{len(scene.latents):,} {scene.points}.** Clusters, embedding and numbers are theirs."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="content")
        st.button(
            "Back to the whole scan" if scene.latents.grid is not None else "Back to all samples",
            key="explore.only.leave",
            icon=":material/undo:",
            on_click=only.leave,
            args=(question,),
        )
    return found


def offer_view_of(scene: Scene, question: Question, mask: NDArray[np.bool_]) -> None:
    """Offer a view of the selection alone; the button has its place also while there is none."""
    n = int((mask & scene.encoded).sum())
    whole = int((scene.inside(question) & scene.encoded).sum())
    st.button(
        f"Only selection {question.active}" + (f" · {n:,}" if n else ""),
        key="explore.only.enter",
        icon=":material/filter_center_focus:",
        disabled=n < _FEWEST_IN_VIEW or n == whole,
        on_click=only.enter,
        args=(question, scene.latents.grid is not None),
        help="Clusters, PCA and UMAP of the selected points alone, until you go back.",
    )


def tell_of_filters(scene: Scene) -> bool:
    """Tell how tables were joined and what filters keep; whether they keep anything."""
    question = session.question()
    filters.show_joins(scene, question)
    if not question.filters:
        return True
    left = int(scene.inside(question).sum())
    named = errors.markdown_safe(filters.filter_text(question.filters))
    if left == 0:
        st.warning(f"No sample is left by {named}. Keep more.", icon=":material/filter_alt:")
        session.write_url()
        return False
    st.caption(
        f":material/filter_alt: **{left:,} of {len(scene.latents):,} samples** are in view: "
        f"{named}. All numbers below are of these; the others are drawn faintly."
    )
    return True


def report_lost_filters(before: Question, after: Question) -> None:
    """Tell of filters that no table in view has a column for any more."""
    lost = [name for name in before.filters if name not in after.filters]
    if lost:
        names = errors.markdown_safe(", ".join(lost))
        st.toast(f"The filter by {names} is gone: no table in view has such a column.")
