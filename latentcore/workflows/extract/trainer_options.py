"""What a nenya training says of its model and samples, as far as ``extract`` uses it."""

from __future__ import annotations

from typing import Any

from latentcore.artifacts import RunFolder
from latentcore.encoders import Encoder
from latentcore.encoders.nenya_options import NenyaOptions
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import Preparation
from latentcore.storage import content_fingerprint, local_path

_USUAL_PARTITIONS = ("train", "valid")


def read_options(location: str | None, folder: RunFolder) -> NenyaOptions | None:
    """Read ``--options``, and note that it was read; None where none was given."""
    if location is None:
        return None
    path = local_path(location)
    folder.add_input(location, "nenya-options", content_fingerprint(path), "options")
    return NenyaOptions.read(path)


def reader_options(options: NenyaOptions | None) -> dict[str, object]:
    """Return the options of a samples reader: the training's partitions, if they are unusual."""
    named = () if options is None else options.partitions
    if {*named} <= {*_USUAL_PARTITIONS}:
        return {}
    return {"partitions": tuple(dict.fromkeys((*named, *_USUAL_PARTITIONS)))}


def options_in_use(given: NenyaOptions | None, encoder: Encoder) -> NenyaOptions | None:
    """Return the options that were given, else those that lie in the checkpoint, if any do."""
    if given is None:
        beside: dict[str, Any] = getattr(encoder, "options", {})
        return _lenient(beside) if beside else None
    architecture: dict[str, Any] = getattr(encoder, "architecture", {})
    if "depth" in architecture:  # what the options name is such a network
        given.refuse_other_model(
            depth=architecture["depth"],
            latent_dim=encoder.latent_dim,
            channels=encoder.input_shape[0],
        )
    return given


def notes_on(options: NenyaOptions | None, preparation: Preparation) -> list[str]:
    """Return what one should know of latents, from how their model was trained."""
    trained_demeaned = options is not None and bool(options.values.get("demean"))
    if not trained_demeaned or preparation.scale != "none":
        return []
    note = (
        "The model was trained on demeaned cutouts, and these were encoded as they are in the "
        "file, as nenya itself does. To demean them give --prepare scale=demean."
    )
    return [note]


def refuse_averaging(
    encoder: Encoder, preparation: Preparation, sample_channels: int, *, asked: bool
) -> None:
    """Refuse to average channels that an encoder takes for separate measurements.

    Parameters
    ----------
    sample_channels : int
        Of the samples as they are in the file.
    asked : bool
        Whether somebody said how many channels there shall be.
    """
    separate = getattr(encoder, "keeps_channels", False)
    if asked or not separate or sample_channels in (1, preparation.channels):
        return
    message = (
        f"The {encoder.name} checkpoint takes {encoder.input_shape[0]} channel(s), but the samples "
        f"have {sample_channels}. One channel is repeated where three are wanted; several are not "
        "averaged unasked: say so with ⟨prepare⟩ channels=1, or give a checkpoint for "
        f"{sample_channels} channels."
    )
    raise ShapeError(message)


def _lenient(beside: dict[str, Any]) -> NenyaOptions:
    """Take the options in a checkpoint as they are where they make no sense: nobody gave them."""
    try:
        return NenyaOptions.parse(beside)
    except RequestError:
        return NenyaOptions(beside)
