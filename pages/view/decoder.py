"""From a pattern through its encoder and back, where the latents come from a run of this server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts import read_run
from latentcore.encoders import Decoder, Encoder
from latentcore.encoding.reconstruction import Reconstruction, latent_traversal, reconstruct
from latentcore.preparation import Preparation, Preparer
from pages.access import places
from pages.jobs.models import lease
from pages.scan import loading
from pages.view.scene import Scene

__all__ = ["own_checkpoint", "reconstruction", "traversal"]


def reconstruction(scene: Scene, row: int) -> Reconstruction | None:
    """Return what the encoder that made the latents sees in one sample.

    Parameters
    ----------
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


def traversal(
    scene: Scene, point: int, dim: int, values: tuple[float, ...]
) -> NDArray[np.float32] | None:
    """Return what the encoder's decoder makes of a point, one latent dimension changed.

    Parameters
    ----------
    point : int
        Of the latents.
    dim : int
        Position of the dimension among the latents.
    values : tuple of float, length k
        Of that dimension.

    Returns
    -------
    ndarray of float32, shape (k, H, W), or None
        None where there is no decoder, as in `reconstruction`.

    Raises
    ------
    InputError
        If the checkpoint has vanished, or the latents hold only some of its dimensions.
    """
    return _traversal(scene.key, point, dim, values, scene)


def own_checkpoint(latents: str) -> Path | None:
    """Return the checkpoint that made latents of a run of this server; None for others.

    Parameters
    ----------
    latents : str
        Their place.
    """
    found = _run_of(latents)
    return None if found is None else _checkpoint(*found)


@st.cache_data(max_entries=64, show_spinner=False)
def _reconstruction(key: str, row: int, _scene: Scene) -> Reconstruction | None:
    del key
    with _encoder(_scene) as found:
        if found is None or not isinstance(found[0], Decoder):
            return None
        encoder, folder, run = found
        assert _scene.scan.samples is not None
        source = loading.samples(_scene.scan.samples)
        background = encoder.static_background
        stored = folder / "static_background.npy"
        if background is None and stored.is_file():
            background = np.load(stored, allow_pickle=False)
        preparation = Preparation.from_dict(_prepared(run))
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
        latent = _scene.latents.values[point]
        return latent_traversal(found[0], latent, dim, np.array(values, np.float32))[:, 0]


@contextmanager
def _encoder(scene: Scene) -> Iterator[tuple[Encoder, Path, dict[str, Any]] | None]:
    """Lend the encoder that made the latents, with its run; None where it is not at hand."""
    found = _run_of(scene.scan.latents)
    checkpoint = None if found is None else _checkpoint(*found)
    if found is None or checkpoint is None or scene.scan.samples is None:
        yield None
        return
    folder, run = found
    preparation = Preparation.from_dict(_prepared(run))
    shape = preparation.output_shape(loading.samples(scene.scan.samples).sample_shape)
    with lease(checkpoint, "auto", shape) as encoder:
        yield encoder, folder, run


def _run_of(place: str | None) -> tuple[Path, dict[str, Any]] | None:
    # Only a run of this server's own is believed: an uploaded file could name any checkpoint.
    if place is None or not place.startswith("run:"):
        return None
    folder = places.resolve(place).parent
    run = read_run(folder)
    return None if run is None or run.get("verb") != "extract" else (folder, run)


def _prepared(run: dict[str, Any]) -> Mapping[str, Any]:
    prepared: Mapping[str, Any] = run.get("summary", {}).get("preparation") or {}
    return prepared


def _checkpoint(folder: Path, run: dict[str, Any]) -> Path | None:
    own = folder / "model.safetensors"
    if own.is_file():
        return own
    inputs = run.get("inputs", ())
    named = [Path(entry["location"]) for entry in inputs if entry["role"] == "checkpoint"]
    return next((path for path in named if path.exists()), None)
