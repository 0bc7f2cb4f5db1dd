"""The stages of a training: collect, learn, judge, write."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentcore.artifacts import RunFolder
from latentcore.containers import Provenance
from latentcore.encoders.training_plan import Preset
from latentcore.encoding.denoised import denoising_record
from latentcore.inputs.samples import ChosenSamples
from latentcore.preparation import Preparer, fit_static_background
from latentcore.progress import Progress
from latentcore.requests.question import work_digest
from latentcore.requests.verbs import as_plain
from latentcore.workflows.train.live import Live
from latentcore.workflows.train.report import Trained, judge, summary_of, write_files
from latentcore.workflows.train.request import TrainRequest, settings_of

if TYPE_CHECKING:
    import torch

    from latentcore.encoders.pca import PcaEncoder
    from latentcore.encoding.training import Targets, Training
    from latentcore.encoding.training_data import TrainingPatterns
    from latentcore.encoding.training_state import TrainingStart


@dataclass(frozen=True)
class TrainingJob:
    """One training of chosen samples, with settled settings.

    Attributes
    ----------
    preset : Preset
        With what the request overrules.
    """

    request: TrainRequest
    preset: Preset
    chosen: ChosenSamples
    folder: RunFolder
    progress: Progress

    def run(self) -> dict[str, Any]:
        """Train, write what the verb promises, and return its summary."""
        import torch

        from latentcore.encoders.device import resolve_device
        from latentcore.encoding.training_state import computing_threads, read_start

        device = resolve_device(self.request.device)
        asked = work_digest("train", self.request, self.folder.inputs, computed_on=str(device))
        found = read_start(self._place, asked) if self.request.resume else None
        start, threads = (None, torch.get_num_threads()) if found is None else found
        with computing_threads(threads):
            return self._run(device, asked, start)

    @property
    def _place(self) -> Path:
        """Where a training that was interrupted goes on from."""
        return self.folder.scratch() / "training"

    def _run(self, device: torch.device, asked: str, start: TrainingStart | None) -> dict[str, Any]:
        from latentcore.artifacts.model_files import write_model
        from latentcore.encoders.gpu_lease import leased
        from latentcore.encoding.training_data import check_room, collect_patterns
        from latentcore.encoding.training_models import as_encoder

        shape = self.preset.preparation.output_shape(self.chosen.source.sample_shape)
        check_room(len(self.chosen.rows), shape, self.folder.scratch())
        preparer = self._preparer()
        patterns = collect_patterns(
            self.chosen.source,
            self.chosen.rows,
            preparer,
            scratch=self.folder.scratch(),
            held_out=self.preset.plan.held_out,
            seed=self.request.seed,
            progress=self.progress,
        )
        components, targets = self._start(patterns, preparer, asked, start)
        with leased(str(device), self.progress):
            training = self._training(patterns, preparer, device, targets, components, asked)
            result = training.run()
            trained = Trained(training, result, as_encoder(training.model, preparer, device))
            provenance = self._provenance(str(device))
            write_model(self.folder.path("model.safetensors"), trained.encoder, provenance)
            self.folder.path("model.json")
            self.progress.step(0, 1, "judging the latents")
            found = judge(trained, components, self.request, self.chosen, self.folder)
        warnings = self._notes() + ([result.message] if result.message else [])
        warnings += [found.warning] if found.warning else []
        write_files(self.folder, self.request, self.preset, trained, found)
        return summary_of(trained, self.preset, self.chosen, found, warnings)

    def _preparer(self) -> Preparer:
        preparation, background = self.preset.preparation, None
        if preparation.background == "static":
            parts = [(self.chosen.source, self.chosen.rows)]
            background = fit_static_background(parts, preparation, self.progress)
        return Preparer(preparation, self.chosen.source.sample_shape, background)

    def _n_components(self) -> int:
        """As many as the network starts from, or as the PCA to compare with has."""
        width = self.preset.architecture.get("features", 0)
        return max(self.preset.latent_dim, width, 30)

    def _start(
        self,
        patterns: TrainingPatterns,
        preparer: Preparer,
        asked: str,
        start: TrainingStart | None,
    ) -> tuple[PcaEncoder, Targets | None]:
        """Return components and targets: those of the first attempt, if there was one."""
        from latentcore.encoding import training_models as models
        from latentcore.encoding.training_state import TrainingStart, write_start

        if start is not None:
            components = models.components_of(start.components, preparer)
            scores = start.target_scores
            return components, None if scores is None else models.targets_of(scores, components)
        components = models.fit_components(patterns, preparer, self._n_components(), self.progress)
        targets = None
        grid = self.chosen.source.grid
        if self.preset.plan.target != "self" and grid is not None:
            targets = models.neighbor_targets(patterns, grid, components, self.progress)
        start = TrainingStart(components.tensors(), None if targets is None else targets.scores)
        write_start(self._place, start, asked)
        return components, targets

    def _notes(self) -> list[str]:
        if self.preset.plan.target == "self" or self.chosen.source.grid is not None:
            return []
        note = (
            "The samples have no places on a scan, so each was reconstructed to itself "
            "instead of to what its neighbors show."
        )
        return [note]

    def _training(
        self,
        patterns: TrainingPatterns,
        preparer: Preparer,
        device: torch.device,
        targets: Targets | None,
        components: PcaEncoder,
        asked: str,
    ) -> Training:
        from latentcore.encoding.training import Training
        from latentcore.encoding.training_models import build_network

        height, width = preparer.output_shape[-2:]
        network = build_network(
            self.preset.encoder,
            (height, width),
            self.preset.latent_dim,
            self.preset.architecture,
            seed=self.request.seed,
            components=components,
        )
        minutes = self.request.max_minutes
        return Training(
            network,
            patterns,
            self.preset.plan,
            device,
            self._place,
            asked,
            targets,
            resume=self.request.resume,
            max_seconds=math.inf if minutes is None else 60 * minutes,
            progress=self.progress,
            on_epoch=Live(self.folder, preparer, self._provenance(str(device))),
        )

    def _provenance(self, device: str) -> Provenance:
        found = denoising_record(self.chosen.source)
        resolved = {**settings_of(self.preset), **found, "device": device}
        return Provenance(
            verb=self.folder.verb,
            request={**as_plain(self.request), "resolved": resolved},
            inputs=tuple(self.folder.inputs),
            parents=tuple(self.folder.parents),
            seed=self.request.seed,
        )
