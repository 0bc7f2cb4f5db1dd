"""The questions of the Extract page: which model, which points, how to go about it."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.containers import Roi, SampleSource, ScanGrid
from latentcore.encoders import Encoder, Pooling
from latentcore.encoders.pooling import POOLINGS
from latentcore.errors import InputError, RequestError
from latentcore.preparation import Preparation
from latentcore.workflows import VERBS
from pages.access import places, uploads
from pages.forms import checkpoints
from pages.forms.preparation_form import Recipe
from pages.frame import errors
from pages.jobs.models import model
from pages.scan import joining, loading
from pages.scan.state import ScanState

PCA, CHECKPOINT = "PCA", "Trained model"
_MOST_COMPONENTS = 512


@dataclass(frozen=True)
class Model:
    """The encoder that was chosen.

    Attributes
    ----------
    checkpoint : str
        As the request wants it: ``pca:N``, or a path.
    own : Preparation or None
        What the model's samples were prepared with.
    base : Preparation
        What is done where nothing else is said.
    background : ndarray of float32, shape (C, H, W), or None
        The static background of the model's own preparation.
    pool : str or None
        How a feature map becomes a vector, where the model gives one.
    rotation : str or None
        Of a PCA's components.
    """

    checkpoint: str
    title: str
    own: Preparation | None
    base: Preparation
    background: NDArray[np.float32] | None = None
    pool: str | None = None
    rotation: str | None = None


@dataclass(frozen=True)
class Points:
    """Which samples are encoded.

    Attributes
    ----------
    rows : ndarray of int64
        All of them, for the preview and the count.
    roi_rows : ndarray of int64 or None
        Those inside the ROI, where there is one.
    keep_above : tuple of (str, float) or None
        As the request wants it.
    roi : tuple of float or None
        The ROI's bounds x0, x1, y0, y1.
    """

    rows: NDArray[np.int64]
    roi_rows: NDArray[np.int64] | None = None
    keep_above: tuple[str, float] | None = None
    roi: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Execution:
    """How to go about it; of no influence on the latents.

    Attributes
    ----------
    cutouts : bool
        Whether ΔT, mean, spread and range of each sample are written as well.
    """

    device: str = "auto"
    batch_size: int | None = None
    cutouts: bool = False


def choose_model(key: str, source: SampleSource) -> Model | None:
    """Ask for the encoder; None as long as there is none that can be used, with the reason."""
    kind = st.segmented_control(
        "Encoder",
        (PCA, CHECKPOINT),
        default=PCA,
        required=True,
        key=f"{key}.kind",
        persist_state="session",
    )
    if kind == PCA:
        return _pca(key, source)
    place = checkpoints.choose_checkpoint(key)
    return None if place is None else _checkpoint(key, place, source)


def choose_points(
    key: str,
    scan: ScanState,
    source: SampleSource,
    *,
    left_out: str = "The others get no latent (NaN).",
) -> Points | None:
    """Ask which points are worked on; None where none is left, with the reason.

    Parameters
    ----------
    left_out : str
        What happens to those below the threshold.
    """
    try:
        roi = ask_roi(key, source.grid)
        roi_rows = None if roi is None else _inside(roi, source)
        keep_above, kept = _ask_threshold(key, scan, source, left_out)
    except InputError as error:
        errors.show(error)
        return None
    inside = np.ones(len(source), np.bool_)
    if roi_rows is not None:
        inside[:] = False
        inside[roi_rows] = True
    rows = np.flatnonzero(inside & kept).astype(np.int64)
    if len(rows) == 0:
        errors.show(
            RequestError(
                "No point lies in the ROI and above the threshold. Widen one of them: the "
                "threshold is set on the Data page."
            )
        )
        return None
    share = 100 * len(rows) / len(source)
    st.caption(f"**{len(rows):,}** of {len(source):,} samples ({share:.4g} %)")
    return Points(rows, roi_rows, keep_above, roi)


def choose_execution(key: str, source: SampleSource) -> Execution:
    """Ask for device and batch size, which choose themselves well, and what else is written."""
    cutouts = _measurable(source) and st.toggle(
        "Measure ΔT of each cutout as well",
        value=True,
        key=f"{key}.cutouts",
        help="90th − 10th percentile of the central crop, mean, spread and range of each: a table "
        "beside the latents, to color and filter them by on the Explore page.",
        persist_state="session",
    )
    with st.expander("Device and batch size", icon=":material/speed:"):
        device = choose_device(key)
        batch_size = st.number_input(
            "Batch size",
            min_value=1,
            value=None,
            step=64,
            placeholder="chosen from the free memory",
            key=f"{key}.batch",
            help="Samples read at once. It halves by itself when memory runs out, and never "
            "changes a latent.",
            persist_state="session",
        )
    return Execution(device, batch_size, cutouts)


def _measurable(source: SampleSource) -> bool:
    """Tell whether samples are fields of a quantity, such as temperatures, off any scan grid."""
    return source.grid is None and source.dtype.kind == "f" and len(source.sample_shape) == 3


def choose_device(key: str) -> str:
    """Ask for the device."""
    return st.selectbox(
        "Device",
        ("auto", "cpu", "cuda", "mps"),
        format_func=lambda name: f"auto ({_fastest_device()})" if name == "auto" else name,
        key=f"{key}.device",
        help="Auto takes the fastest that this server has.",
        persist_state="session",
    )


def request(
    scan: ScanState, chosen: Model, recipe: Recipe, points: Points, execution: Execution
) -> object:
    """Return the request of the verb ``extract``."""
    assert scan.samples is not None
    return VERBS.get("extract").request(
        location=(places.location(scan.samples),),
        checkpoint=chosen.checkpoint,
        pool=chosen.pool,
        rotation=chosen.rotation,
        prepare=recipe.arguments,
        rows=None if points.roi_rows is None else _stored_rows(points.roi_rows),
        keep_above=points.keep_above,
        batch_size=execution.batch_size,
        device=execution.device,
        cutouts=execution.cutouts,
    )


@st.cache_data(show_spinner=False)
def _fastest_device() -> str:
    """Return what the device ``auto`` means on this server."""
    from latentcore.encoders.device import resolve_device

    return str(resolve_device("auto"))


def _pca(key: str, source: SampleSource) -> Model:
    from latentcore.workflows.extract.job import FITTED_PREPARATION

    most = min(_MOST_COMPONENTS, int(np.prod(source.sample_shape)), len(source))
    components = st.number_input(
        "Components",
        min_value=1,
        max_value=most,
        value=min(30, most),
        step=1,
        key=f"{key}.components",
        help="Latent dimensions. The PCA is fitted on the chosen points of this scan; no "
        "training, the same numbers in every run.",
        persist_state="session",
    )
    turned = st.toggle(
        "Rotate the components (VARIMAX)",
        key=f"{key}.varimax",
        help="Turns them among themselves so that each pattern lies along few of them: a component "
        "looks like a pattern of the scan, and its map like a grain. Distances between latents "
        "stay as they are.",
        persist_state="session",
    )
    title = f"PCA {components}{', rotated' if turned else ''}"
    rotation = "varimax" if turned else None
    return Model(f"pca:{components}", title, None, FITTED_PREPARATION, rotation=rotation)


def _checkpoint(key: str, place: str, source: SampleSource) -> Model | None:
    field = f"{key}.size.{place}"
    typed = st.session_state.get(field, "")
    found = None
    try:
        found = _loaded(key, place, source, _size(typed))
    except InputError as error:
        errors.show(error, places.label(place))
    if found is None or typed:
        # Bare weights don't say for which size of pattern they were made.
        st.text_input(
            "Size of pattern that the model takes (H W)",
            key=field,
            placeholder="as the samples are",
            help="The samples are resized to it. Needed for weights without a record, where the "
            "model was made for another size than this scan has.",
            persist_state="session",
        )
    return found


def _loaded(key: str, place: str, source: SampleSource, size: tuple[int, int] | None) -> Model:
    path = str(places.resolve(place))
    frames = source.sample_shape[1:-2]
    shape = source.sample_shape if size is None else (1, *frames, *size)
    with st.spinner("Loading the model …"):
        encoder = model(path, "auto", shape)
    pool = _ask_pool(key, encoder)
    if pool is not None:
        assert isinstance(encoder, Pooling)
        encoder = encoder.pooled(pool)
    st.caption(_facts(encoder))
    base = encoder.preparation or Preparation()
    own = encoder.preparation if size is None else replace(base, size=size)
    name = checkpoints.short_title(place)
    return Model(path, name, own, base, encoder.static_background, pool)


def _ask_pool(key: str, encoder: Encoder) -> str | None:
    if not isinstance(encoder, Pooling) or len(encoder.feature_shape) == 1:
        return None
    return st.segmented_control(
        "Pooling",
        POOLINGS,
        default=encoder.pool,
        required=True,
        key=f"{key}.pool",
        help="How the feature map of each sample becomes a vector: by its mean or maximum over "
        "all places, by those of each time of a clip (mean_hw_keep_t, max_hw_keep_t), or as it is, "
        "value after value.",
        persist_state="session",
    )


def _size(typed: str) -> tuple[int, int] | None:
    words = typed.replace(",", " ").replace("x", " ").replace("×", " ").split()
    if not words:
        return None
    if len(words) != 2 or not all(word.isdecimal() and int(word) > 0 for word in words):
        message = f"{typed!r} is no size of pattern. Write height and width, for example 30 30."
        raise RequestError(message)
    return int(words[0]), int(words[1])


def _facts(encoder: Encoder) -> str:
    takes = " × ".join(map(str, encoder.input_shape))
    gives = ""
    if isinstance(encoder, Pooling):
        gives = f" · gives {' × '.join(map(str, encoder.feature_shape))}"
    return errors.markdown_safe(
        f"{encoder.name} · {encoder.latent_dim} latent dimensions · takes {takes}{gives} · "
        f"on {encoder.device}"
    )


def ask_roi(key: str, grid: ScanGrid | None) -> tuple[float, ...] | None:
    """Ask whether all points are meant, or those of a ROI."""
    if grid is None:
        return None
    where = st.segmented_control(
        "Points",
        ("Whole scan", "ROI"),
        default="Whole scan",
        required=True,
        key=f"{key}.where",
        persist_state="session",
    )
    if where != "ROI":
        return None
    bounds = []
    for axis, (low, high) in (("x", grid.x_range), ("y", grid.y_range)):
        for column, end, value in zip(st.columns(2), ("from", "below"), (low, high), strict=True):
            bounds.append(
                column.number_input(
                    f"{axis} {end}",
                    value=float(value),
                    format="%g",
                    key=f"{key}.roi.{axis}.{end}.{low:g}.{high:g}",
                    persist_state="session",
                )
            )
    return tuple(bounds)


def _inside(roi: tuple[float, ...], source: SampleSource) -> NDArray[np.int64]:
    assert source.grid is not None
    return np.flatnonzero(Roi.from_bounds(roi).mask(source.grid)).astype(np.int64)


def _ask_threshold(
    key: str, scan: ScanState, source: SampleSource, left_out: str
) -> tuple[tuple[str, float] | None, NDArray[np.bool_]]:
    everything = np.ones(len(source), np.bool_)
    if source.grid is None:
        return None, everything
    if scan.keep is None:
        st.caption("No threshold is set; the Data page can leave points of poor quality out.")
        return None, everything
    name, threshold = scan.keep
    if not st.toggle(
        f"Only where {errors.markdown_safe(name)} > {threshold:g}",
        value=True,
        key=f"{key}.keep",
        help=f"The threshold of the Data page. {left_out}",
        persist_state="session",
    ):
        return None, everything
    joined = joining.joined_maps(scan.maps, loading.grid_key(scan), source.grid)
    return joining.keep_above(scan, joined), joining.kept(scan, joined, len(source))


def _stored_rows(rows: NDArray[np.int64]) -> str:
    """Store the rows of a ROI where the job, and whoever repeats it, finds them."""
    content = io.BytesIO()
    np.save(content, rows)
    content.name = "roi_rows.npy"
    return str(places.resolve(uploads.store_upload(content)))
