"""One cutout for each cell of the embedding, drawn at its place."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.embedding_places import Gallery, one_per_cell
from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.pattern_sheets import placed_sheet
from latentcore.figures.colors import COLORMAPS, lut
from latentcore.figures.gallery import gallery_figure
from pages.frame.errors import markdown_safe
from pages.scan import loading
from pages.tasks.explore.filters import filter_text
from pages.view import embeddings
from pages.view.embeddings import EmbeddingView
from pages.view.question import Question
from pages.view.scene import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELLS = (4, 24, 12)
_THUMBNAIL = 72
_DPI = 300
_USUAL = "inferno"
_WIDTH = 900
_OWN, _COMMON = "each its own", "one for all"


def show(scene: Scene, question: Question, inside: NDArray[np.bool_]) -> None:
    """Show the gallery over the embedding in view, of the samples in view."""
    view = embeddings.shown_view(scene, question)
    if view is None or scene.sample_rows is None:
        st.info("There is no embedding yet to lay a gallery over.", icon=":material/view_module:")
        return
    cells, cmap, common, seed = _asked()
    keep = inside & (scene.sample_rows >= 0)
    if not keep.any():
        st.info("None of the samples in view is in the open file.", icon=":material/view_module:")
        return
    chosen = one_per_cell(view.coordinates, cells, keep=keep, seed=seed)
    samples = _samples(scene, chosen)
    limits = robust_limits(samples) if common else None
    sheet = placed_sheet(
        samples, np.argwhere(chosen.rows[::-1] >= 0), cells, lut(cmap), limits=limits
    )
    st.image(sheet, width=_WIDTH, alt=f"One sample for each cell of {view.title}")
    occupied = int((chosen.rows >= 0).sum())
    st.caption(_caption(question, view, occupied, cells, int(keep.sum()), seed))
    st.download_button(
        "Gallery as PNG",
        data=lambda: _png(gallery_figure(sheet, chosen, view.labels, cmap=cmap, limits=limits)),
        file_name=f"gallery_{cells}x{cells}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, dpi=_DPI, format="png")
    return content.getvalue()


def _asked() -> tuple[int, str, bool, int]:
    first, second, third, fourth = st.columns([2, 1, 1.4, 1], vertical_alignment="bottom")
    cells = first.slider("Cells along each axis", *_CELLS, key="explore.gallery.cells")
    names = list(COLORMAPS)
    cmap = second.selectbox(
        "Color map", names, index=names.index(_USUAL), key="explore.gallery.cmap"
    )
    scale = third.segmented_control(
        "Color limits", [_OWN, _COMMON], default=_OWN, required=True,
        key="explore.gallery.limits",
        help="Each its own shows the pattern; one for all compares the values.",
    )  # fmt: skip
    seed = fourth.number_input(
        "Seed", 0, 9_999, 0, key="explore.gallery.seed",
        help="Which sample of a cell is drawn.",
    )  # fmt: skip
    return int(cells), cmap, scale == _COMMON, int(seed)


def _caption(
    question: Question, view: EmbeddingView, occupied: int, cells: int, kept: int, seed: int
) -> str:
    kept_by = markdown_safe(filter_text(question.filters))
    filters = f", kept by {kept_by}" if question.filters else ""
    return (
        f"{markdown_safe(view.title)}: {occupied:,} of {cells * cells:,} cells hold one of "
        f"{kept:,} samples{filters}; seed {seed}. The outermost 0.05 % of the points each way are "
        "in no cell."
    )


def _samples(scene: Scene, chosen: Gallery) -> NDArray[np.generic]:
    """Read the chosen samples, from the top left to the bottom right: shape (m, H, W)."""
    assert scene.sample_rows is not None
    upside = chosen.rows[::-1]
    rows = scene.sample_rows[upside[upside >= 0]]
    key = hashlib.blake2b(rows.tobytes(), digest_size=12).hexdigest()
    return _read(scene.key, key, scene, rows)


@st.cache_data(max_entries=8, show_spinner="Reading samples …")
def _read(
    scene_key: str, rows_key: str, _scene: Scene, _rows: NDArray[np.int64]
) -> NDArray[np.generic]:
    del scene_key, rows_key  # only part of the cache's key
    assert _scene.scan.samples is not None
    there, back = np.unique(_rows, return_inverse=True)
    source = loading.samples(_scene.scan.samples)
    blocks = np.array_split(there, max(1, len(there) // _THUMBNAIL))
    images = [_still(source.read(block)) for block in blocks]
    return np.concatenate(images)[back]


def _still(samples: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return one picture of each sample, small: the first channel, of videos the middle frame."""
    first = samples[:, 0] if samples.ndim == 4 else samples[:, 0, samples.shape[2] // 2]
    step = max(1, min(first.shape[1:]) // _THUMBNAIL)
    return first[:, ::step, ::step]
