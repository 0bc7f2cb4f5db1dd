"""A model that was asked for, and samples as it takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from latentcore.artifacts import RunFolder, file_sha256
from latentcore.encoders import Encoder, open_checkpoint
from latentcore.errors import CheckpointError, RequestError
from latentcore.inputs.samples import ChosenSamples
from latentcore.preparation import Preparation, Preparer, fit_static_background
from latentcore.progress import Progress


def model_for(
    chosen: ChosenSamples,
    checkpoint: str,
    folder: RunFolder,
    progress: Progress,
    *,
    prepare: Sequence[str] = (),
    resolution: tuple[int, int] | None = None,
    device: str = "auto",
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> tuple[Encoder, Preparer, ChosenSamples]:
    """Open a checkpoint for samples, and note it among the run's inputs.

    Parameters
    ----------
    prepare, resolution
        What overrules the checkpoint's own preparation, as in `preparation_asked`.
    open_model : callable
        As in `latentcore.workflows.extract.verb.extract`.

    Returns
    -------
    tuple of Encoder, Preparer, ChosenSamples
        The samples denoised, where the preparation wants it.

    Raises
    ------
    CheckpointError
        If the file is no model, or it is ``pca:N``.
    ShapeError
        If the prepared samples are not what the encoder takes.
    """
    from latentcore.encoding.extraction import check_fits

    if checkpoint.lower().startswith("pca:"):
        message = (
            f"{checkpoint!r} is no model yet, but one that is still to be fitted. Fit it by "
            "extract, and give the model.safetensors that this writes."
        )
        raise CheckpointError(message)
    note_checkpoint(checkpoint, folder)
    shape = chosen.source.sample_shape
    guess = preparation_asked(prepare, resolution, Preparation()).output_shape(shape)
    encoder = open_model(checkpoint, device=device, input_shape=guess)
    preparation = preparation_asked(prepare, resolution, encoder.preparation or Preparation())
    chosen = chosen.denoised(preparation, progress)
    background = encoder.static_background
    if preparation.background == "static" and background is None:
        background = fit_static_background([(chosen.source, chosen.rows)], preparation, progress)
    preparer = Preparer(preparation, shape, background)
    check_fits(encoder, preparer, chosen.source)
    return encoder, preparer, chosen


def note_checkpoint(checkpoint: str, folder: RunFolder) -> None:
    """Note a checkpoint's file among the run's inputs."""
    from latentcore.encoders.checkpoints import checkpoint_file

    path = checkpoint_file(checkpoint)
    folder.add_input(str(path), "checkpoint", f"sha256:{file_sha256(path)}", "checkpoint")


def preparation_asked(
    prepare: Sequence[str], resolution: tuple[int, int] | None, base: Preparation
) -> Preparation:
    """Return a preparation with what a request overrules: steps, and the size in pixels.

    Raises
    ------
    RequestError
        If a step is unknown, or the resolution contradicts one.
    """
    preparation = Preparation.parse(prepare, base)
    if resolution is None:
        return preparation
    if "size" in _steps(prepare) and preparation.size != resolution:
        height, width = resolution
        message = (
            f"⟨resolution⟩ {height} {width} contradicts the size=… of ⟨prepare⟩. Give one of them."
        )
        raise RequestError(message)
    return replace(preparation, size=resolution)


def reading_size(
    resolution: tuple[int, int] | None, prepare: Sequence[str]
) -> tuple[int, int] | None:
    """Return the size at which pictures and videos are read: the one they are prepared to.

    So their proportions are kept. A crop is about the pixels of the file: with one they are read
    as they are.
    """
    return None if "crop" in _steps(prepare) else resolution


def _steps(prepare: Sequence[str]) -> set[str]:
    return {step.partition("=")[0].strip() for step in prepare}
