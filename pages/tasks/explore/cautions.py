"""What one should know before trusting the clusters in view."""

from __future__ import annotations

import numpy as np
import streamlit as st

from latentcore.analysis.collapse import judged
from pages.frame import errors
from pages.tasks.explore import layout
from pages.view.question import Question
from pages.view.scene import Scene


def warn_of_collapse(scene: Scene, question: Question) -> None:
    """Tell when the chosen dimension hardly spreads; PCA scores have no prior to compare with."""
    assert question.dim is not None
    if not scene.has_prior or np.count_nonzero(scene.encoded) < 2:
        return
    message = judged(scene.spreads[question.dim]).message
    if message:
        with layout.notice("collapse", message) as shown:
            if shown:
                st.warning(errors.markdown_safe(message), icon=":material/compress:")


def report_unpaired(scene: Scene, question: Question) -> None:
    """Tell how many points have a latent but no value of the maps they are clustered with."""
    if not question.maps_clustered:
        return
    paired = np.isfinite([scene.maps.get(name) for name in question.maps_clustered]).all(axis=0)
    wanted = scene.inside(question) & scene.encoded
    missing = int((wanted & ~paired).sum())
    if missing:
        name = errors.markdown_safe(" or ".join(question.maps_clustered))
        where = "the ROI" if scene.latents.grid is not None else "view"
        text = (
            f":material/warning: {missing:,} of {int(wanted.sum()):,} encoded {scene.points} in "
            f"{where} have no {name}: they are in no cluster (−1)."
        )
        with layout.notice("unpaired", text) as shown:
            if shown:
                st.caption(text)
