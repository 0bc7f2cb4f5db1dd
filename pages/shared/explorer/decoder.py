"""From a pattern through its encoder and back, where the latents come from a run of this server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from latentcore.artifacts import read_run
from latentcore.encoders import Decoder
from latentcore.encoding.reconstruction import Reconstruction, reconstruct
from latentcore.preparation import Preparation, Preparer
from pages.shared import loading, places
from pages.shared.explorer.scene import Scene
from pages.shared.models import lease

__all__ = ["reconstruction"]


def reconstruction(scene: Scene, row: int) -> Reconstruction | None:
    """Return what the encoder that made the latents sees in one sample.

    Parameters
    ----------
    scene : Scene
    row : int
        Of the sample.

    Returns
    -------
    Reconstruction or None
        None where the latents come from elsewhere, so that their encoder is not at hand, or
        where it has no decoder.

    Raises
    ------
    InputError
        If the checkpoint has vanished or changed its kind.
    """
    return _reconstruction(scene.key, row, scene)


@st.cache_data(max_entries=64, show_spinner=False)
def _reconstruction(key: str, row: int, _scene: Scene) -> Reconstruction | None:
    del key
    found = _run_of(_scene.scan.latents)
    if found is None or _scene.scan.samples is None:
        return None
    folder, run = found
    checkpoint = _checkpoint(folder, run)
    if checkpoint is None:
        return None
    source = loading.samples(_scene.scan.samples)
    preparation = Preparation.from_dict(run["summary"]["preparation"])
    shape = preparation.output_shape(source.sample_shape)
    with lease(checkpoint, "auto", shape) as encoder:
        if not isinstance(encoder, Decoder):
            return None
        background = encoder.static_background
        stored = folder / "static_background.npy"
        if background is None and stored.is_file():
            background = np.load(stored, allow_pickle=False)
        preparer = Preparer(preparation, source.sample_shape, background)
        return reconstruct(encoder, preparer, source.read(np.array([row])))


def _run_of(place: str | None) -> tuple[Path, dict[str, Any]] | None:
    # Only a run of this server's own is believed: an uploaded file could name any checkpoint.
    if place is None or not place.startswith("run:"):
        return None
    folder = places.resolve(place).parent
    run = read_run(folder)
    return None if run is None or run.get("verb") != "extract" else (folder, run)


def _checkpoint(folder: Path, run: dict[str, Any]) -> Path | None:
    own = folder / "model.safetensors"
    if own.is_file():
        return own
    named = [Path(entry["location"]) for entry in run["inputs"] if entry["role"] == "checkpoint"]
    return next((path for path in named if path.exists()), None)
