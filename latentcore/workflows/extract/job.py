"""One extraction: its model, loaded or fitted, and the inputs that it encodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.artifacts import RunFolder
from latentcore.artifacts.latents_hdf5 import latents_name, write_latents
from latentcore.containers import LatentSet, Provenance, partitions_of
from latentcore.encoders import Encoder, feature_record, open_checkpoint, with_pooling
from latentcore.encoding.denoised import denoising_record
from latentcore.inputs.models import preparation_asked
from latentcore.inputs.samples import ChosenSamples
from latentcore.preparation import Preparation, Preparer, fit_static_background
from latentcore.progress import Progress
from latentcore.readers.media.files import none_readable
from latentcore.requests.question import work_digest
from latentcore.requests.verbs import as_plain
from latentcore.workflows.extract.cutout_table import write_cutout_table
from latentcore.workflows.extract.damaged import note_on_damaged, write_damaged
from latentcore.workflows.extract.features import features_name, write_torch
from latentcore.workflows.extract.request import ExtractRequest
from latentcore.workflows.extract.seed_names import write_seed_names
from latentcore.workflows.extract.trainer_options import refuse_averaging

if TYPE_CHECKING:
    from latentcore.encoders.nenya_options import NenyaOptions
    from latentcore.encoders.pca import PcaEncoder
    from latentcore.encoding.extraction import Extraction

# What a fitted PCA sees if nothing is asked for. Patterns differ in brightness and contrast, which
# say little about the crystal, so each is standardized. Removing the background helps
# more, but it is a choice about the data: the page proposes it, nobody makes it silently.
FITTED_PREPARATION = Preparation(scale="z_score")


def is_fitted(request: ExtractRequest) -> bool:
    """Tell whether the model is fitted on the samples, not loaded."""
    return request.checkpoint.lower().startswith("pca:")


@dataclass(frozen=True)
class ExtractionJob:
    """What is extracted, and what of it is noted on the way."""

    request: ExtractRequest
    chosen: Sequence[ChosenSamples]
    folder: RunFolder
    progress: Progress
    trained: NenyaOptions | None = None
    notes: list[str] = field(default_factory=list)

    def with_model(
        self, open_model: Callable[..., Encoder]
    ) -> tuple[ExtractionJob, Encoder, Preparer]:
        """Return the job with its samples denoised, an encoder, and the preparer of its samples.

        The encoder is loaded, or fitted.
        """
        if is_fitted(self.request):
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

    def _denoised(self, preparation: Preparation) -> ExtractionJob:
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
        latents = self._latents(one, found, encoder, preparer)
        alone = len(self.chosen) == 1
        write_latents(self.folder.path(latents_name(one.location)), latents)
        features = features_name(one.location, alone=alone)
        write_torch(self.folder, features, one.source, latents, (encoder, preparer))
        if self.request.seed_names:
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

    def _latents(
        self, one: ChosenSamples, found: Extraction, encoder: Encoder, preparer: Preparer
    ) -> LatentSet:
        """Return what was encoded as the latents of an input's chosen samples."""
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
        return latents if one.member.all() else latents.take(one.member)

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
        from latentcore.encoders.pca import PcaRecipe
        from latentcore.encoding.extraction import check_same_shape
        from latentcore.encoding.fitting import fit_pca

        recipe = PcaRecipe.parse(self.request.checkpoint)
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
