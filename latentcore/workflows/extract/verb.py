"""``extract``: samples → latents, by a trained encoder or by a PCA fitted on the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from latentcore.artifacts import RunFolder, read_run
from latentcore.artifacts.latents_hdf5 import latents_name
from latentcore.encoders import Encoder, feature_record, open_checkpoint
from latentcore.errors import InputError, RequestError
from latentcore.inputs.kept import Kept
from latentcore.inputs.models import note_checkpoint, reading_size
from latentcore.inputs.samples import Choice, choose_samples
from latentcore.progress import Progress
from latentcore.requests.question import changes
from latentcore.requests.verbs import verb
from latentcore.workflows.extract.by_options import completed, first_batches
from latentcore.workflows.extract.damaged import refuse_all_damaged
from latentcore.workflows.extract.job import ExtractionJob, is_fitted
from latentcore.workflows.extract.request import ExtractRequest
from latentcore.workflows.extract.trainer_options import (
    notes_on,
    options_in_use,
    read_options,
    reader_options,
)

__all__ = ["ExtractRequest", "extract"]


@verb("extract", "Encode samples into latents.", ExtractRequest, pool="thread")
def extract(
    request: ExtractRequest,
    folder: RunFolder,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> dict[str, Any]:
    """Extract the latents of one file or several.

    Parameters
    ----------
    folder : RunFolder
        Gets ``<input stem>_latents.h5`` for each input; ``model.safetensors`` and ``model.json``
        for a PCA that was fitted; ``static_background.npy`` where a mean pattern was fitted for
        another encoder; ``<input stem>_cutouts.parquet`` where that was asked for;
        ``features.pt`` for pictures and videos, and ``<input stem>_damaged.csv`` (sample_id,
        reason) where some are damaged: these have no latent.
    open_model : callable
        ``open_model(checkpoint, device=…, input_shape=…) → Encoder``; a server lends one that
        answers with a model that is loaded already.

    Returns
    -------
    dict
        ``skipped`` (true where `folder` held the answer already), ``encoder, latent_dim, device,
        preparation, n, n_encoded, n_damaged``, ``explained_variance`` for a fitted PCA,
        ``feature_shape`` and ``pool`` where there is a feature map, ``options`` of the training
        where they are known, and in ``latents`` for each file written ``n, n_encoded, n_left_out,
        n_not_finite, n_damaged, n_constant, resumed_rows, rate`` (samples/s), ``seconds,
        batch_size, tile, halvings``, ``denoising`` (λ and noise) where patterns were averaged with
        their neighbors, ``damaged`` (a table's name) where there are any, and
        ``cutouts`` with ``table, crop, percentiles``; ``notes`` on what one should know of the
        latents.
    """
    asked, options = request, read_options(request.options, folder)
    request = completed(asked, options)
    _refuse_ambiguous(request)
    choice = Choice(request.partition, request.rows, Kept.asked(request))
    for_reader = reader_options(options)
    with ExitStack() as opened:
        chosen = [
            choose_samples(
                location,
                choice,
                folder,
                opened,
                reader=request.reader,
                options=for_reader,
                size=reading_size(request.resolution, request.prepare),
                skip_damaged=not request.strict,
            )
            for location in request.location
        ]
        if not is_fitted(request):
            note_checkpoint(request.checkpoint, folder)
        finished = _finished_before(asked, folder)
        if finished is not None:
            return finished
        if request.debug:
            chosen = [first_batches(one, request, options) for one in chosen]
        job = ExtractionJob(request, chosen, folder, progress)
        try:
            job, encoder, preparer = job.with_model(open_model)
        except InputError:
            for one in chosen:
                refuse_all_damaged(one)
            raise
        job = replace(job, trained=options_in_use(options, encoder))
        files = {
            latents_name(one.location): job.encode(one, encoder, preparer) for one in job.chosen
        }
    return {
        "skipped": False,
        "encoder": encoder.name,
        "latent_dim": encoder.latent_dim,
        "device": encoder.device,
        "preparation": preparer.preparation.to_dict(),
        **_explained(encoder),
        **feature_record(encoder),
        **job.options_record,
        "n": sum(entry["n"] for entry in files.values()),
        "n_encoded": sum(entry["n_encoded"] for entry in files.values()),
        "n_damaged": sum(entry["n_damaged"] for entry in files.values()),
        "latents": files,
        "notes": [
            *job.notes,
            *notes_on(job.trained, preparer.preparation),
            *_notes_on_fit(request),
        ],
    }


def _refuse_ambiguous(request: ExtractRequest) -> None:
    counts = Counter(latents_name(location) for location in request.location)
    name, count = counts.most_common(1)[0]
    if count > 1:
        twice = ", ".join(repr(one) for one in request.location if latents_name(one) == name)
        message = (
            f"{count} inputs would all write {name!r}: {twice}. Rename one of them, or extract "
            "them one by one into folders of their own."
        )
        raise RequestError(message)
    if request.rotation is not None and not is_fitted(request):
        message = (
            f"⟨rotation⟩ {request.rotation} turns the components of a PCA that is fitted, but the "
            f"checkpoint is {request.checkpoint!r}. Give pca:N, or leave it out."
        )
        raise RequestError(message)
    if request.rows is not None and len(request.location) > 1:
        message = (
            f"⟨rows⟩ {request.rows!r} names rows of one file, but {len(request.location)} are to "
            "be encoded. Extract them one by one."
        )
        raise RequestError(message)
    if request.batch_size is not None and request.batch_size < 1:
        message = f"⟨batch_size⟩ {request.batch_size} makes no progress. Give at least 1."
        raise RequestError(message)


def _notes_on_fit(request: ExtractRequest) -> list[str]:
    if not is_fitted(request):
        return []
    note = (
        f"{request.checkpoint} was fitted on these samples alone: its dimensions are not those of "
        "another fit. For latents that can be compared, encode all with the model.safetensors of "
        "one fit, or fit one PCA on all files together."
    )
    return [note]


def _finished_before(request: ExtractRequest, folder: RunFolder) -> dict[str, Any] | None:
    """Return the summary of a finished run that asked the same, or None where there is none."""
    record = read_run(folder.out)
    if record is None or request.clobber:
        return None
    other = changes("extract", request, folder.inputs, record)
    if other or record.get("verb") != folder.verb:
        message = (
            f"{str(folder.out)!r} holds a finished run of {record.get('verb')!r} that was asked "
            f"something else (other {', '.join(other) or 'verb'}). "
            "Give another ⟨out⟩, or ⟨clobber⟩ to replace it."
        )
        raise RequestError(message)
    if request.strict and record["summary"].get("n_damaged"):
        return None
    folder.keep_finished(record)
    return {**record["summary"], "skipped": True}


def _explained(encoder: Encoder) -> dict[str, float]:
    ratio = getattr(encoder, "explained_variance_ratio", None)
    return {} if ratio is None else {"explained_variance": float(ratio.sum())}
