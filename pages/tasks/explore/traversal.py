"""What a latent dimension means at one point: decode it with that dimension changed."""

from __future__ import annotations

import numpy as np
import streamlit as st

from latentcore.errors import InputError
from latentcore.figures.colors import lut
from pages.charts.pattern_strip import gray_range, pattern_strip
from pages.frame import errors
from pages.view import decoder
from pages.view.question import Question
from pages.view.scene import Scene

__all__ = ["show"]

_STEPS = 7
_QUANTILES = (0.02, 0.98)
_LARGE = 280


# A fragment: moving the slider draws this, not the panels and the clusters.
@st.fragment
def show(scene: Scene, question: Question, point: int) -> None:
    """Show a point decoded along the chosen latent dimension.

    Parameters
    ----------
    point : int
        Of the latents; one that is encoded.
    """
    assert question.dim is not None
    values = scene.latents.dimension(question.dim)
    if not np.isfinite(values[point]):
        return
    place = [int(dim) for dim in scene.latents.dims].index(question.dim)
    own = float(values[point])
    low, high = _range(values[np.isfinite(values)], own)
    st.markdown(f"**Along latent {question.dim}**, the other dimensions left as they are")
    chosen = st.slider(
        f"Value of latent {question.dim}",
        low,
        high,
        own,
        step=(high - low) / 200,
        format="%.3g",
        # A key of its own for each point and dimension: each begins at the point's own value.
        key=f"explore.traversal.{scene.about}.{question.dim}.{point}",
        help="From the 2 % to the 98 % quantile over the scan; it begins at the point's own value.",
    )
    steps = tuple(np.linspace(low, high, _STEPS).tolist())
    try:
        strip = decoder.traversal(scene, point, place, steps)
        made = decoder.traversal(scene, point, place, (float(chosen), own))
    except InputError as error:
        errors.show(error)
        return
    if strip is None or made is None:
        return
    # One gray scale for all: what a dimension does not change must look the same.
    ends = gray_range(strip)
    scale = np.array([ends[:, 0].min(), ends[:, 1].max()])
    left, right = st.columns([1, 3])
    with left:
        shift = (chosen - own) / (float(np.nanstd(values)) or 1.0)
        st.image(
            pattern_strip(made[:1], scale, width=_LARGE),
            caption=f"decoded at {chosen:.3g}, {shift:+.1f} s.d. from the point's own {own:.3g}",
        )
    with right:
        st.image(
            pattern_strip(strip, scale),
            caption=f"decoded from {low:.3g} to {high:.3g} in {_STEPS} steps, on one gray scale",
            width="stretch",
        )
        change = strip - made[1]
        most = float(np.abs(change).max()) or 1.0
        st.image(
            pattern_strip(change, np.array([-most, most]), table=lut("blue-white-red")),
            caption=f"what that changes in the reconstruction, ±{most:.2g}",
            width="stretch",
        )


def _range(values: np.ndarray, own: float) -> tuple[float, float]:
    """Return the slider's ends: they take the point's own value in."""
    low, high = (float(end) for end in np.quantile(values, _QUANTILES))
    low, high = min(low, own), max(high, own)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
