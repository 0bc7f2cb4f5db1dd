"""``extract``: samples → latents, by a trained encoder or by a PCA fitted on the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.artifacts import RunFolder, read_run
from latentcore.artifacts.latents_hdf5 import latents_name, write_latents
from latentcore.containers import LatentSet, Provenance, partitions_of
from latentcore.encoders import Encoder, feature_record, open_checkpoint, with_pooling
from latentcore.encoding.denoised import denoising_record
from latentcore.errors import InputError, RequestError
from latentcore.inputs.kept import Kept
from latentcore.inputs.models import note_checkpoint, preparation_asked, reading_size
from latentcore.inputs.samples import Choice, ChosenSamples, choose_samples
from latentcore.preparation import Preparation, Preparer, fit_static_background
from latentcore.progress import Progress
from latentcore.readers.media.files import none_readable
from latentcore.requests.question import changes, work_digest
from latentcore.requests.verbs import as_plain, verb
from latentcore.workflows.extract.by_options import completed, first_batches
from latentcore.workflows.extract.cutout_table import write_cutout_table
from latentcore.workflows.extract.damaged import note_on_damaged, refuse_all_damaged, write_damaged
from latentcore.workflows.extract.seed_names import write_seed_names
from latentcore.workflows.extract.trainer_options import (
    notes_on,
    options_in_use,
    read_options,
    reader_options,
    refuse_averaging,
)

if TYPE_CHECKING:
    from latentcore.encoders.nenya_options import NenyaOptions
    from latentcore.encoders.pca import PcaEncoder, PcaRecipe
    from latentcore.encoding.extraction import Extraction

from latentcore.workflows.extract.features import features_name, write_torch
from latentcore.workflows.extract.request import ExtractRequest

__all__ = ["FITTED_PREPARATION", "ExtractRequest", "extract"]

# What a fitted PCA sees if nothing is asked for. Patterns differ in brightness and contrast, which
# say little about the crystal, so each is standardized. Removing the background helps
# more, but it is a choice about the data: the page proposes it, nobody makes it silently.
FITTED_PREPARATION = Preparation(scale="z_score")


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
        if not _is_fitted(request):
            note_checkpoint(request.checkpoint, folder)
        finished = _finished_before(asked, folder)
        if finished is not None:
            return finished
        if request.debug:
            chosen = [first_batches(one, request, options) for one in chosen]
        job = _Job(request, chosen, folder, progress)
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


@dataclass(frozen=True)
class _Job:
    request: ExtractRequest
    chosen: Sequence[ChosenSamples]
    folder: RunFolder
    progress: Progress
    trained: NenyaOptions | None = None
    notes: list[str] = field(default_factory=list)

    def with_model(self, open_model: Callable[..., Encoder]) -> tuple[_Job, Encoder, Preparer]:
        """Return the job with its samples denoised, an encoder, and the preparer of its samples.

        The encoder is loaded, or fitted.
        """
        if _is_fitted(self.request):
            job = self._denoised(self._preparation(FITTED_PREPARATION))
            preparer = job._preparer(self._preparation(FITTED_PREPARATION), None)
            return job, job._fitted(preparer), preparer
        # Bare weights don't have an input size: it is what the samples are prepared to.
        shape = self.chosen[0].source.sample_shape
        guess = self._preparation(Preparation()).output_shape(shape)
        encoder = open_model(self.request.checkpoint, device=self.request.device, input_shape=guess)
        encoder = with_pooling(encoder, self.request.pool)
        preparation = self._preparation(encoder.preparation or Preparation())
        asked = any(step.partition("=")[0].strip() == "channels" for step in self.request.prepare)
        refuse_averaging(encoder, preparation, shape[-3], asked=asked)
        job = self._denoised(preparation)
        preparer = job._preparer(preparation, encoder.static_background)
        if preparer.static_background is not None and encoder.static_background is None:
            np.save(self.folder.path("static_background.npy"), preparer.static_background)
        return job, encoder, preparer

    def _preparation(self, base: Preparation) -> Preparation:
        return preparation_asked(self.request.prepare, self.request.resolution, base)

    def _denoised(self, preparation: Preparation) -> _Job:
        """Return the same job, its samples averaged where the preparation wants it."""
        return replace(
            self, chosen=[one.denoised(preparation, self.progress) for one in self.chosen]
        )

    def encode(self, one: ChosenSamples, encoder: Encoder, preparer: Preparer) -> dict[str, Any]:
        """Encode one input, write its latents, and return what is reported of it."""
        from latentcore.encoding.extraction import extract as encode

        found = encode(
            one.source,
            encoder,
            preparer,
            keep=one.keep,
            scratch=self.folder.scratch() / Path(one.location).stem,
            batch_size=self.request.batch_size,
            progress=self.progress,
        )
        damaged = found.counts.damaged
        if len(damaged) == found.counts.rows:
            raise none_readable(one.location, list(damaged.values()))
        latents = LatentSet(
            values=found.latents,
            sample_ids=one.source.sample_ids,
            dims=np.arange(encoder.latent_dim, dtype=np.int32),
            grid=one.source.grid,
            partition=partitions_of(one.source.partition),
            labels=one.source.labels,
            provenance=self._provenance(
                encoder=encoder.name,
                encoder_fingerprint=encoder.fingerprint,
                device=encoder.device,
                preparation=preparer.preparation.to_dict(),
                batch_size=found.batch_size,
                tile=found.tile,
                halvings=found.halvings,
                **denoising_record(one.source),
                **feature_record(encoder),
                **self.options_record,
            ),
        )
        if not one.member.all():
            latents = latents.take(one.member)
        write_latents(self.folder.path(latents_name(one.location)), latents)
        features = features_name(one.location, alone=len(self.chosen) == 1)
        write_torch(self.folder, features, one.source, latents, (encoder, preparer))
        if self.request.seed_names:
            alone = len(self.chosen) == 1
            under = "" if alone else f"{Path(one.location).stem}/"
            write_seed_names(
                self.folder, latents, self.progress, under=under, location=one.location
            )
        report = _counts(found, int(one.member.sum())) | denoising_record(one.source)
        if damaged:
            report["damaged"] = write_damaged(self.folder, one.location, damaged)
            self.notes.append(note_on_damaged(one.location, damaged, found.counts.rows))
        if self.request.cutouts:
            crop = None if self.trained is None else self.trained.crop
            report["cutouts"] = write_cutout_table(self.folder, one, crop, self.progress)
        return report

    @property
    def options_record(self) -> dict[str, Any]:
        """The options of the training, to be recorded where they are known."""
        return {} if self.trained is None else {"options": dict(self.trained.values)}

    @property
    def _denoising(self) -> dict[str, Any]:
        """What was found on each scan, where they were denoised."""
        found = {one.location: denoising_record(one.source) for one in self.chosen}
        made = {location: one["denoising"] for location, one in found.items() if one}
        return {"denoising": made} if made else {}

    def _preparer(self, preparation: Preparation, background: Any) -> Preparer:
        if preparation.background == "static" and background is None:
            parts = [(one.source, one.rows) for one in self.chosen]
            background = fit_static_background(parts, preparation, self.progress)
        return Preparer(preparation, self.chosen[0].source.sample_shape, background)

    def _fitted(self, preparer: Preparer) -> Encoder:
        """Fit the PCA, or take the one that an interrupted run had fitted for this question."""
        from latentcore.artifacts.model_files import write_model
        from latentcore.encoding.extraction import check_same_shape
        from latentcore.encoding.fitting import fit_pca

        recipe = _recipe(self.request)
        digest = work_digest("extract", self.request, self.folder.inputs)
        scratch = self.folder.scratch() / f"fitted-{digest}"
        path = scratch / "model.safetensors"
        files = (path, scratch / "model.json")
        if not all(file.exists() for file in files):
            for one in self.chosen:
                check_same_shape(preparer, one.source)
            parts = [(one.source, one.rows) for one in self.chosen]
            fitted: PcaEncoder = fit_pca(
                recipe,
                parts,
                preparer,
                device=self.request.device,
                rotate=self.request.rotation is not None,
                progress=self.progress,
            )
            scratch.mkdir(exist_ok=True)
            write_model(path, fitted, self._provenance(**self._denoising))
        for file in files:
            self.folder.write_bytes(file.name, file.read_bytes())
        return open_checkpoint(str(path), device=self.request.device)

    def _provenance(self, **resolved: object) -> Provenance:
        request = {**as_plain(self.request), **({"resolved": resolved} if resolved else {})}
        return Provenance(
            verb=self.folder.verb,
            request=request,
            inputs=tuple(self.folder.inputs),
            parents=tuple(self.folder.parents),
            seed=self.request.seed,
        )


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
    if request.rotation is not None and not _is_fitted(request):
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


def _is_fitted(request: ExtractRequest) -> bool:
    return request.checkpoint.lower().startswith("pca:")


def _notes_on_fit(request: ExtractRequest) -> list[str]:
    if not _is_fitted(request):
        return []
    note = (
        f"{request.checkpoint} was fitted on these samples alone: its dimensions are not those of "
        "another fit. For latents that can be compared, encode all with the model.safetensors of "
        "one fit, or fit one PCA on all files together."
    )
    return [note]


def _recipe(request: ExtractRequest) -> PcaRecipe:
    from latentcore.encoders.pca import PcaRecipe

    return PcaRecipe.parse(request.checkpoint)


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


def _counts(found: Extraction, n: int) -> dict[str, Any]:
    return {
        "n": n,
        "n_encoded": found.counts.rows - found.counts.not_finite - len(found.counts.damaged),
        "n_left_out": n - found.counts.rows,
        "n_not_finite": found.counts.not_finite,
        "n_damaged": len(found.counts.damaged),
        "n_constant": found.counts.constant,
        "resumed_rows": found.resumed_rows,
        "rate": found.rate,
        "seconds": found.seconds,
        "batch_size": found.batch_size,
        "tile": found.tile,
        "halvings": found.halvings,
    }
