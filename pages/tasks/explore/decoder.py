"""From a pattern through its encoder and back, where the latents come from a run of this server.

Also what a latent dimension means at one point: decoded with that dimension changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.encoders import Decoder, Encoder
from latentcore.encoding.reconstruction import Reconstruction, latent_traversal, reconstruct
from latentcore.errors import InputError
from latentcore.figures.colors import lut
from latentcore.preparation import Preparation, Preparer
from pages.charts.pattern_strip import gray_range, pattern_strip
from pages.forms.denoising_form import denoised_samples
from pages.frame import errors
from pages.jobs.models import lease
from pages.jobs.past_runs import checkpoint_of, run_of_latents
from pages.people.fragments import fragment
from pages.scan import loading
from pages.view.question import Question
from pages.view.scene import Scene

_STEPS = 7
_QUANTILES = (0.02, 0.98)
_LARGE = 280


def reconstruction(scene: Scene, row: int) -> Reconstruction | None:
    """Return what the encoder that made the latents sees in one row of the samples.

    None where that encoder is not known, because no run here made the latents, or has no decoder.
    Raises `InputError` if the checkpoint has vanished or changed its kind.
    """
    return _reconstruction(scene.key, row, scene)


@st.cache_data(max_entries=64, show_spinner=False)
def _reconstruction(key: str, row: int, _scene: Scene) -> Reconstruction | None:
    del key
    with _encoder(_scene) as found:
        if found is None or not isinstance(found[0], Decoder):
            return None
        encoder, folder, run = found
        assert _scene.scan.samples is not None
        background = encoder.static_background
        stored = folder / "static_background.npy"
        if background is None and stored.is_file():
            background = np.load(stored, allow_pickle=False)
        preparation = Preparation.from_dict(_prepared(run))
        source = denoised_samples(_scene.scan.samples, preparation)
        preparer = Preparer(preparation, source.sample_shape, background)
        return reconstruct(encoder, preparer, source.read(np.array([row])))


@st.cache_data(max_entries=256, show_spinner=False)
def _traversal(
    key: str, point: int, dim: int, values: tuple[float, ...], _scene: Scene
) -> NDArray[np.float32] | None:
    del key
    with _encoder(_scene) as found:
        if found is None or not isinstance(found[0], Decoder):
            return None
        latent = _scene.latents.rows(np.array([point]))[0]
        return latent_traversal(found[0], latent, dim, np.array(values, np.float32))[:, 0]


@contextmanager
def _encoder(scene: Scene) -> Iterator[tuple[Encoder, Path, dict[str, Any]] | None]:
    """Lend the encoder that made the latents, with its run; None where it is not known."""
    found = run_of_latents(scene.scan.latents)
    checkpoint = None if found is None else checkpoint_of(*found)
    if found is None or checkpoint is None or scene.scan.samples is None:
        yield None
        return
    folder, run = found
    preparation = Preparation.from_dict(_prepared(run))
    shape = preparation.output_shape(loading.samples(scene.scan.samples).sample_shape)
    with lease(checkpoint, "auto", shape) as encoder:
        yield encoder, folder, run


def _prepared(run: dict[str, Any]) -> Mapping[str, Any]:
    prepared: Mapping[str, Any] = run.get("summary", {}).get("preparation") or {}
    return prepared


# A fragment: moving the slider draws this, not the panels and the clusters.
@fragment
def show_traversal(scene: Scene, question: Question, point: int) -> None:
    """Show an encoded point decoded along the chosen latent dimension."""
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
        strip = _traversal(scene.key, point, place, steps, scene)
        made = _traversal(scene.key, point, place, (float(chosen), own), scene)
    except InputError as error:
        errors.show(error)
        return
    if strip is None or made is None:
        return
    shift = (chosen - own) / (float(np.nanstd(values)) or 1.0)
    _show_decoded(
        made, strip,
        f"decoded at {chosen:.3g}, {shift:+.1f} s.d. from the point's own {own:.3g}",
        f"decoded from {low:.3g} to {high:.3g} in {_STEPS} steps, on one gray scale",
    )  # fmt: skip


def _show_decoded(
    made: NDArray[np.float32], strip: NDArray[np.float32], of_made: str, of_strip: str
) -> None:
    """Show what is decoded at the chosen and the point's own value, and along the dimension."""
    # One gray scale for all: what a dimension does not change must look the same.
    ends = gray_range(strip)
    scale = np.array([ends[:, 0].min(), ends[:, 1].max()])
    left, right = st.columns([1, 3])
    with left:
        st.image(pattern_strip(made[:1], scale, width=_LARGE), caption=of_made)
    with right:
        st.image(pattern_strip(strip, scale), caption=of_strip, width="stretch")
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
