"""How a model is trained: every number of it, checked, and the presets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from latentcore.errors import RequestError
from latentcore.preparation import Preparation

__all__ = ["PRECISIONS", "PRESETS", "SCHEDULES", "TARGETS", "Preset", "TrainingPlan"]

SCHEDULES = ("constant", "one-cycle")
TARGETS = ("self", "neighbour")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainingPlan:
    """The settings of one training.

    Attributes
    ----------
    epochs : int
    batch_size : int
    learning_rate : float
        The largest that the schedule reaches.
    schedule : str
        ``"constant"``, or ``"one-cycle"``: up during a tenth of the steps, down to nothing.
    kl_weight : float
        Of the mean Kullback–Leibler divergence per latent dimension, beside the mean squared
        error per pixel.
    kl_warmup : float
        Epochs over which that weight rises from 0.
    free_bits : float
        Nats per dimension that cost nothing.
    target : str
        What is to be reconstructed: the pattern itself, or what its neighbours on the scan show
        of it (see `latentcore.encoding.training_targets`).
    noise : float
        How much of another pattern's residual (pattern minus target) is added to each input:
        real noise of the detector, other in every epoch. Nothing without neighbour targets.
    held_out : float
        Share of the points that are not trained on; they choose the best epoch.
    clip : float
        Largest norm of the gradient.
    precision : str
        In which networks compute; weights and losses are float32 always. ``"auto"`` is
        ``"bfloat16"`` on CUDA and ``"float32"`` elsewhere.
    seed : int

    Raises
    ------
    RequestError
        If a value makes no sense.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str = "constant"
    kl_weight: float = 1e-3
    kl_warmup: float = 0.0
    free_bits: float = 0.0
    target: str = "self"
    noise: float = 0.0
    held_out: float = 0.05
    clip: float = 1.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 1_000_000),
            ("batch_size", 1, 1_000_000),
            ("kl_weight", 0.0, 1e6),
            ("kl_warmup", 0.0, 1e6),
            ("free_bits", 0.0, 1e3),
            ("noise", 0.0, 10.0),
            ("held_out", 0.0, 0.5),
            ("seed", 0, 2**31),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                flag = name.replace("_", "-")
                message = f"--{flag} {value:g} makes no sense: give from {low:g} to {high:g}."
                raise RequestError(message)
        if not 0 < self.learning_rate <= 10:
            message = (
                f"--learning-rate {self.learning_rate:g} makes no sense: give more than 0 and at "
                "most 10; 0.001 suits most models."
            )
            raise RequestError(message)
        for name, choices in (
            ("schedule", SCHEDULES),
            ("target", TARGETS),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in choices:
                message = f"There is no {name} {getattr(self, name)!r}; {', '.join(choices)} are."
                raise RequestError(message)


@dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    Attributes
    ----------
    encoder : str
    latent_dim : int
    plan : TrainingPlan
    preparation : Preparation
    architecture : Mapping
        What else the encoder's network is told.
    """

    encoder: str
    latent_dim: int
    plan: TrainingPlan
    preparation: Preparation
    architecture: Mapping[str, int] = field(default_factory=dict)


_CLEANED = Preparation(background="dynamic", smooth=1.0, scale="z_score")

_STEADY = TrainingPlan(
    epochs=40,
    batch_size=128,
    learning_rate=1e-3,
    schedule="one-cycle",
    kl_weight=1e-3,
    kl_warmup=4.0,
    target="neighbour",
    noise=1.0,
)

PRESETS: Mapping[str, Preset] = {
    "default": Preset(
        encoder="vae-residual",
        latent_dim=32,
        # Few are held out: a mixture at a boundary is recovered best where it was learned from.
        plan=replace(_STEADY, held_out=0.02),
        # The neighbours take the noise away; more smoothing takes fine bands with it.
        preparation=replace(_CLEANED, smooth=0.6),
        architecture={"features": 64, "hidden": 256, "depth": 2},
    ),
    # Below 1 MB for patterns of 60 × 60: the demo's checkpoint.
    "small": Preset(
        encoder="vae-residual",
        latent_dim=16,
        plan=_STEADY,
        preparation=_CLEANED,
        architecture={"features": 24, "hidden": 64, "depth": 1},
    ),
    "cnn": Preset(
        encoder="vae-cnn",
        latent_dim=32,
        plan=TrainingPlan(
            epochs=15,
            batch_size=64,
            learning_rate=1e-3,
            schedule="one-cycle",
            kl_weight=1e-4,
            kl_warmup=2.0,
            target="neighbour",
            noise=0.5,
        ),
        # Its output is a Tanh: it reaches from -1 to 1.
        preparation=Preparation(background="dynamic", smooth=1.0, scale="minus_one_one"),
        architecture={"base": 32, "n_down": 4},
    ),
    # github.com/Angelamer/microstructural_segmentation, branch vae.
    "as-published": Preset(
        encoder="vae-cnn",
        latent_dim=512,
        plan=TrainingPlan(epochs=20, batch_size=64, learning_rate=1e-3, kl_weight=1.0),
        preparation=Preparation(scale="minus_one_one"),
        architecture={"base": 32, "n_down": 5},
    ),
}
