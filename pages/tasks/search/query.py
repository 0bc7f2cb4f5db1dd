"""What is searched for: a point, a row, or an uploaded sample."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import comparable
from latentcore.analysis.similarity import METRICS
from latentcore.containers import LatentSet
from latentcore.encoding.one_sample import EncodedSample, encode_like
from latentcore.errors import InputError, RequestError
from latentcore.readers.one_sample import PICTURES, read_one_sample
from latentcore.settings import settings
from latentcore.storage import content_fingerprint
from latentcore.workflows.search.verb import row_at
from pages.access import places, uploads
from pages.forms import checkpoints
from pages.frame import errors
from pages.jobs.models import model
from pages.scan import loading
from pages.tasks.search.own_model import own_model, why_none

# The row that is searched for; in the URL, so that a result can be sent to a colleague.
LIKE = "like"
# A selection holds as many strokes as this, and one row may need one.
MOST = 200

_WAYS = {
    "point": ":material/my_location: Point",
    "row": ":material/tag: Row",
    "image": ":material/image: Image",
}
_METRICS = {"cosine": "Cosine (angle)", "euclidean": "Euclidean (distance)"}
_ARRAYS = (".npy", ".h5", ".hdf5")


@dataclass(frozen=True, eq=False)
class Query:
    """What is searched for, and how.

    Attributes
    ----------
    latent : ndarray, shape (d,)
    row : int or None
        Its row among the latents; None for an uploaded sample.
    across : bool
        Whether k are wanted of each partition, such as of each scan of a collection.
    sample : ndarray, shape (C, H, W), or None
        The uploaded sample.
    comparable : bool
        Whether an uploaded sample was encoded as the others were.
    request : dict
        What the verb ``search`` is to be asked for the same.
    """

    latent: NDArray[np.floating]
    k: int
    metric: Any
    row: int | None = None
    across: bool = False
    sample: NDArray[np.generic] | None = None
    comparable: bool = True
    request: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Text that changes when the query's latent or the metric does."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.latent).data, digest_size=12)
        return f"{self.metric}|{digest.hexdigest()}"


def ask(place: str, latents: LatentSet) -> Query | None:
    """Ask what to search for in the latents at a place; None while something is missing."""
    ways = [way for way in _WAYS if way != "point" or latents.grid is not None]
    way = st.segmented_control(
        "Search for", ways, format_func=lambda name: _WAYS[name], default=ways[0], required=True,
        key=f"search.way.{ways[0]}", persist_state="session",
    )  # fmt: skip
    if way == "image":
        found = _image(place, latents)
    else:
        found = _row(loading.version(place), latents, by_place=way == "point")
    parts = comparable(latents.partition)
    across = parts is not None and st.toggle(
        "Of each scan", key="search.across", persist_state="session",
        help="The most similar samples of each scan of the collection, or other partition.",
    )  # fmt: skip
    most = MOST // len(parts.names) if parts is not None and across else MOST
    k = st.number_input(
        "Neighbors", 1, most, min(11, most), persist_state="session",
        key="search.k" if most == MOST else f"search.k.{most}",
        help="How many of the most similar samples to show.",
    )  # fmt: skip
    metric = st.segmented_control(
        "Similar by", METRICS, format_func=lambda name: _METRICS[name], default="cosine",
        required=True, key="search.metric", persist_state="session",
        help="Cosine compares directions only; Euclidean also how far from zero a latent lies.",
    )  # fmt: skip
    if found is None:
        return None
    return Query(k=int(k), metric=metric, across=across, **found)


def _row(about: str, latents: LatentSet, *, by_place: bool) -> dict[str, Any] | None:
    row = _asked_row(about, latents)
    try:
        row = _by_place(about, latents, row) if by_place else _by_number(latents, row)
    except InputError as error:
        errors.show(error)
        return None
    _remember(about, row)
    latent = latents.rows(np.array([row]))[0]
    if not np.isfinite(latent).all():
        message = (
            f"The sample in row {row} has no latent: it was left out when the others were "
            "encoded. Choose another."
        )
        errors.show(RequestError(message))
        return None
    st.caption(_named(latents, row))
    return {"latent": latent, "row": row, "request": {"row": row}}


def _by_place(about: str, latents: LatentSet, row: int) -> int:
    grid = latents.grid
    assert grid is not None
    unit = f" ({errors.markdown_safe(grid.unit)})" if grid.unit else ""
    st.session_state["search.x"], st.session_state["search.y"] = (
        float(grid.x[row]),
        float(grid.y[row]),
    )
    left, right = st.columns(2)
    for column, axis, step in zip((left, right), "xy", grid.step, strict=True):
        column.number_input(
            f"{axis}{unit}", key=f"search.{axis}", step=step, format="%g", on_change=_adopt_place,
            args=(about, latents),
        )  # fmt: skip
    problem = st.session_state.pop("search.problem", None)
    if problem:
        errors.show(RequestError(problem))
    return row


def _adopt_place(about: str, latents: LatentSet) -> None:
    place = st.session_state["search.x"], st.session_state["search.y"]
    try:
        _remember(about, row_at(latents, place))
    except InputError as error:
        st.session_state["search.problem"] = str(error)


def _by_number(latents: LatentSet, row: int) -> int:
    return int(
        st.number_input("Row, counted from 0", 0, len(latents) - 1, row, key=f"search.row.{row}")
    )


def _asked_row(about: str, latents: LatentSet) -> int:
    """Return the row that the URL or the session names, else one in the middle of the scan."""
    known_about, known = st.session_state.get(LIKE, (about, ""))
    named = st.query_params.get(LIKE, str(known))
    if known_about != about and named == str(known):
        named = ""  # it was asked of other latents
    row = int(named) if named.isdecimal() and len(named) < 12 else -1
    if 0 <= row < len(latents):
        return row
    encoded = np.flatnonzero(latents.encoded)
    if len(encoded) == 0:
        return 0
    if latents.grid is None:
        return int(encoded[0])
    x, y = latents.grid.x[encoded], latents.grid.y[encoded]
    return int(encoded[np.argmin(np.hypot(x - np.median(x), y - np.median(y)))])


def _remember(about: str, row: int) -> None:
    st.session_state[LIKE] = (about, row)
    if st.query_params.get(LIKE) != str(row):
        st.query_params[LIKE] = str(row)


def _named(latents: LatentSet, row: int) -> str:
    parts = [f"row {row:,}"]
    sample = str(latents.ids_of(np.array([row]))[0])
    if sample != str(row):
        parts.append(errors.markdown_safe(sample))
    if latents.labels is not None:
        parts.append(f"label {latents.labels[row]:d}")
    return " · ".join(parts)


def _image(place: str, latents: LatentSet) -> dict[str, Any] | None:
    file = st.file_uploader(
        "Sample",
        type=[suffix.removeprefix(".") for suffix in (*PICTURES, *_ARRAYS)],
        max_upload_size=settings().max_upload_mb,
        key="search.image",
        help="A picture, an .npy of one sample, or an HDF5 file of samples.",
    )
    weights = _weights(place, latents)
    if file is None or weights is None:
        st.caption("Give a sample, and the model that made the latents.")
        return None
    try:
        path = places.resolve(uploads.store_upload(file))
        row = _image_row() if path.suffix.lower() in _ARRAYS[1:] else None
        sample = read_one_sample(str(path), row)
        found = _encoded(
            f"{content_fingerprint(path)}|{row}|{content_fingerprint(weights)}",
            latents.fingerprint,
            latents,
            sample,
            str(weights),
        )
    except InputError as error:
        errors.show(error)
        return None
    return {
        "latent": found.latent,
        "sample": sample,
        "request": {"image": str(path), "image_row": row, "checkpoint": str(weights)},
        "comparable": found.comparable,
        "notes": found.notes,
    }


def _image_row() -> int:
    return int(st.number_input("Row in the file, counted from 0", 0, value=0, key="search.at"))


def _weights(place: str, latents: LatentSet) -> Path | None:
    """Return the model that made the latents, or, where it isn't known, one that is chosen."""
    own = own_model(place, latents)
    if own is not None:
        name = errors.markdown_safe(own.name)
        st.caption(f":material/check: The model that made these latents was found: {name}.")
        return own.path
    st.caption(f":material/help: {errors.markdown_safe(why_none(latents))}")
    chosen = checkpoints.choose_checkpoint(f"search.{place}", first=False)
    return None if chosen is None else places.resolve(chosen)


@st.cache_resource(max_entries=16, show_spinner="Encoding …")
def _encoded(
    key: str, about: str, _latents: LatentSet, _sample: NDArray[np.generic], _checkpoint: str
) -> EncodedSample:
    del key, about  # only part of the cache's key
    return encode_like(_latents, _sample, _checkpoint, open_model=model)
