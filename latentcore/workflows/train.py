"""``train``: samples → a variational autoencoder, and what it is worth.

While it works, ``<out>.parent/.<out>.unfinished/scratch/`` (`RunFolder.scratch`) holds, each
replaced whole::

    live.json            state, epoch, epochs, best_epoch, patterns_per_s, seconds, eta_s,
                         losses (the rows of loss.csv so far)
    live.npy             float32 (3, k, H, W): fixed patterns, their targets, their reconstructions
    checkpoint/          model.safetensors and model.json of the best epoch so far
    training/state.pt    what --resume goes on from
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import math
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from latentcore.artifacts import RunFolder, from_json, read_run, to_json, write_atomic
from latentcore.containers import Provenance, Roi
from latentcore.encoding.training_plan import PRECISIONS, SCHEDULES, TARGETS
from latentcore.encoding.training_presets import PRESETS, Preset
from latentcore.errors import Cancelled, RequestError
from latentcore.preparation import Preparation, Preparer, fit_static_background
from latentcore.progress import Progress
from latentcore.workflows._inputs import read_map, roi_option
from latentcore.workflows._sample_choice import Choice, ChosenSamples, choose_samples
from latentcore.workflows._verbs import as_plain, option, verb

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from latentcore.analysis.worth import Worth
    from latentcore.encoders import Encoder
    from latentcore.encoders.pca import PcaEncoder
    from latentcore.encoding.training import Targets, Training, TrainingResult
    from latentcore.encoding.training_data import TrainingPatterns

__all__ = ["TrainRequest", "train"]

# What can't change the weights: the same question with or without them.
_NOT_ASKED = ("resume", "max_minutes", "labels")
_ENCODERS = ("vae-residual", "vae-cnn")
_SHOWN = 8
_MOST_JUDGED = 20_000


@dataclass(frozen=True)
class TrainRequest:
    """What to train on, what, and how; what is left out comes from the preset."""

    location: str = option(help="file of samples", positional=True, metavar="LOCATION")
    preset: str | None = option(
        None,
        help="settings that belong together; as-published is the seed's VAE exactly",
        choices=tuple(PRESETS),
    )
    encoder: str | None = option(
        None, help="the model: vae-residual, or vae-cnn as the seed has it", choices=_ENCODERS
    )
    latent_dim: int | None = option(None, help="latent dimensions", metavar="N", convert=int)
    epochs: int | None = option(None, help="times each pattern is seen", metavar="N", convert=int)
    batch_size: int | None = option(None, help="patterns per step", metavar="N", convert=int)
    learning_rate: float | None = option(
        None, help="largest learning rate", metavar="R", convert=float
    )
    schedule: str | None = option(None, help="of the learning rate", choices=SCHEDULES)
    kl_weight: float | None = option(
        None, help="weight of the mean KL per dimension", metavar="W", convert=float
    )
    kl_warmup: float | None = option(
        None, help="epochs over which the KL weight rises from 0", metavar="EPOCHS", convert=float
    )
    free_bits: float | None = option(
        None, help="nats per dimension that cost nothing", metavar="NATS", convert=float
    )
    target: str | None = option(
        None,
        help="reconstruct the pattern itself, or what its neighbours on the scan show of it",
        choices=TARGETS,
    )
    noise: float | None = option(
        None,
        help="how much of another pattern's noise is added to each input (with neighbour targets)",
        metavar="SHARE",
        convert=float,
    )
    held_out: float | None = option(
        None,
        help="share of points not trained on, which choose the best epoch",
        metavar="SHARE",
        convert=float,
    )
    prepare: tuple[str, ...] = option(
        (),
        help="steps of the preparation, each overruling the preset's: crop=Y0:Y1:X0:X1, size=HxW, "
        "background=none|static|dynamic, background_sigma=PX, smooth=PX, "
        "scale=none|zero_one|minus_one_one|z_score|demean",
        nargs="+",
        repeat=True,
        metavar="KEY=VALUE",
    )
    keep_above: tuple[str, float] | None = option(
        None,
        help="train only on points where a map (FILE or FILE:COLUMN) is above a value",
        nargs=2,
        metavar=("MAP", "VALUE"),
        convert=(str, float),
    )
    roi: tuple[float, ...] | None = roi_option()
    partition: tuple[str, ...] = option(
        (), help="train only on this HDF5 dataset", repeat=True, metavar="NAME"
    )
    labels: str | None = option(
        None, help="a map of truth or phases, to judge the latents by; not trained on",
        metavar="MAP",
    )  # fmt: skip
    max_minutes: float | None = option(
        None, help="stop in time, with the best epoch until then", metavar="M", convert=float
    )
    device: str = option("auto", help="auto, cpu, cuda, cuda:1 or mps", metavar="NAME")
    precision: str | None = option(
        None,
        help="of the computation: auto is bfloat16 on CUDA, float32 elsewhere; bfloat16 is up to "
        "twice as fast on newer CPUs",
        choices=PRECISIONS,
    )
    resume: bool = option(
        False, help="go on from the last checkpoint of an interrupted run of the same question"
    )
    reader: str | None = option(None, help="reader of the input", metavar="NAME")
    seed: int = option(0, help="same seed, same weights", metavar="N", convert=int)


@verb("train", "Train a variational autoencoder on samples.", TrainRequest, place="process")
def train(request: TrainRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Train a model and tell what its latents are worth.

    Parameters
    ----------
    request : TrainRequest
    folder : RunFolder
        Gets ``model.safetensors``, ``model.json``, ``loss.csv``, ``loss_curve.png``,
        ``config.json``, ``reconstructions.png`` and ``worth.json``.
    progress : Progress
        Steps are patterns of all epochs together.

    Returns
    -------
    dict
        ``encoder, latent_dim, device, preparation, n_train, n_held_out, n_left_out,
        n_not_finite, n_constant, target, epochs, best_epoch, stopped_by, seconds,
        patterns_per_s, resumed_epochs``, the best epoch's ``reconstruction, kl, total``, ``worth``
        and in ``warnings`` what the user should know.

    Raises
    ------
    InputError
        If the request or its input can't be used, or the training diverges before anything
        was learned.
    Cancelled
        If the progress was cancelled; the message tells where the best weights lie, and with
        ``resume`` the same call goes on.
    """
    preset = _settled(request)
    with ExitStack() as opened:
        choice = Choice(request.partition, None, request.keep_above)
        chosen = _within(
            request.roi, choose_samples(request.location, choice, folder, opened,
                                        reader=request.reader),
        )  # fmt: skip
        finished = _finished_before(request, folder) if request.resume else None
        if finished is not None:
            return finished
        if not request.resume:
            shutil.rmtree(folder.scratch(), ignore_errors=True)
        try:
            return _Job(request, preset, chosen, folder, progress).run()
        except (Cancelled, KeyboardInterrupt) as error:
            raise Cancelled(_told_cancelled(folder)) from error


@dataclass(frozen=True)
class _Job:
    request: TrainRequest
    preset: Preset
    chosen: ChosenSamples
    folder: RunFolder
    progress: Progress

    def run(self) -> dict[str, Any]:
        from latentcore.artifacts.model_files import write_model
        from latentcore.encoders._device import resolve_device
        from latentcore.encoding.training_data import collect_patterns
        from latentcore.encoding.training_models import as_encoder, fit_components

        device = resolve_device(self.request.device)
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
        components = fit_components(patterns, preparer, self._n_components(), self.progress)
        targets, warnings = self._targets(patterns, components)
        training = self._training(patterns, preparer, device, targets, components)
        result = training.run()
        warnings += [result.message] if result.message else []
        encoder = as_encoder(training.model, preparer, device)
        write_model(self.folder.path("model.safetensors"), encoder, self._provenance(str(device)))
        self.folder.path("model.json")
        found = self._worth(encoder, patterns, components)
        warnings += [found.warning] if found.warning else []
        self._write(result, encoder, patterns, found)
        return self._summary(result, encoder, patterns, found, warnings, targets)

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

    def _targets(
        self, patterns: TrainingPatterns, components: PcaEncoder
    ) -> tuple[Targets | None, list[str]]:
        from latentcore.encoding.training_models import neighbour_targets

        if self.preset.plan.target == "self":
            return None, []
        grid = self.chosen.source.grid
        if grid is None:
            told = (
                "The samples have no places on a scan, so each was reconstructed to itself "
                "instead of to what its neighbours show."
            )
            return None, [told]
        return neighbour_targets(patterns, grid, components, self.progress), []

    def _training(
        self,
        patterns: TrainingPatterns,
        preparer: Preparer,
        device: torch.device,
        targets: Targets | None,
        components: PcaEncoder,
    ) -> Training:
        from latentcore.encoding.training import Training
        from latentcore.encoding.training_models import build_network

        network = build_network(
            self.preset.encoder,
            preparer.output_shape[1:],
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
            self.folder.scratch() / "training",
            _question(self.request, self.folder, str(device)),
            targets,
            resume=self.request.resume,
            max_seconds=math.inf if minutes is None else 60 * minutes,
            progress=self.progress,
            on_epoch=_Live(self, preparer),
        )

    def _worth(self, encoder: Encoder, patterns: TrainingPatterns, components: PcaEncoder) -> Worth:
        from latentcore.analysis.worth import explained_share, worth
        from latentcore.encoders import Decoder

        self.progress.step(0, 1, "judging the latents")
        n = len(patterns.values)
        some = np.sort(np.random.default_rng([self.request.seed, 5]).permutation(n)[:_MOST_JUDGED])
        samples = np.asarray(patterns.values[some], np.float32)
        latents = encoder.encode(samples)
        assert isinstance(encoder, Decoder)
        log_variances = getattr(encoder, "log_variances", None)
        scores = components.encode(samples)
        scores[:, encoder.latent_dim :] = 0
        return worth(
            latents,
            log_variances=None if log_variances is None else log_variances(samples),
            samples=samples,
            explained=explained_share(samples, encoder.decode(latents)),
            explained_by_pca=explained_share(samples, components.decode(scores)),
            labels=self._labels(patterns.rows[some]),
            kl_weight=self.preset.plan.kl_weight,
            seed=self.request.seed,
        )

    def _labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        if self.request.labels is None:
            return None
        maps = read_map(self.request.labels, self.folder)
        grid = self.chosen.source.grid
        if len(maps) != 1 or grid is None:
            message = (
                f"--labels needs one map and samples with places, but {self.request.labels!r} "
                f"holds {len(maps)}: {', '.join(maps.names)}. Name one as FILE:COLUMN."
            )
            raise RequestError(message)
        values = maps.at(grid)[0][0][rows]
        return np.where(np.isfinite(values), values, -1).astype(np.int64)

    def _write(
        self, result: TrainingResult, encoder: Encoder, patterns: TrainingPatterns, found: Worth
    ) -> None:
        from latentcore.figures.training import loss_figure, pattern_rows_figure

        table = pd.DataFrame([asdict(row) for row in result.history])
        self.folder.write_csv("loss.csv", table)
        self.folder.write_figure("loss_curve.png", loss_figure(table, best_epoch=result.best_epoch))
        shown = _fixed_patterns(patterns)
        samples = np.asarray(patterns.values[shown], np.float32)
        decoded = encoder.decode(encoder.encode(samples))  # type: ignore[attr-defined]
        rows = [("prepared", samples), ("reconstructed", decoded), ("residual", samples - decoded)]
        titles = [f"row {row}" for row in patterns.rows[shown]]
        self.folder.write_figure("reconstructions.png", pattern_rows_figure(rows, titles))
        self.folder.write_json("worth.json", found)
        self.folder.write_json("config.json", {**as_plain(self.request), **_plain(self.preset)})

    def _summary(
        self,
        result: TrainingResult,
        encoder: Encoder,
        patterns: TrainingPatterns,
        found: Worth,
        warnings: Sequence[str],
        targets: Targets | None,
    ) -> dict[str, Any]:
        best = next(
            row for row in result.history
            if row.epoch == result.best_epoch and row.split == "held-out"
        )  # fmt: skip
        brief = {key: value for key, value in asdict(found).items() if key not in ("sd", "kl")}
        return {
            "skipped": False,
            "encoder": encoder.name,
            "latent_dim": encoder.latent_dim,
            "device": encoder.device,
            "preparation": self.preset.preparation.to_dict(),
            "n_train": len(patterns.train),
            "n_held_out": len(patterns.held_out),
            "n_left_out": len(self.chosen.keep) - int(self.chosen.keep.sum()),
            "n_not_finite": patterns.n_not_finite,
            "n_constant": patterns.n_constant,
            "target": "self" if targets is None else "neighbour",
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

    def _provenance(self, device: str) -> Provenance:
        return Provenance(
            verb=self.folder.verb,
            request={**as_plain(self.request), "resolved": {**_plain(self.preset),
                                                            "device": device}},
            inputs=tuple(self.folder.inputs),
            parents=tuple(self.folder.parents),
            seed=self.request.seed,
        )  # fmt: skip


class _Live:
    """After each epoch: what a page draws, and a checkpoint that can be used."""

    def __init__(self, job: _Job, preparer: Preparer) -> None:
        self._job = job
        self._preparer = preparer
        self._folder = job.folder.scratch()
        self._written = -1

    def __call__(self, training: Training) -> None:
        state, plan = training.state, training.plan
        rates = [row.patterns_per_s for row in state.history if row.split == "train"]
        per_epoch = state.seconds / state.epoch if state.epoch else None
        live = {
            "state": "training" if state.epoch < plan.epochs else "done",
            "epoch": state.epoch,
            "epochs": plan.epochs,
            "best_epoch": state.best_epoch,
            "patterns_per_s": rates[-1] if rates else None,
            "seconds": state.seconds,
            "eta_s": None if per_epoch is None else per_epoch * (plan.epochs - state.epoch),
            "losses": [asdict(row) for row in state.history],
        }
        write_atomic(self._folder / "live.json", to_json(live).encode())
        shown = _fixed_patterns(training.patterns)
        samples = np.asarray(training.patterns.values[shown], np.float32)
        stack = np.stack([samples, training.target(shown), training.decoded(shown)])[:, :, 0]
        buffer = io.BytesIO()
        np.save(buffer, stack.astype(np.float32))
        write_atomic(self._folder / "live.npy", buffer.getvalue())
        if state.best_epoch != self._written:
            self._write_checkpoint(training)
            self._written = state.best_epoch

    def _write_checkpoint(self, training: Training) -> None:
        import copy

        from latentcore.artifacts.model_files import write_model
        from latentcore.encoding.training_models import as_encoder

        network = copy.deepcopy(training.model).cpu()
        network.load_state_dict(training.state.best_model)
        place = self._folder / "checkpoint"
        place.mkdir(exist_ok=True)
        encoder = as_encoder(network, self._preparer, training.device)
        write_model(
            place / "model.safetensors", encoder, self._job._provenance(str(training.device))
        )


def _settled(request: TrainRequest) -> Preset:
    """Return the preset with what the request overrules."""
    name = request.preset or ("cnn" if request.encoder == "vae-cnn" else "default")
    preset = PRESETS[name]
    encoder = request.encoder or preset.encoder
    if encoder != preset.encoder:
        message = (
            f"--preset {name} trains a {preset.encoder}, but --encoder {encoder} was asked for. "
            "Leave one of them out."
        )
        raise RequestError(message)
    if request.max_minutes is not None and not 0 < request.max_minutes < math.inf:
        message = f"--max-minutes {request.max_minutes:g} leaves no time. Give more than 0."
        raise RequestError(message)
    named = {field.name for field in dataclasses.fields(preset.plan)} - {"seed"}
    asked = {
        key: value for key, value in as_plain(request).items()
        if key in named and value is not None
    }  # fmt: skip
    return replace(
        preset,
        latent_dim=request.latent_dim if request.latent_dim is not None else preset.latent_dim,
        plan=replace(preset.plan, **asked, seed=request.seed),  # type: ignore[arg-type]
        preparation=Preparation.parse(request.prepare, preset.preparation),
    )


def _within(roi: tuple[float, ...] | None, chosen: ChosenSamples) -> ChosenSamples:
    if roi is None:
        return chosen
    if chosen.source.grid is None:
        message = f"{chosen.location!r} has no coordinates, so --roi means nothing there."
        raise RequestError(message)
    keep = chosen.keep & Roi.from_bounds(roi).mask(chosen.source.grid)
    if not keep.any():
        x0, x1 = chosen.source.grid.x_range
        y0, y1 = chosen.source.grid.y_range
        message = (
            f"No kept point lies in --roi {' '.join(f'{bound:g}' for bound in roi)}: the scan "
            f"spans x from {x0:g} to {x1:g} and y from {y0:g} to {y1:g}."
        )
        raise RequestError(message)
    return replace(chosen, keep=keep)


def _finished_before(request: TrainRequest, folder: RunFolder) -> dict[str, Any] | None:
    record = read_run(folder.out)
    if record is None or record.get("verb") != folder.verb:
        return None
    before = _asked(record.get("request", {}), [one["fingerprint"] for one in record["inputs"]
                                                if one["role"] != "map"])  # fmt: skip
    if before != _asked(as_plain(request), _contents(folder)):
        return None
    folder.keep_finished(record)
    return {**record["summary"], "skipped": True}


def _contents(folder: RunFolder) -> list[str]:
    return [one.fingerprint for one in folder.inputs if one.role != "map"]


def _asked(request: Any, contents: list[str]) -> Any:
    asked = {key: value for key, value in request.items() if key not in _NOT_ASKED}
    return from_json(to_json({**asked, "content of inputs": contents}))


def _question(request: TrainRequest, folder: RunFolder, device: str) -> str:
    asked = {**_asked(as_plain(request), [one.fingerprint for one in folder.inputs]),
             "computed on": device}  # fmt: skip
    return hashlib.blake2b(to_json(asked).encode(), digest_size=16).hexdigest()


def _plain(preset: Preset) -> dict[str, Any]:
    return {
        "encoder": preset.encoder,
        "latent_dim": preset.latent_dim,
        "architecture": dict(preset.architecture),
        **asdict(preset.plan),
        "preparation": preset.preparation.to_dict(),
    }


def _fixed_patterns(patterns: TrainingPatterns) -> NDArray[np.int64]:
    """Return positions of some patterns, spread over the scan; held out where there are any."""
    among = patterns.held_out if len(patterns.held_out) >= _SHOWN else patterns.train
    return among[np.linspace(0, len(among) - 1, min(_SHOWN, len(among))).astype(np.int64)]


def _told_cancelled(folder: RunFolder) -> str:
    checkpoint = folder.scratch() / "checkpoint" / "model.safetensors"
    if not checkpoint.is_file():
        return "The training was cancelled before its first epoch; nothing was learned."
    return (
        f"The training was cancelled. The best weights so far are {str(checkpoint)!r}, a "
        "checkpoint like any other; the same command with --resume goes on from the last one."
    )
