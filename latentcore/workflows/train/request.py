"""What is asked of a training: its options, and what they come to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from latentcore.encoders import trainable_encoders, training_presets
from latentcore.encoders.training_plan import PRECISIONS, SCHEDULES, TARGETS, Preset
from latentcore.errors import RequestError
from latentcore.preparation import Preparation
from latentcore.requests.options import (
    device_option,
    keep_above_option,
    keep_below_option,
    keep_between_option,
    keep_label_option,
    keep_xy_option,
    partition_option,
    prepare_option,
    samples_reader_option,
    samples_roi_option,
)
from latentcore.requests.verbs import as_plain, option


@dataclass(frozen=True)
class TrainRequest:
    """What to train on, what, and how; what is left out comes from the preset."""

    location: str = option(help="file of samples", positional=True, kind="samples")
    preset: str | None = option(
        None,
        help="settings that belong together; as-published is the seed's VAE exactly: trained on "
        "all points, and the epoch of the lowest training loss is kept",
        choices=lambda: tuple(training_presets()),
    )
    encoder: str | None = option(
        None,
        help="the model: vae-residual, or vae-cnn as the seed has it",
        choices=trainable_encoders,
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
        help="reconstruct the pattern itself, or what its neighbors on the scan show of it",
        choices=TARGETS,
    )
    noise: float | None = option(
        None,
        help="how much of another pattern's noise is added to each input (with neighbor targets)",
        metavar="SHARE",
        convert=float,
    )
    held_out: float | None = option(
        None,
        help="share of points not trained on, which choose the best epoch; 0: all are trained on, "
        "and the lowest training loss chooses",
        metavar="SHARE",
        convert=float,
    )
    prepare: tuple[str, ...] = prepare_option("the preset's")
    keep_above: tuple[str | float, ...] | None = keep_above_option()
    keep_below: tuple[str | float, ...] | None = keep_below_option()
    keep_between: tuple[str | float, ...] | None = keep_between_option()
    keep_label: tuple[str, ...] | None = keep_label_option()
    keep_xy: str | None = keep_xy_option()
    roi: tuple[float, ...] | None = samples_roi_option()
    partition: tuple[str, ...] = partition_option()
    labels: str | None = option(
        None, help="a map of truth or phases, to judge the latents by; not trained on",
        kind="map", changes_work=False,
    )  # fmt: skip
    max_minutes: float | None = option(
        None,
        help="stop in time, with the best epoch until then",
        metavar="M",
        convert=float,
        changes_work=False,
    )
    device: str = device_option()
    precision: str | None = option(
        None,
        help="of the computation: auto is bfloat16 on CUDA, float32 elsewhere; bfloat16 is up to "
        "twice as fast on newer CPUs",
        choices=PRECISIONS,
    )
    resume: bool = option(
        False,
        help="go on from the last checkpoint of an interrupted run of the same question",
        changes_answer=False,
    )
    reader: str | None = samples_reader_option()
    seed: int = option(0, help="same seed, same weights", metavar="N", convert=int)


def settled(request: TrainRequest) -> Preset:
    """Return the preset with what the request overrules."""
    presets = training_presets()
    of_encoder = [name for name, one in presets.items() if request.encoder in (None, one.encoder)]
    name = request.preset or of_encoder[0]
    preset = presets[name]
    encoder = request.encoder or preset.encoder
    if encoder != preset.encoder:
        message = (
            f"⟨preset⟩ {name} trains a {preset.encoder}, but ⟨encoder⟩ {encoder} was asked for. "
            "Leave one of them out."
        )
        raise RequestError(message)
    if request.max_minutes is not None and not 0 < request.max_minutes < math.inf:
        message = f"⟨max_minutes⟩ {request.max_minutes:g} leaves no time. Give more than 0."
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


def settings_of(preset: Preset) -> dict[str, Any]:
    """Return all that a preset settles, JSON-like."""
    return {
        "encoder": preset.encoder,
        "latent_dim": preset.latent_dim,
        "architecture": dict(preset.architecture),
        **asdict(preset.plan),
        "preparation": preset.preparation.to_dict(),
    }
