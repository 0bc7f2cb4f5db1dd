"""What else is known of an image that was searched for: what it shows, its place, its novelty."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.cutout_statistics import default_crop, statistics_of
from latentcore.analysis.novelty_of_one import novelty_of_one
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.embedding_models import placed_in, stored_model
from latentcore.inputs.encoders import Made, made, refuse_other_encoders

if TYPE_CHECKING:
    from latentcore.workflows.search.queries import Query

_MOST_DRAWN = 20_000


def describe(
    query: Query, latents: LatentSet, into: str | None, folder: RunFolder
) -> tuple[dict[str, Any], list[str]]:
    """Return what the report says of what was searched for, and notes.

    Writes ``place.png`` where an embedding is named.
    """
    said: dict[str, Any] = {}
    notes: list[str] = []
    if into is not None:
        said["place"] = _place(query, latents, into, folder, notes)
    if query.sample is None:
        return said, notes
    if query.sample.dtype.kind == "f" and query.sample.ndim == 3:
        crop = default_crop(*query.sample.shape[-2:])
        measured = statistics_of(query.sample[None], crop)
        said["statistics"] = {name: float(values[0]) for name, values in measured.items()}
        said["statistics"]["crop"] = crop
    if not query.comparable:
        return said, notes
    try:
        said["novelty"] = asdict(novelty_of_one(query.latent, latents))
    except RequestError as error:
        notes.append(f"No novelty: {error}")
    return said, notes


def _place(
    query: Query, latents: LatentSet, into: str, folder: RunFolder, notes: list[str]
) -> dict[str, Any]:
    """Place the sample by the method that made the embedding; draw it among the others."""
    from latentcore.figures.search import place_figure

    model = stored_model(into, folder)
    own = made(latents) if query.encoder is None else Made(made(latents).dims, query.encoder)
    notes += refuse_other_encoders(
        [Made(model.dims, model.encoder), own],
        [f"the embedding of {Path(into).name!r}", "the sample"],
    )
    placed = placed_in(model, np.asarray(query.latent, np.float32)[None])[1]
    around = model.fitted.get("places")
    if around is None:
        encoded = np.flatnonzero(latents.encoded)
        some = np.linspace(0, len(encoded) - 1, min(len(encoded), _MOST_DRAWN)).astype(np.int64)
        around = placed_in(model, latents.rows(encoded[some]))[1]
    folder.write_figure("place.png", place_figure(around, placed[0], title=model.method.upper()))
    return {
        "embedding": into,
        "method": model.method,
        "engine": model.engine,
        **{f"U{axis}": float(value) for axis, value in enumerate(placed[0])},
    }
