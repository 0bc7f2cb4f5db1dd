"""What is searched for: a row, a point, or an image, as a latent vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, ScanGrid, match_rows
from latentcore.encoders import Encoder
from latentcore.encoding.one_sample import encode_like
from latentcore.errors import RequestError
from latentcore.inputs.models import note_checkpoint
from latentcore.readers.one_sample import read_one_sample
from latentcore.storage import content_fingerprint, local_path
from latentcore.workflows.search.request import SearchRequest


@dataclass(frozen=True, eq=False)
class Query:
    """What is searched for.

    Attributes
    ----------
    latent : ndarray of float32, shape (d,)
    record : Mapping
        What the report says of it.
    row : int or None
        Its row among the latents; None for an image.
    sample : ndarray, shape (C, H, W), or None
        The image.
    encoder : str or None
        Fingerprint of the encoder of the image.
    comparable : bool
        Whether the image was encoded as the others were.
    notes : tuple of str
        What one should know before trusting the result.
    """

    latent: NDArray[np.float32]
    record: Mapping[str, object]
    row: int | None = None
    sample: NDArray[np.generic] | None = None
    encoder: str | None = None
    comparable: bool = True
    notes: tuple[str, ...] = ()


def query_of(
    request: SearchRequest,
    latents: LatentSet,
    folder: RunFolder,
    open_model: Callable[..., Encoder],
) -> Query:
    """Return what a search request names."""
    if request.row is not None:
        return _row_query(latents, request.row)
    if request.xy is not None:
        return _row_query(latents, row_at(latents, request.xy))
    assert request.image is not None
    assert request.checkpoint is not None
    folder.add_input(
        request.image, "one-sample", content_fingerprint(local_path(request.image)), "query"
    )
    note_checkpoint(request.checkpoint, folder)
    sample = read_one_sample(request.image, request.image_row)
    found = encode_like(
        latents, sample, request.checkpoint, device=request.device, open_model=open_model
    )
    record = {
        "kind": "image",
        "image": request.image,
        "image_row": request.image_row,
        "encoder": found.encoder,
        "encoder_fingerprint": found.encoder_fingerprint,
    }
    return Query(
        found.latent, record, sample=sample, encoder=found.encoder_fingerprint,
        comparable=found.comparable, notes=found.notes,
    )  # fmt: skip


def row_at(latents: LatentSet, xy: tuple[float, ...]) -> int:
    """Return the row of the sample at (x, y)."""
    grid = latents.grid
    x, y = xy
    if grid is None:
        message = (
            "The latents have no coordinates, so no point can be named: give ⟨row⟩, or ⟨coords⟩."
        )
        raise RequestError(message)
    place = np.array([x], np.float64), np.array([y], np.float64)
    zero = np.zeros(1, np.int32)
    row = int(match_rows(ScanGrid((1, 1), zero, zero, *place, grid.step), grid)[0])
    if row < 0:
        steps = np.hypot((grid.x - x) / grid.step[0], (grid.y - y) / grid.step[1])
        near = int(np.argmin(steps))
        message = (
            f"There is no sample at x = {x:g}, y = {y:g}. The nearest is at x = "
            f"{grid.x[near]:g}, y = {grid.y[near]:g} (row {near}); the scan covers x "
            f"{grid.x.min():g} to {grid.x.max():g} and y {grid.y.min():g} to {grid.y.max():g}."
        )
        raise RequestError(message)
    return row


def _row_query(latents: LatentSet, row: int) -> Query:
    if not 0 <= row < len(latents):
        message = f"Row {row} was asked for, but the latents have rows 0 to {len(latents) - 1}."
        raise RequestError(message)
    latent = latents.rows(np.array([row]))[0]
    if not np.isfinite(latent).all():
        message = (
            f"The sample in row {row} has no latent: it was left out when the others were "
            "encoded. Search for another."
        )
        raise RequestError(message)
    record: dict[str, object] = {
        "kind": "row",
        "row": row,
        "sample_id": str(latents.ids_of(np.array([row]))[0]),
    }
    if latents.grid is not None:
        record |= {"x": float(latents.grid.x[row]), "y": float(latents.grid.y[row])}
    return Query(latent, record, row)
