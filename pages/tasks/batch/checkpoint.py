"""Which model a batch encodes with, and how it prepares the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.errors import CheckpointError
from latentcore.settings import settings
from pages.access import places
from pages.forms import checkpoints, preparation_form
from pages.frame import errors

_KINDS = ("Trained model", "PCA per file")


def ask_model(key: str, *, fitted: bool) -> dict[str, Any] | None:
    """Ask for the encoder.

    Parameters
    ----------
    fitted : bool
        Whether the verb can fit a PCA.

    Returns
    -------
    dict or None
        ``checkpoint``, and ``prepare`` where it was asked for. None as long as there is none.
    """
    kind = _KINDS[0]
    if fitted:
        kind = st.segmented_control(
            "Encoder", _KINDS, default=_KINDS[0], required=True, key=f"{key}.kind",
            persist_state="session",
        )  # fmt: skip
    if kind == _KINDS[0]:
        return _ask_trained(key)
    return _ask_pca(key)


def refuse_program(path: Path) -> None:
    """Refuse an exported encoder from anywhere but the operator's folder: it would be executed."""
    from latentcore.encoders.programs import program_kind

    models = settings().model_folder
    real = path.resolve()
    if models is not None and real.is_relative_to(models):
        return
    kind = program_kind(real)
    if kind:
        message = (
            f"{path.name!r} is a {kind} program: to encode with it is to run it. "
            "Programs are taken only from the operator's folder (LATENT_MODEL_FOLDER); give "
            "weights, model.safetensors or .pth."
        )
        raise CheckpointError(message)


def _ask_trained(key: str) -> dict[str, Any] | None:
    place = checkpoints.choose_checkpoint(key)
    if place is None:
        return None
    try:
        refuse_program(places.resolve(place))
    except CheckpointError as error:
        errors.show(error)
        return None
    return {"checkpoint": places.location(place)}


def _ask_pca(key: str) -> dict[str, Any] | None:
    from latentcore.workflows.extract.job import FITTED_PREPARATION

    components = st.number_input(
        "Components", 1, 512, 16, 1, key=f"{key}.components", persist_state="session"
    )
    st.info(
        "Each file gets a PCA of its own, so latents of different files can't be compared: "
        "dimension 3 of one is not dimension 3 of another. For latents that can, encode all "
        "files with one trained model; the PCA of an extraction will do.",
        icon=":material/info:",
    )
    recipe = preparation_form.choose_preparation(key, base=FITTED_PREPARATION, own=None)
    if recipe is None:
        return None
    return {"checkpoint": f"pca:{components}", "prepare": recipe.arguments}
