"""What came of a training: its worth, its files and its summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from latentcore.artifacts import RunFolder
from latentcore.encoding.denoised import denoising_record
from latentcore.errors import RequestError
from latentcore.inputs.maps import read_map
from latentcore.inputs.samples import ChosenSamples
from latentcore.requests.verbs import as_plain
from latentcore.workflows.train.live import fixed_patterns
from latentcore.workflows.train.request import TrainRequest, settings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from latentcore.analysis.worth import Worth
    from latentcore.encoders.pca import PcaEncoder
    from latentcore.encoders.training_plan import Preset
    from latentcore.encoders.vae import VaeEncoder
    from latentcore.encoding.training import Training, TrainingResult
    from latentcore.encoding.training_data import TrainingPatterns

_MOST_JUDGED = 20_000


@dataclass(frozen=True, eq=False)
class Trained:
    """A training that has ended.

    Attributes
    ----------
    encoder : VaeEncoder
        What the network became.
    """

    training: Training
    result: TrainingResult
    encoder: VaeEncoder

    @property
    def patterns(self) -> TrainingPatterns:
        """What it learned from."""
        return self.training.patterns


def judge(
    trained: Trained,
    components: PcaEncoder,
    request: TrainRequest,
    chosen: ChosenSamples,
    folder: RunFolder,
) -> Worth:
    """Measure what the latents are worth, beside as many principal components."""
    from latentcore.analysis.worth import explained_share, worth

    patterns, encoder = trained.patterns, trained.encoder
    n = len(patterns.values)
    some = np.sort(np.random.default_rng([request.seed, 5]).permutation(n)[:_MOST_JUDGED])
    samples = np.asarray(patterns.values[some], np.float32)
    latents = encoder.encode(samples)
    scores = components.encode(samples)
    scores[:, encoder.latent_dim :] = 0
    return worth(
        latents,
        log_variances=encoder.log_variances(samples),
        samples=samples,
        explained=explained_share(samples, encoder.decode(latents)),
        explained_by_pca=explained_share(samples, components.decode(scores)),
        labels=_labels(request.labels, chosen, folder, patterns.rows[some]),
        kl_weight=trained.training.plan.kl_weight,
        seed=request.seed,
    )


def write_files(
    folder: RunFolder, request: TrainRequest, preset: Preset, trained: Trained, found: Worth
) -> None:
    """Write everything but the model."""
    from latentcore.figures.training import loss_figure, pattern_rows_figure

    result, patterns, encoder = trained.result, trained.patterns, trained.encoder
    table = pd.DataFrame([asdict(row) for row in result.history])
    folder.write_csv("loss.csv", table)
    folder.write_figure("loss_curve.png", loss_figure(table, best_epoch=result.best_epoch))
    shown = fixed_patterns(patterns)
    samples = np.asarray(patterns.values[shown], np.float32)
    decoded = encoder.decode(encoder.encode(samples))
    rows = [("prepared", samples), ("reconstructed", decoded), ("residual", samples - decoded)]
    titles = [f"row {row}" for row in patterns.rows[shown]]
    folder.write_figure("reconstructions.png", pattern_rows_figure(rows, titles))
    folder.write_json("worth.json", found)
    folder.write_json("config.json", {**as_plain(request), **settings_of(preset)})


def summary_of(
    trained: Trained,
    preset: Preset,
    chosen: ChosenSamples,
    found: Worth,
    warnings: Sequence[str],
) -> dict[str, Any]:
    """Return the summary of a run."""
    result, patterns, encoder = trained.result, trained.patterns, trained.encoder
    judged = "held-out" if len(patterns.held_out) else "train"
    best = next(
        row for row in result.history if row.epoch == result.best_epoch and row.split == judged
    )
    brief = {key: value for key, value in asdict(found).items() if key not in ("sd", "kl")}
    return {
        "skipped": False,
        "encoder": encoder.name,
        "latent_dim": encoder.latent_dim,
        "device": encoder.device,
        "preparation": preset.preparation.to_dict(),
        **denoising_record(chosen.source),
        "n_train": len(patterns.train),
        "n_held_out": len(patterns.held_out),
        "n_left_out": len(chosen.keep) - int(chosen.keep.sum()),
        "n_not_finite": patterns.n_not_finite,
        "n_constant": patterns.n_constant,
        "target": "self" if trained.training.targets is None else "neighbour",
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "stopped_by": result.stopped_by,
        "seconds": result.seconds,
        "patterns_per_s": result.patterns_per_s,
        "resumed_epochs": result.resumed_epochs,
        "reconstruction": best.reconstruction,
        "kl": best.kl,
        "total": best.total,
        "worth": brief,
        "warnings": list(warnings),
    }


def _labels(
    location: str | None, chosen: ChosenSamples, folder: RunFolder, rows: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    if location is None:
        return None
    maps = read_map(location, folder)
    grid = chosen.source.grid
    if len(maps) != 1 or grid is None:
        message = (
            f"⟨labels⟩ needs one map and samples with places, but {location!r} "
            f"holds {len(maps)}: {', '.join(maps.names)}. Name one as FILE:COLUMN."
        )
        raise RequestError(message)
    values = maps.at(grid)[0][0][rows]
    return np.where(np.isfinite(values), values, -1).astype(np.int64)
