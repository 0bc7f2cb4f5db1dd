"""The model that made latents, among all that this session may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from latentcore.containers import LatentSet
from latentcore.encoders import checkpoint_identity, checkpoint_path
from latentcore.errors import InputError
from pages.access import places
from pages.access.file_versions import file_version
from pages.forms import checkpoints
from pages.jobs.past_runs import own_checkpoint
from pages.scan import demo


class OwnModel(NamedTuple):
    """The model that made some latents.

    Attributes
    ----------
    name : str
        What people call it.
    """

    path: Path
    name: str


def own_model(place: str, latents: LatentSet) -> OwnModel | None:
    """Return the model that made the latents at a place; None where it isn't known.

    It is known by its content: a file's name could be that of another model, and latents that
    somebody uploaded could name any file of the server.
    """
    wanted = _recorded(latents)
    for candidate in _candidates(place):
        if wanted & _identity(file_version(candidate.path), candidate.path):
            return candidate
    return None


def why_none(latents: LatentSet) -> str:
    """Tell why the model that made latents isn't known, and what to do."""
    if not _recorded(latents):
        return "These latents don't say which model made them. Choose it."
    made = _request(latents)
    checkpoint = str(made.get("checkpoint") or "")
    name = "" if not checkpoint else f" ({Path(checkpoint).name})"
    return f"The model that made these latents{name} was not found. Add it, or choose it."


def _candidates(place: str) -> Iterator[OwnModel]:
    own = own_checkpoint(place)
    if own is not None:
        yield OwnModel(own, _name(own))
    for offered in checkpoints.on_offer():
        try:
            yield OwnModel(places.resolve(offered), checkpoints.title(offered))
        except InputError:
            continue  # it has vanished
    yield OwnModel(checkpoint_path(demo.ENCODER), demo.ENCODER)


def _name(path: Path) -> str:
    try:
        return checkpoints.title(places.place_of(path))
    except InputError:
        return demo.ENCODER if path == checkpoint_path(demo.ENCODER) else path.name


def _recorded(latents: LatentSet) -> frozenset[str]:
    """Return what the latents' record says of the content of their model."""
    if latents.provenance is None:
        return frozenset()
    resolved = _request(latents).get("resolved")
    encoder = resolved.get("encoder_fingerprint") if isinstance(resolved, Mapping) else None
    files = [one.fingerprint for one in latents.provenance.inputs if one.role == "checkpoint"]
    return frozenset(str(one) for one in (encoder, *files) if one)


def _request(latents: LatentSet) -> Mapping[str, object]:
    return {} if latents.provenance is None else latents.provenance.request


@st.cache_data(max_entries=512, show_spinner="Looking for the model …")
def _identity(version: str, _path: Path) -> frozenset[str]:
    del version  # only part of the cache's key
    return checkpoint_identity(_path)
