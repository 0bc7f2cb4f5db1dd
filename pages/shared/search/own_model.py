"""The model that made some latents, among those that a session may choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from latentcore.artifacts import file_sha256
from latentcore.artifacts.records import read_record
from latentcore.containers import LatentSet
from latentcore.errors import InputError
from pages.shared import places
from pages.shared.stamps import path_stamp

__all__ = ["own_model"]


def own_model(latents: LatentSet, offered: Sequence[str]) -> str | None:
    """Return the place of the model that made latents, as their record tells; None for others.

    Parameters
    ----------
    latents : LatentSet
    offered : sequence of str
        Places of models.
    """
    if latents.provenance is None:
        return None
    resolved = latents.provenance.request.get("resolved")
    encoder = resolved.get("encoder_fingerprint") if isinstance(resolved, dict) else None
    weights = {
        Path(entry.location).name: entry.fingerprint
        for entry in latents.provenance.inputs
        if entry.role == "checkpoint"
    }
    for place in offered:
        try:
            path = places.resolve(place)
            # Only files of the right name are read whole.
            wanted = weights.get(path.name)
            if wanted and wanted == f"sha256:{_sha256(path_stamp(path), path)}":
                return place
        except (InputError, OSError):
            continue
        if encoder is not None and _recorded_fingerprint(path) == encoder:
            return place
    return None


def _recorded_fingerprint(path: Path) -> object:
    try:
        record = read_record(path.with_suffix(".json"), {})
    except (FileNotFoundError, InputError):
        return None
    told = record.get("encoder")
    return told.get("fingerprint") if isinstance(told, dict) else None


@st.cache_data(max_entries=256, show_spinner=False)
def _sha256(stamp: str, _path: Path) -> str:
    del stamp  # what the cache tells files apart by
    return file_sha256(_path)
